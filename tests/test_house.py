"""The laws of the house: who may import whom, and what the lesson may say.

A module imports strictly lower floors; inside a folder, and among the files of
one floor of the lesson, siblings import acyclically. Array libraries are named
in the backend alone, apart from the third parties of each place.
"""

import ast
import re
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest
from helpers import ROOT, run_python

PACKAGE = ROOT / "gpunet"
DOOR = "__init__"
FLOORS = {
    **dict.fromkeys(["errors", "_lazy"], 0),
    **dict.fromkeys(["backend", "io"], 1),
    "random": 1.5,  # on the seam
    **dict.fromkeys(["activations", "initializers"], 2),
    **dict.fromkeys(["optimizers", "updates"], 2),
    **dict.fromkeys(["layers", "losses"], 3),
    **dict.fromkeys(["parameters", "network", "blocks"], 4),
    **dict.fromkeys(["checks", "data", "storage"], 5),
    "training": 6,
    **dict.fromkeys(["runs", "fast", "parallel", "show"], 7),
    **dict.fromkeys(["lab", "sklearn", "text"], 8),
    **dict.fromkeys(["accel", "cli"], 9),
    **dict.fromkeys([DOOR, "__main__"], 10),
}
LESSON = 4  # the highest floor of the lesson
# place -> third parties imported at the top of a file, and those only when needed
THIRD_PARTIES = {
    "backend": (
        "numpy",
        "array_api_compat array_api_strict cupy torch threadpoolctl",
    ),
    "random": ("numpy", ""),
    "data": ("numpy", ""),
    "io": ("numpy", ""),
    "storage": ("numpy", "onnx"),
    "text": ("numpy rich", ""),
    "training": ("numpy", ""),
    "runs": ("numpy rich", ""),
    "fast": ("numpy", "cupy llvmlite numba rich"),
    "sklearn": ("joblib numpy scipy sklearn threadpoolctl", ""),
    "parallel": ("numpy", "mpi4py"),
    "show": ("numpy", "matplotlib PIL"),
    "lab": ("numpy", "matplotlib"),
    "cli": ("numpy rich", "cupy threadpoolctl"),  # what the doctor examines
    "checks": ("numpy", ""),
}
# the only files that load a module of the package by its name, when it is needed
BY_NAME = ("_lazy.py", "cli/")
LONGEST = 420  # lines of a file; 300 is one sitting, and what is wanted
HEAVY = [
    *("cupy", "torch", "numba", "sklearn", "scipy", "matplotlib", "mpi4py", "onnx"),
    *("rich", "safetensors"),
]


def files():
    """Return the package's files by their path inside it."""
    found = {str(p.relative_to(PACKAGE)): p for p in sorted(PACKAGE.rglob("*.py"))}
    return {name.replace("\\", "/"): p for name, p in found.items()}


FILES = files()
TREES = {name: ast.parse(p.read_text("utf-8")) for name, p in FILES.items()}
every_file = pytest.mark.parametrize("name", FILES)


def module_of(name):
    """Return "data/idx.py" as ("data", "idx")."""
    return tuple(name.removesuffix(".py").removesuffix("/__init__").split("/"))


MODULES = {module_of(name): name for name in FILES}


def place(name):
    return module_of(name)[0]


def floor(name):
    if place(name) not in FLOORS:
        pytest.fail(f"gpunet/{name}: say in test_house.py on which floor it stands")
    return FLOORS[place(name)]


def lesson():
    return [name for name in FILES if 2 <= FLOORS.get(place(name), 9) <= LESSON]


def nodes(tree, inside=False, unseen=False):
    """Walk a tree: (node, whether in a function, whether for type checkers only)."""
    for node in ast.iter_child_nodes(tree):
        yield node, inside, unseen
        test = getattr(node, "test", None)
        typing = isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(test)
        function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        yield from nodes(node, inside or function, unseen or typing)


def by_name(node):
    """Return the literal name that import_module(name) is called with, or None."""
    if not isinstance(node, ast.Call) or not node.args:
        return None
    called = getattr(node.func, "attr", getattr(node.func, "id", ""))
    if called not in ("import_module", "__import__", "find_spec"):
        return None
    name = node.args[0]
    if isinstance(name, ast.JoinedStr):
        name = name.values[0]
    return name.value if isinstance(name, ast.Constant) else "?"


def resolve(name, level, module, attribute):
    """Return the path of gpunet's module that an import names, or None."""
    if level:
        package = module_of(name)
        if not name.endswith("__init__.py"):
            package = package[:-1]
        elif name == "__init__.py":
            package = ()
        package = package[: len(package) - level + 1]
        full = (*package, *(module.split(".") if module else ()))
    elif module and module.split(".")[0] == "gpunet":
        full = tuple(module.split(".")[1:])
    else:
        return None
    for path in ((*full, attribute), full, full or (DOOR,)):
        if path in MODULES:
            return MODULES[path]
    return f"{'/'.join(full)} (missing)"


def imports(name):
    """Yield (module file or third party, whether own, in a function, node)."""
    for node, inside, unseen in nodes(TREES[name]):
        if unseen:  # for type checkers alone: it is never carried out
            continue
        if isinstance(node, ast.Import):
            for item in node.names:
                own = resolve(name, 0, item.name, "")
                yield own or item.name.split(".")[0], bool(own), inside, node
        elif isinstance(node, ast.ImportFrom):
            for item in node.names:
                own = resolve(name, node.level, node.module, item.name)
                third = (node.module or "").split(".")[0]
                yield own or third, bool(own), inside, node
        elif text := by_name(node):
            own = text.startswith("gpunet")
            yield text.split(".")[0], own, inside, node


