"""The house as its laws see it: floors, files, their trees and what they import."""

import ast

import pytest
from helpers import ROOT

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
    **dict.fromkeys(["checks", "data"], 5),
    "storage": 5.5,  # a model file describes the table of its network
    "training": 6,
    **dict.fromkeys(["runs", "fast", "show"], 7),
    **dict.fromkeys(["lab", "sklearn", "text"], 8),
    "page": 8.5,  # shows what all others made
    "cli": 9,
    "accel": 9.5,  # reads its options as the commands do
    **dict.fromkeys([DOOR, "__main__"], 10),
}
LESSON = 4  # the highest floor of the lesson


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


def room(name):
    """Return the folder, or the file without its ending, directly in gpunet/."""
    return module_of(name)[0]


def floor(name):
    if room(name) not in FLOORS:
        pytest.fail(f"gpunet/{name}: add its floor to FLOORS in tests/house.py")
    return FLOORS[room(name)]


def lesson():
    """Return the files of floors 2 to 4."""
    return [name for name in FILES if 2 <= FLOORS.get(room(name), 9) <= LESSON]


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
    """Yield (file of gpunet or third party, whether gpunet's, in a function, node)."""
    for node, inside, unseen in nodes(TREES[name]):
        if unseen:  # for type checkers alone: it is never carried out
            continue
        if isinstance(node, ast.Import):
            for item in node.names:
                file = resolve(name, 0, item.name, "")
                yield file or item.name.split(".")[0], bool(file), inside, node
        elif isinstance(node, ast.ImportFrom):
            for item in node.names:
                file = resolve(name, node.level, node.module, item.name)
                third = (node.module or "").split(".")[0]
                yield file or third, bool(file), inside, node
        elif text := by_name(node):
            yield text.split(".")[0], text.startswith("gpunet"), inside, node


def where(name, node):
    """Return file and line of a node, for a message."""
    return f"gpunet/{name}:{node.lineno}"
