"""Compile CUDA text to machine code by NVRTC, on a machine without a GPU.

The wheel `nvidia-cuda-nvrtc` (of the `test` extra) is all it needs: CuPy compiles
by the same library at run time. The compiler's own report of what each kernel
takes, registers, spills and shared memory, stands in the log.
"""

import ctypes
import re
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

ARCHITECTURES = ("sm_75", "sm_80", "sm_90", "sm_100", "sm_120")


class Usage(NamedTuple):
    """What one kernel takes, by the compiler's report.

    Attributes
    ----------
    registers : int
        Of each thread.
    spills : int
        Bytes of each thread stored outside registers for want of them.
    stack : int
        Bytes of each thread's stack frame: arrays indexed at run time, and spills.
    shared : int
        Bytes of static shared memory of each block.
    """

    registers: int
    spills: int
    stack: int
    shared: int


class Compiled(NamedTuple):
    """Machine code, the compiler's log and the kernels' usage by name."""

    cubin: bytes
    log: str
    usage: dict[str, Usage]


@cache
def library() -> ctypes.CDLL | None:
    """Return NVRTC out of its wheel, or None where there is none."""
    spec = find_spec("nvidia")
    for home in spec.submodule_search_locations if spec else ():
        for path in sorted(Path(home).glob("*/lib/libnvrtc.so.*")):
            if "alt" not in path.name:
                for part in path.parent.glob("libnvrtc-builtins.so.*"):
                    ctypes.CDLL(str(part), mode=ctypes.RTLD_GLOBAL)
                return ctypes.CDLL(str(path))
    return None


def compile(source: str, arch: str = "sm_90", options: tuple[str, ...] = ()):
    """Return the machine code of a CUDA text; SyntaxError with the log where it fails.

    Parameters
    ----------
    source : str
    arch : str
        Such as "sm_90".
    options : tuple of str
        As CuPy's RawModule takes them, such as "-DWIDTH=16".
    """
    nvrtc = library()
    program = ctypes.c_void_p()
    flags = [f"--gpu-architecture={arch}", "--std=c++17", "--ptxas-options=-v"]
    flags += options
    text = source.encode()
    _check(nvrtc.nvrtcCreateProgram(ctypes.byref(program), text, b"k.cu", 0, 0, 0))
    try:
        given = (ctypes.c_char_p * len(flags))(*(flag.encode() for flag in flags))
        failed = nvrtc.nvrtcCompileProgram(program, len(flags), given)
        log = _fetch(nvrtc, program, "ProgramLog").decode().rstrip("\0")
        if failed:
            raise SyntaxError(f"{arch}: {log}")
        return Compiled(_fetch(nvrtc, program, "CUBIN"), log, _usage(log))
    finally:
        nvrtc.nvrtcDestroyProgram(ctypes.byref(program))


def _fetch(nvrtc, program, what: str) -> bytes:
    size = ctypes.c_size_t()
    _check(getattr(nvrtc, f"nvrtcGet{what}Size")(program, ctypes.byref(size)))
    room = ctypes.create_string_buffer(size.value)
    _check(getattr(nvrtc, f"nvrtcGet{what}")(program, room))
    return room.raw


def _check(code: int) -> None:
    if code:
        raise OSError(f"NVRTC: error {code}")


def _usage(log: str) -> dict[str, Usage]:
    found = {}
    for part in re.split(r"Compiling entry function '", log)[1:]:

        def number(pattern, part=part):
            match = re.search(pattern, part)
            return int(match[1]) if match else 0

        found[part.split("'")[0]] = Usage(
            number(r"Used (\d+) registers"),
            number(r"(\d+) bytes spill stores"),
            number(r"(\d+) bytes stack frame"),
            number(r"(\d+) bytes smem"),
        )
    return found
