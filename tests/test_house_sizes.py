"""The sizes of the house: a function fits a screen, a file a sitting, a folder a list.

Each exception says why. One that is no longer needed fails, so that there are only
ever fewer of them.
"""

import ast
from collections import Counter
from pathlib import PurePosixPath

import pytest
from helpers import ROOT

LINES_OF_A_FUNCTION = 40  # without its docstring
LINES_OF_A_FILE = 300
FILES_OF_A_FOLDER = 15
EXCEPTIONS = 5  # of each kind
SOURCES = (".py", ".cu")

LONG_FUNCTIONS: dict[str, str] = {}
LONG_FILES = {
    "gpunet/fast/cuda/general/general.cu": "the kernels of a step, compiled as one",
}
LONG_TESTS: dict[str, str] = {}
LONG_TEST_FILES: dict[str, str] = {}
LARGE_FOLDERS: dict[str, str] = {}


def sources(*folders):
    """Return the source files of some folders by their path in the repository."""
    paths = [path for folder in folders for path in sorted((ROOT / folder).rglob("*"))]
    return {
        path.relative_to(ROOT).as_posix(): path.read_text("utf-8")
        for path in paths
        if path.suffix in SOURCES
    }


LIBRARY, TESTS = sources("gpunet", "scripts"), sources("tests")


def length(function):
    """Return the lines of a function from def to end, without its docstring."""
    lines = function.end_lineno - function.lineno + 1
    if ast.get_docstring(function):
        docstring = function.body[0]
        lines -= docstring.end_lineno - docstring.lineno + 1
    return lines


def long_functions(texts):
    """Return "path::name" of each function that is too long, with its lines."""
    return {
        f"{path}::{node.name}": length(node)
        for path, text in texts.items()
        if path.endswith(".py")
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and length(node) > LINES_OF_A_FUNCTION
    }


def long_files(texts):
    """Return each file that is too long, with its lines."""
    lines = {path: len(text.splitlines()) for path, text in texts.items()}
    return {path: n for path, n in lines.items() if n > LINES_OF_A_FILE}


def check(too_long, exceptions):
    """Compare what is too long with the exceptions, of which there are few."""
    excess = {name: n for name, n in too_long.items() if name not in exceptions}
    assert not excess, f"split by idea: {excess}"
    assert exceptions.keys() <= too_long.keys(), "an exception is no longer needed"
    assert len(exceptions) <= EXCEPTIONS


def test_functions_fit_a_screen():
    check(long_functions(LIBRARY), LONG_FUNCTIONS)


def test_files_are_read_in_one_sitting():
    check(long_files(LIBRARY), LONG_FILES)


def test_bodies_of_tests_fit_a_screen():
    check(long_functions(TESTS), LONG_TESTS)


def test_files_of_tests_are_read_in_one_sitting():
    check(long_files(TESTS), LONG_TEST_FILES)


def test_folders_are_seen_at_a_glance():
    folders = Counter(str(PurePosixPath(path).parent) for path in LIBRARY)
    large = {folder: n for folder, n in folders.items() if n > FILES_OF_A_FOLDER}
    check(large, LARGE_FOLDERS)


def test_the_measures_find_what_is_too_long():
    body = "    x = 1\n" * 41
    texts = {
        "long.py": f'def f():\n    """Return it."""\n{body}',
        "short.py": f"def f():\n{body[:-20]}",
        "long.cu": "\n" * 301,
    }
    assert long_functions(texts) == {"long.py::f": 42}
    assert long_files(texts) == {"long.cu": 301}
    with pytest.raises(AssertionError, match="split by idea"):
        check({"a": 41}, {})
    with pytest.raises(AssertionError, match="no longer needed"):
        check({}, {"a": "why"})
