"""Run the CUDA texts on a machine without a GPU: built by the host's compiler.

`build(source)` compiles a .cu text against `cuda_emulation.h` and returns its
kernels; calling one takes grid, block, arguments and dynamic shared memory as
CuPy's RawKernel does. Arguments are checked against the kernel's parameters more
strictly than a GPU would: a pointer wants a C-ordered array of just that dtype, a
number wants a NumPy scalar of just that type.
"""

import ctypes
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np

HEADER = Path(__file__).with_name("cuda_emulation.h")
ORDERS = {"forwards": 0, "backwards": 1}  # of a block's threads; or a shuffle's seed
# Fibers jump between stacks, which fortified longjmp takes for an error.
_FLAGS = ("-std=c++17", "-O1", "-fPIC", "-shared", "-w", "-ffp-contract=off")
_FLAGS += ("-U_FORTIFY_SOURCE", "-D_FORTIFY_SOURCE=0")
# A kernel's name is its own, whatever the C library calls so (glibc: `advance`).
_FLAGS += ("-Wl,-Bsymbolic",)
_KERNEL = re.compile(
    r"__global__\s+void\s+(?:__launch_bounds__\([^)]*\)\s*)?(\w+)\s*\("
)
_POINTEES = {"f": "f", "d": "d", "q": "l", "Q": "L", "?": "?"}


def compiler() -> list[str] | None:
    """Return the command of a C++ compiler, or None."""
    for name in (os.environ.get("CXX"), "g++", "clang++"):
        if name and shutil.which(name):
            return [name]
    if find_spec("ziglang"):
        return [sys.executable, "-m", "ziglang", "c++", "-fno-sanitize=undefined"]
    return None


@cache
def _folder() -> tempfile.TemporaryDirectory:
    return tempfile.TemporaryDirectory(prefix="gpunet-emulation-")


@cache
def build(source: str, options: tuple[str, ...] = ()) -> "Module":
    """Return the kernels of a CUDA text, as a host library.

    Parameters
    ----------
    source : str
    options : tuple of str
        Those of the form -Dname=value are heeded, others left out.
    """
    names = _KERNEL.findall(source)
    calls = "".join(
        f'extern "C" void launch_{name}(const unsigned *g, const unsigned *b, '
        "unsigned shared, unsigned order, void **p) { emulation::launch("
        f"emulation::Call<&{name}>::run, g, b, shared, order, p); }}\n"
        f'extern "C" void signature_{name}(char *out) '
        f"{{ emulation::signature(&{name}, out); }}\n"
        for name in names
    )
    text = f'#include "{HEADER}"\n#line 1 "kernel.cu"\n{source}\n{calls}'
    defined = [option for option in options if option.startswith("-D")]
    key = hashlib.sha256(repr((text, defined)).encode()).hexdigest()[:16]
    path = Path(_folder().name) / f"{key}.so"
    given = path.with_suffix(".cpp")
    given.write_text(text)
    command = [*compiler(), *_FLAGS, *defined, str(given), "-o", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SyntaxError(done.stderr[:4000])
    return Module(ctypes.CDLL(str(path)), names)


class Module:
    """The kernels of one text, by name."""

    def __init__(self, library: ctypes.CDLL, names: list[str]):
        self.kernels = {name: Kernel(library, name) for name in names}

    def __getitem__(self, name: str) -> "Kernel":
        return self.kernels[name]


class Kernel:
    """One kernel; `order` is the order in which a block's threads take turns."""

    order: int = 0

    def __init__(self, library: ctypes.CDLL, name: str):
        self.name = name
        self._launch = getattr(library, f"launch_{name}")
        room = ctypes.create_string_buffer(512)
        getattr(library, f"signature_{name}")(room)
        text = room.value.decode()
        self.signature = [text[i : i + 2] for i in range(0, len(text), 2)]

    def __call__(self, grid, block, args, *, shared_mem: int = 0, order=None) -> None:
        """Run the kernel to its end, as RawKernel(grid, block, args) does."""
        if len(args) != len(self.signature):
            raise TypeError(
                f"{self.name}: {len(args)} arguments for {len(self.signature)}"
            )
        if np.prod(block) > 1024 or not np.prod(grid) * np.prod(block):
            raise ValueError(f"{self.name}: no GPU takes grid {grid}, block {block}")
        held = [self._value(i, a) for i, a in enumerate(args)]
        pointers = (ctypes.c_void_p * len(held))(*map(ctypes.addressof, held))
        sizes = [(ctypes.c_uint * 3)(*s, *[1] * (3 - len(s))) for s in (grid, block)]
        order = self.order if order is None else ORDERS.get(order, order)
        self._launch(*sizes, shared_mem, order, pointers)

    def _value(self, i: int, value):
        kind, letter = self.signature[i]
        wanted = np.dtype(_POINTEES.get(letter, letter) if letter != "V" else "V1")
        where = f"{self.name}: argument {i}"
        if kind == "p":
            if value is None:
                return ctypes.c_void_p(None)
            if not isinstance(value, np.ndarray) or not value.flags.c_contiguous:
                raise TypeError(f"{where}: wants a C-ordered array, got {type(value)}")
            if letter != "V" and value.dtype != wanted:
                raise TypeError(f"{where}: wants {wanted}, got {value.dtype}")
            return ctypes.c_void_p(value.ctypes.data)
        if not isinstance(value, np.generic) or value.dtype != wanted:
            raise TypeError(f"{where}: wants a NumPy {wanted}, got {value!r}")
        return (ctypes.c_char * value.dtype.itemsize).from_buffer_copy(value.tobytes())