def where(name, node):
    return f"gpunet/{name}:{node.lineno}"


@every_file
def test_imports_go_strictly_down(name):
    mine = floor(name)
    for target, own, _, node in imports(name):
        if not own or isinstance(node, ast.Call):
            continue
        at = where(name, node)
        assert "missing" not in target, f"{at}: imports {target}"
        if target == "__init__.py" and name != target:
            version = [item.name for item in node.names] == ["__version__"]
            assert mine == 9 or version, f"{at}: goes out by the door"
            continue
        siblings = place(target) == place(name) or mine <= LESSON
        assert floor(target) < mine or (floor(target) == mine and siblings), (
            f"{at}: floor {mine} imports {target} on floor {floor(target)}"
        )


def test_imports_have_no_cycle():
    graph = {
        name: {
            target
            for target, own, _, node in imports(name)
            if own and not isinstance(node, ast.Call) and target != "__init__.py"
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
    for target, own, inside, node in imports(name):
        at = where(name, node)
        if isinstance(node, ast.Call) and own:
            assert name.startswith(BY_NAME), f"{at}: loads {target} by its name"
        elif own:
            assert not inside, f"{at}: imports {target} inside a function"


def test_the_way_up_has_few_users():
    users = {
        name
        for name in FILES
        for target, own, _, _ in imports(name)
        if own and target == "_lazy.py"
    }
    assert users <= {
        "__init__.py",
        "backend/__init__.py",
        "network.py",
        "training/engines.py",
    }
    for name in users:
        for node, inside, _ in nodes(TREES[name]):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "load":
                assert inside, f"{where(name, node)}: goes up when it is imported"


@every_file
def test_third_parties_keep_to_their_place(name):
    top, late = (set(t.split()) for t in THIRD_PARTIES.get(place(name), ("", "")))
    for target, own, inside, node in imports(name):
        if own or target in sys.stdlib_module_names or target == "?":
            continue
        allowed = top | late if inside else top
        assert target in allowed, f"{where(name, node)}: {target} is not for this place"


ARRAYS = {"numpy", "cupy", "cupyx", "torch", "jax", "array_api_compat"}


def test_benchmarks_stay_outside_the_package():
    folder = ROOT / "scripts" / "benchmarks"
    for name in TREES:
        named = {target for target, own, _, _ in imports(name) if not own}
        assert "benchmarks" not in named and "scripts" not in named, name
    for path in sorted(folder.rglob("*.py")):
        text = path.read_text("utf-8")
        assert len(text.splitlines()) <= LONGEST, f"{path}: split it by idea"
        assert ast.get_docstring(ast.parse(text)), f"{path} has no docstring"


def test_the_lesson_names_no_array_library():
    for name in lesson():
        named = {target for target, own, _, _ in imports(name) if not own}
        assert not named & ARRAYS, f"gpunet/{name} imports {named & ARRAYS}"
        for node, _, _ in nodes(TREES[name]):
            ids = {getattr(node, "id", ""), getattr(node, "attr", "")}
            assert not ids & {"np", *ARRAYS}, f"{where(name, node)}: names {ids}"


REDUCTIONS = {"sum", "max", "min", "mean", "prod", "any", "all", "std", "var"}


def breaches(name):
    """Yield what the lesson may not say: .T, axis=0, sums over every axis."""
    for node, _, _ in nodes(TREES[name]):
        if isinstance(node, ast.Attribute) and node.attr == "T":
            yield node, ".T turns leading axes too; take matrix_transpose"
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
        for node, why in breaches(name):
            pytest.fail(f"{where(name, node)}: {why}")


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
    lower = {place(name) for name in FILES if FLOORS.get(place(name), 9) <= LESSON}
    code = (
        "import sys, importlib, gpunet\n"
        "print('numpy' in sys.modules)\n"
        f"for name in {sorted(lower)!r}: importlib.import_module('gpunet.' + name)\n"
        "gpunet.open_backend('cpu'), gpunet.mlp([2, 2])\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])\n"
    )
    done = run_python(code)
    assert (done.stdout, done.stderr) == ("False\n[]\n", "")


COMMAND_LINES = ("cli/", "accel.py")


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
            said = ast.get_docstring(node)
            assert said or node.name.startswith("_"), where(name, node)


@every_file
def test_files_are_read_in_one_sitting(name):
    n = len(FILES[name].read_text("utf-8").splitlines())
    assert n <= LONGEST, f"gpunet/{name} has {n} lines; split it by idea"


def test_the_door_shows_what_it_promises():
    done = run_python(
        "import gpunet, importlib.util\n"
        "from gpunet import _HOME\n"
        "there = lambda home: importlib.util.find_spec('gpunet.' + home)\n"
        "for name, home in _HOME.items():\n"
        "    assert name in dir(gpunet)\n"
        "    if there(home): assert getattr(gpunet, name) is not None\n"
        "try: gpunet.nothing\n"
        "except AttributeError as error: print(error)\n"
    )
    assert (done.stdout, done.stderr) == (
        "module 'gpunet' has no attribute 'nothing'\n",
        "",
    )


def test_tests_mirror_the_lesson():
    for name in [*lesson(), "random.py"]:
        mirror = Path(__file__).with_name(f"test_{name}")
        assert mirror.exists(), f"gpunet/{name} has no tests/{mirror.name}"
