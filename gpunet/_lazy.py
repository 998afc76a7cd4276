"""Lazy loading: a module of a higher floor, when one of its names is first used.

The lesson imports downwards only. Few things reach the other way, by name and when
called: the door (`gpunet.fit`), a network's own `save` and `load`, training that asks
for a compiled engine or shows its progress, and what notebooks display of an object.
"""

import importlib
from types import ModuleType


def load(module: str) -> ModuleType:
    """Return gpunet's module of that name, loaded now if it was not before."""
    return importlib.import_module(f"gpunet.{module}")
