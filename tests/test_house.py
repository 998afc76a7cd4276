"""The laws of the house: who may import whom, and what the lesson may say.

A module imports strictly lower floors; inside a folder, and among the files of
one floor of the lesson, siblings import acyclically. Array libraries are named
in the backend alone, apart from the third parties of each room.
"""

import ast
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest
from helpers import ROOT, run_python
from house import (
    FILES,
    FLOORS,
    LESSON,
    TREES,
    every_file,
    floor,
    imports,
    lesson,
    nodes,
    resolve,
    room,
    where,
)

# room -> third parties imported at the top of a file, and those only when needed
THIRD_PARTIES = {
    "backend": (
        "numpy",
        "array_api_compat array_api_strict cupy torch threadpoolctl",
    ),
    "random": ("numpy", ""),
    "data": ("numpy", "PIL"),
    "io": ("numpy", "pandas"),
    "storage": ("numpy", "onnx"),
    "text": ("numpy", ""),
    "training": ("numpy", ""),
    "runs": ("numpy rich", "IPython"),
    "fast": ("numpy", "cupy llvmlite numba rich"),
    "sklearn": ("joblib numpy scipy sklearn threadpoolctl", ""),
    "show": ("numpy", "matplotlib"),
    "lab": ("numpy", ""),
    "page": ("numpy", "starlette uvicorn"),
    "cli": ("numpy rich", "cupy threadpoolctl"),  # what the doctor examines
    "checks": ("numpy", ""),
}
# the only files that load a module of the package by its name, when it is needed
BY_NAME = ("_lazy.py", "cli/")
HEAVY = [
    *("cupy", "torch", "numba", "sklearn", "scipy", "matplotlib", "mpi4py", "onnx"),
    *("rich", "safetensors"),
]


@every_file
def test_imports_go_strictly_down(name):
    level = floor(name)
    for target, internal, _, node in imports(name):
        if not internal or isinstance(node, ast.Call):
            continue
        at = where(name, node)
        assert "missing" not in target, f"{at}: imports {target}"
        if target == "__init__.py" and name != target:
            version = [item.name for item in node.names] == ["__version__"]
            assert level == 9 or version, f"{at}: goes out by the door"
            continue
        siblings = room(target) == room(name) or level <= LESSON
        assert floor(target) < level or (floor(target) == level and siblings), (
            f"{at}: floor {level} imports {target} on floor {floor(target)}"
        )


