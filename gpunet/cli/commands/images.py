"""`gpunet images`: its work."""

import argparse
import json
from pathlib import Path

import numpy as np

from ...data import Dataset, read_mnist
from ...errors import ConfigError, DataError
from ...io.messages import printable
from ...io.writing import probe_writable, write_atomically
from ...show.digits_png import contact_sheet, gray_png


def run(args: argparse.Namespace) -> int:
    """Write the digits asked for; return the exit code."""
    if not args.out:
        raise ConfigError("usage: --out: expected a folder, got an empty name")
    gray_png(np.zeros((1, 1)))  # Pillow must be there before a folder is made
    probe_writable(args.out)
    splits = read_mnist(args.data_dir, name=args.data)
    part = getattr(splits, args.split)
    chosen = _choose(part, args)
    side = _side(part, args)
    images = part.x[chosen].reshape(len(chosen), side, side)
    labels = part.t[chosen]
    out, names = Path(args.out), []
    if args.sheet:
        names.append("sheet.png")
        write_atomically(out / "sheet.png", gray_png(contact_sheet(images)))
    else:
        for i, label, image in zip(chosen, labels, images, strict=True):
            names.append(f"{i:05d}-{label}.png")
            write_atomically(out / names[-1], gray_png(image))
    if args.json:
        print(json.dumps({"folder": printable(out), "files": names}))
    else:
        what = "on one sheet" if args.sheet else f"{names[0]} to {names[-1]}"
        print(f"{len(chosen):,} images of {args.split} in {printable(out)}: {what}")
    return 0


def _choose(part: Dataset, args: argparse.Namespace) -> np.ndarray:
    first, last = args.range
    last = len(part) if last is None else last
    if not first < last <= len(part):
        raise ConfigError(
            f"usage: --range {first}:{last}: expected two ends from 0 to {len(part)}, "
            "the first below the second; choose others"
        )
    chosen = np.arange(first, last)
    if args.digit is not None:
        chosen = chosen[part.t[chosen] == args.digit]
    if not len(chosen):
        raise ConfigError(
            f"usage: --digit {args.digit}: none of the images {first} to {last - 1} "
            "has this label; widen --range or choose another"
        )
    return chosen[: args.count]


def _side(part: Dataset, args: argparse.Namespace) -> int:
    side = round(part.x.shape[1] ** 0.5)
    if side * side != part.x.shape[1]:
        raise DataError(
            f"images: {printable(args.data_dir)}: has {part.x.shape[1]} pixels an "
            "image, which make no square; give square images"
        )
    return side
