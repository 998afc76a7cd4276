"""The one way up: loading a higher floor when one of its names is first used.

The lesson imports downwards only. Two things reach the other way, by name and
when called: the door (`gpunet.fit`) and a network's own `save` and `load`.
"""

import importlib
from types import ModuleType


def upstairs(module: str) -> ModuleType:
    """Return gpunet's module of that name, loaded now if it was not before."""
    return importlib.import_module(f"gpunet.{module}")
