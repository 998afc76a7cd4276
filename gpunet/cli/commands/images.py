"""`gpunet images`: its work."""

import argparse
import json
from pathlib import Path

import numpy as np

from ...backend import HostArray
from ...data import Dataset, read_mnist
from ...errors import ConfigError, DataError
from ...io.messages import counted, printable
from ...io.writing import write_atomically
from ...show.digits_png import contact_sheet, gray_png
from ..running import check_folder


def run(args: argparse.Namespace) -> int:
    """Write digits as images; return 0."""
    check_folder(args.out)
    part = getattr(read_mnist(args.data_dir, name=args.data), args.split)
    rows = _select(part, args)
    side = round(part.x.shape[1] ** 0.5)
    if side * side != part.x.shape[1]:
        raise DataError(
            f"images: {printable(args.data_dir)}: has {part.x.shape[1]} pixels an "
            "image, which do not form a square; use square images"
        )
    images = part.x[rows].reshape(len(rows), side, side)
    names = [f"{i:05d}-{part.t[i]}.png" for i in rows]
    if args.sheet:
        images, names = [contact_sheet(images)], ["sheet.png"]
    for name, image in zip(names, images, strict=True):
        write_atomically(Path(args.out, name), gray_png(image))
    if args.json:
        print(json.dumps({"folder": printable(args.out), "files": names}))
    else:
        what = "on one sheet" if args.sheet else f"{names[0]} to {names[-1]}"
        count = counted(len(rows), "image")
        print(f"{count} of {args.split} in {printable(args.out)}: {what}")
    return 0


def _select(part: Dataset, args: argparse.Namespace) -> HostArray:
    first, last = args.range
    last = len(part) if last is None else last
    if not first < last <= len(part):
        raise ConfigError(
            f"usage: --range {first}:{last}: must be two ends from 0 to {len(part)}, "
            "the first below the second"
        )
    rows = np.arange(first, last)
    if args.digit is not None:
        rows = rows[part.t[rows] == args.digit]
    if not len(rows):
        raise ConfigError(
            f"usage: --digit {args.digit}: none of the images {first} to {last - 1} "
            "has this label; widen --range or choose another"
        )
    return rows[: args.count]
