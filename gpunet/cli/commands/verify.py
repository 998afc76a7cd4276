"""`gpunet verify`: its work."""

import argparse
import os
import sys
from pathlib import Path

from ...errors import ModelFileError
from ...io.messages import message, printable
from ...storage import verify


def run(args: argparse.Namespace) -> int:
    """Print each file's step and digest; return 0, or 4 if one is not sound."""
    code = 0
    for path in args.paths:
        for file in _files(path):
            try:
                found = verify(file)
            except ModelFileError as error:
                print(f"gpunet: error: {error}", file=sys.stderr)
                code = error.exit_code
                continue
            step = "-" if found["step"] is None else found["step"]
            kind, step = (printable(str(part), 60) for part in (found["kind"], step))
            print(f"{printable(file)}: {kind}, step {step}, sha256 {found['digest']}")
    return code


def _files(path: str) -> list[Path]:
    """Return the file itself, or all that a run folder holds."""
    if not os.path.isdir(path):
        return [Path(path)]
    tree = os.walk(path, onerror=_refuse)
    files = sorted(Path(place, name) for place, _, names in tree for name in names)
    files = [file for file in files if file.suffix == ".safetensors"]
    if not files:
        raise ModelFileError(
            f"verify: {printable(path)}: holds no .safetensors file; name a run "
            "folder or a file"
        )
    return files


def _refuse(error: OSError) -> None:
    why = f"cannot be looked into ({error.strerror})"
    raise ModelFileError(message("verify", error.filename, why, "check the path"))
