"""The words of the house: names that are said once, messages, and what is cited."""

import ast
import importlib
import re

import pytest
from helpers import ROOT
from house import FILES, FLOORS, PACKAGE, TREES, every_file, nodes, resolve, where

COMMAND_LINES = ("cli/", "accel.py")
SHORT_NAMES = {"activation", "loss", "optimizer", "schedule"}  # of the door alone
WRITTEN = [
    *(ROOT / "README.md", *PACKAGE.rglob("*.md"), *(ROOT / "scripts").rglob("*.md")),
    *(FILES.values()),
    *((ROOT / "scripts").rglob("*.py")),
]


@every_file
def test_messages_name_parameters_and_no_option(name):
    """The commands turn `batch_size` into --batch-size; the library has no options."""
    if name.startswith(COMMAND_LINES):
        return
    tree = TREES[name]
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, documented) and ast.get_docstring(node)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and id(node) not in docstrings:
            option = re.search(r"(?<![\w-])--[a-z]", str(node.value))
            assert not option, f"{where(name, node)}: names the option of a command"


@every_file
def test_public_names_have_docstrings(name):
    tree = TREES[name]
    assert ast.get_docstring(tree), f"gpunet/{name} says nothing of itself"
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            docstring = ast.get_docstring(node)
            assert docstring or node.name.startswith("_"), where(name, node)


def test_no_two_classes_have_one_name():
    places = {}
    for name, tree in TREES.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                places.setdefault(node.name, []).append(where(name, node))
    twice = {name: found for name, found in places.items() if len(found) > 1}
    assert twice == {}


@every_file
def test_imports_rename_nothing_of_the_package(name):
    renamed = {
        item.asname
        for node, _, _ in nodes(TREES[name])
        if isinstance(node, ast.ImportFrom)
        for item in node.names
        if item.asname not in (None, item.name)
        and resolve(name, node.level, node.module, item.name)
    }
    assert renamed == (SHORT_NAMES if name == "__init__.py" else set())


def test_readme_names_every_room_on_its_floor():
    readme = (ROOT / "README.md").read_text("utf-8")
    rows = re.findall(r"^\| (\d+) \| ([^|]+) \|", readme, re.MULTILINE)
    listed = {int(level): set(re.findall(r"`([^`]+)`", cell)) for level, cell in rows}
    floors = {}
    for room, level in FLOORS.items():
        if not room.startswith("_"):
            shown = room + ("/" if (PACKAGE / room).is_dir() else ".py")
            floors.setdefault(int(level), set()).add(shown)
    assert listed == floors


CITED = re.compile(r"(?<![\w/.-])((?:gpunet|scripts|tests)/[\w/]+\.\w+|[A-Z]+\.md)\b")
DOCUMENTS = {path.name for path in WRITTEN if path.suffix == ".md"}
DOTTED = re.compile(r"`(gpunet\.[\w.]*\w)`")


@pytest.mark.parametrize("path", WRITTEN, ids=lambda path: path.stem)
def test_cited_files_and_names_exist(path):
    text = path.read_text("utf-8")
    for cited in CITED.findall(text):
        assert (ROOT / cited).exists() or cited in DOCUMENTS, (
            f"{path} cites {cited}, which is not there"
        )
    for dotted in DOTTED.findall(text):
        assert resolves(dotted), f"{path} cites {dotted}, which is not there"


def test_the_rules_find_citations():
    text = "see `gpunet/nets.py`, scripts/train.py and RESULTS.md; `gpunet.mlp(x)`"
    assert CITED.findall(text) == ["gpunet/nets.py", "scripts/train.py", "RESULTS.md"]
    assert DOTTED.findall("`gpunet.mlp` and `gpunet.runs`") == [
        *("gpunet.mlp", "gpunet.runs"),
    ]
    assert resolves("gpunet.mlp") and resolves("gpunet.training.loop.Trainer.run")
    assert not resolves("gpunet.nothing") and not resolves("gpunet.training.loop.x")


def resolves(dotted):
    """Say whether a dotted name is a module of the package or in one of them."""
    first, *rest = dotted.split(".")
    value = importlib.import_module(first)
    for k, word in enumerate(rest, 2):
        if not hasattr(value, word):
            try:
                importlib.import_module(".".join(dotted.split(".")[:k]))
            except ModuleNotFoundError:
                return False
        value = getattr(value, word)
    return True
