"""`gpunet verify`: its work."""

import argparse
import os
import sys
from pathlib import Path

from ...errors import ModelFileError
from ...io.messages import message, printable
from ...storage import verify
from ..tables import as_json


def run(args: argparse.Namespace) -> int:
    """Print each file's step and digest; return 0, or 4 if one is damaged."""
    code, rows = 0, []
    for file in (file for path in args.paths for file in _files(path)):
        try:
            summary = verify(file)
        except ModelFileError as error:
            print(f"gpunet: error: {error}", file=sys.stderr)
            code = error.exit_code
            rows.append({"path": printable(file), "ok": False, "error": str(error)})
            continue
        rows.append({"ok": True} | summary | {"path": printable(file)})
        if args.json:
            continue
        step = "-" if summary["step"] is None else summary["step"]
        kind, step = (printable(str(word), 60) for word in (summary["kind"], step))
        print(f"{printable(file)}: {kind}, step {step}, sha256 {summary['digest']}")
    if args.json:
        print(as_json({"ok": code == 0, "files": rows}))
    return code


def _files(path: str) -> list[Path]:
    """Return the file itself, or all that a run folder holds."""
    if not os.path.isdir(path):
        return [Path(path)]
    tree = os.walk(path, onerror=_raise_unreadable)
    files = sorted(Path(folder, name) for folder, _, names in tree for name in names)
    files = [file for file in files if file.suffix == ".safetensors"]
    if not files:
        hint = "name a run folder or a file"
        raise ModelFileError(
            message("verify", path, "holds no .safetensors file", hint)
        )
    return files


def _raise_unreadable(error: OSError) -> None:
    reason = f"cannot be read ({error.strerror})"
    raise ModelFileError(message("verify", error.filename, reason, "check the path"))