def test_imports_have_no_cycle():
    graph = {
        name: {
            target
            for target, internal, _, node in imports(name)
            if internal and not isinstance(node, ast.Call) and target != "__init__.py"
        }
        - {name}
        for name in FILES
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


@every_file
def test_no_package_import_hides_in_a_function(name):
    for target, internal, inside, node in imports(name):
        at = where(name, node)
        if isinstance(node, ast.Call) and internal:
            assert name.startswith(BY_NAME), f"{at}: loads {target} by its name"
        elif internal:
            assert not inside, f"{at}: imports {target} inside a function"


def test_the_way_up_has_few_users():
    users = {
        name
        for name in FILES
        for target, internal, _, _ in imports(name)
        if internal and target == "_lazy.py"
    }
    assert users == {
        "__init__.py",
        "backend/__init__.py",
        "checks/explain.py",
        "checks/gradcheck.py",
        "data/dataset.py",
        "network.py",
        "storage/export/__init__.py",
        "show/page.py",
        "training/engines.py",
        "runs/listing/runs.py",
        "training/fit.py",
        "training/history.py",
        "training/members/table.py",
    }
    for name in users:
        for node, inside, _ in nodes(TREES[name]):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "load":
                assert inside, f"{where(name, node)}: goes up when it is imported"


@every_file
def test_third_parties_keep_to_their_room(name):
    top, late = (set(t.split()) for t in THIRD_PARTIES.get(room(name), ("", "")))
    for target, internal, inside, node in imports(name):
        if internal or target in sys.stdlib_module_names or target == "?":
            continue
        allowed = top | late if inside else top
        assert target in allowed, f"{where(name, node)}: {target} is not for this room"


def test_every_third_party_is_used():
    used = {(room(name), target) for name in FILES for target, *_ in imports(name)}
    named = {
        (folder, third)
        for folder, (top, late) in THIRD_PARTIES.items()
        for third in f"{top} {late}".split()
    }
    assert named - used == set()


def test_every_room_has_its_floor():
    assert {room(name) for name in FILES} == set(FLOORS)


ARRAYS = {"numpy", "cupy", "cupyx", "torch", "jax", "array_api_compat"}


def test_benchmarks_stay_outside_the_package():
    folder = ROOT / "scripts" / "benchmarks"
    for name in TREES:
        named = {target for target, internal, _, _ in imports(name) if not internal}
        assert "benchmarks" not in named and "scripts" not in named, name
    for path in sorted(folder.rglob("*.py")):
        assert ast.get_docstring(ast.parse(path.read_text("utf-8"))), path


def test_the_lesson_names_no_array_library():
    for name in lesson():
        named = {target for target, internal, _, _ in imports(name) if not internal}
        assert not named & ARRAYS, f"gpunet/{name} imports {named & ARRAYS}"
        for node, _, _ in nodes(TREES[name]):
            ids = {getattr(node, "id", ""), getattr(node, "attr", "")}
            assert not ids & {"np", *ARRAYS}, f"{where(name, node)}: names {ids}"


REDUCTIONS = {"sum", "max", "min", "mean", "prod", "any", "all", "std", "var"}


def breaches(name):
    """Yield what the lesson may not say: .T, axis=0, sums over every axis."""
    for node, _, _ in nodes(TREES[name]):
        if isinstance(node, ast.Attribute) and node.attr == "T":
            yield node, ".T turns leading axes too; use matrix_transpose"
        if not isinstance(node, ast.Call):
            continue
        called = getattr(node.func, "attr", getattr(node.func, "id", ""))
        words = {word.arg: word.value for word in node.keywords}
        axis = words.get("axis")
        first = isinstance(axis, ast.Constant) and axis.value == 0
        if first and called != "take":
            yield node, "axis=0 is a member axis or a batch, nobody knows which"
        if first and called == "take" and getattr(node.args[0], "id", "") != "table":
            yield node, "take(..., axis=0) is for a flattened table alone"
        of = getattr(node.func, "value", None)
        namespace = isinstance(of, ast.Name) and of.id == "xp"
        namespace |= isinstance(of, ast.Call) and ast.unparse(of.func) == "namespace"
        if called in REDUCTIONS and namespace and "axis" not in words:
            yield node, f"{called} without an axis adds the members up"
        if called in ("cuda", "is_cuda") or "cuda" in words:
            yield node, "the lesson does not know the device"


def test_the_lesson_leaves_the_leading_axes_free():
    for name in lesson():
        for node, reason in breaches(name):
            pytest.fail(f"{where(name, node)}: {reason}")


def test_the_rules_find_breaches():
    bad = "xp.sum(x)\nW.T\nxp.sum(x, axis=0)\nxp.take(x, i, axis=0)\n"
    TREES["bad.py"] = ast.parse(bad + "namespace(x).max(x)\n")
    try:
        assert [node.lineno for node, _ in breaches("bad.py")] == [1, 2, 3, 4, 5]
    finally:
        del TREES["bad.py"]
    assert resolve("data/idx.py", 2, "errors", "DataError") == "errors.py"
    assert resolve("data/idx.py", 1, "rows", "x") == "data/rows.py"
    assert resolve("data/idx.py", 1, None, "rows") == "data/rows.py"
    assert resolve("data/__init__.py", 1, "rows", "x") == "data/rows.py"
    assert resolve("network.py", 1, "data", "Dataset") == "data/__init__.py"
    assert resolve("x.py", 0, "gpunet.data.idx", "x") == "data/idx.py"
    assert resolve("cli/__init__.py", 2, None, "__version__") == "__init__.py"
    assert resolve("x.py", 0, "numpy", "sum") is None


def test_import_leaves_heavy_libraries_alone():
    lower = {room(name) for name in FILES if FLOORS.get(room(name), 9) <= LESSON}
    code = (
        "import sys, importlib, gpunet\n"
        "print('numpy' in sys.modules)\n"
        f"for name in {sorted(lower)!r}: importlib.import_module('gpunet.' + name)\n"
        "gpunet.open_backend('cpu'), gpunet.mlp([2, 2])\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])\n"
    )
    done = run_python(code)
    assert (done.stdout, done.stderr) == ("False\n[]\n", "")


def test_the_door_shows_what_it_promises():
    done = run_python(
        "import gpunet\n"
        "from gpunet import _HOME\n"
        "for name in _HOME:\n"
        "    assert name in dir(gpunet)\n"
        "    assert getattr(gpunet, name) is not None\n"
        "try: gpunet.nothing\n"
        "except AttributeError as error: print(error)\n"
    )
    assert (done.stdout, done.stderr) == (
        "module 'gpunet' has no attribute 'nothing'\n",
        "",
    )


def test_tests_mirror_the_lesson():
    for name in [*lesson(), "random.py"]:
        mirror = Path(__file__).with_name(f"test_{room(name)}.py")
        assert mirror.exists(), f"gpunet/{name} has no tests/{mirror.name}"
