"""Digits of the page: some to look at, mistakes, and which is taken for which.

They are the test part of the run's own data, else of the embedded MNIST for a network
of its size. The answers are those of `net.predict`.
"""

from base64 import b64encode
from typing import Any

import numpy as np

from ..data import Dataset, Splits, read_mnist
from ..errors import GpunetError
from ..io.messages import printable
from ..network import Network
from ..runs.report import outputs
from ..training.metrics import confusion
from .source import PageSource

SHOWN = 30  # mistakes, and as many of the least sure answers
_OF_EACH_CLASS = 1
_SIDES = range(8, 65)


def section(source: PageSource) -> dict[str, Any] | None:
    """Return what drawing needs: the side of the pictures, and test digits if any fit.

    None for a network of anything but pictures. `pixels` are bytes in base64, in which
    a 0 is followed by how many 0 there are; `typical`, `mistakes` and `unsure` are
    positions in the lists of the digits.
    """
    net = source.shown
    if source.table is not None or net.n_in in (None, 2):
        return None
    side = round(net.n_in**0.5)
    if side not in _SIDES or side * side != net.n_in:
        source.notes.append(
            f"there is no tab to draw on: the network takes {net.n_in} numbers, and "
            "drawing needs the pixels of a square picture, such as 784 or 64"
        )
        return None
    part, name = _test_part(source, net)
    return {"side": side} | (_describe(net, part, name) if part is not None else {})


def _test_part(source: PageSource, net: Network) -> tuple[Dataset | None, str]:
    """Return test digits that fit a network, or None, and what they are."""
    run = source.run
    if run is None or "layers" in run.settings:  # the data are its caller's
        try:
            data: Splits | None = read_mnist()
        except (GpunetError, OSError) as error:
            source.notes.append(f"no test digits are shown: {error}")
            data = None
        name = "MNIST (the network's own data are not known)"
    else:
        data, name = source.data, str(run.settings.get("data", "mnist"))
        name = "MNIST" if name == "mnist" else printable(name, 60)
    part = None if data is None else data.test
    if part is not None and (
        part.x.shape[1] != net.n_in or int(np.max(part.t)) >= max(net.n_out, 2)
    ):
        part = None
    return part, f"test digits of {name}"


def _describe(net: Network, part: Dataset, name: str) -> dict[str, Any]:
    y = outputs(net.predict, net, part)
    if net.n_out == 1:
        y = np.concatenate([1 - y, y], axis=1)
    said = np.argmax(y, axis=1)
    best = y[np.arange(len(y)), said]
    order = np.argsort(-best, kind="stable")
    groups = {
        "typical": _typical(part.t),
        "mistakes": order[said[order] != part.t[order]][:SHOWN].tolist(),
        "unsure": order[::-1][:SHOWN].tolist(),
    }
    rows = list(dict.fromkeys(row for group in groups.values() for row in group))
    place = {row: k for k, row in enumerate(rows)}
    return {
        "source": name,
        **({"classes": list(map(str, net.classes))} if net.classes else {}),
        "n": len(part),
        "correct": int(np.sum(said == part.t)),
        "confusion": confusion(said, part.t, y.shape[1]),
        "index": rows,
        "labels": part.t[rows].tolist(),
        "said": said[rows].tolist(),
        "probability": [round(float(p), 4) for p in best[rows]],
        **{key: [place[row] for row in group] for key, group in groups.items()},
        "pixels": _packed(part.x[rows]),
    }


def _typical(t: np.ndarray) -> list[int]:
    """Return the first rows of each class, class by class."""
    rows = [np.flatnonzero(t == label)[:_OF_EACH_CLASS] for label in np.unique(t)]
    return np.concatenate(rows).tolist()


def _packed(pixels: np.ndarray) -> str:
    """Return bytes as base64 with their zeros counted: most of a digit is paper."""
    packed, zeros = bytearray(), 0
    for value in [*pixels.reshape(-1).tolist(), None]:
        if zeros and (value != 0 or zeros == 255):
            packed += bytes([0, zeros])
            zeros = 0
        if value == 0:
            zeros += 1
        elif value is not None:
            packed.append(value)
    return b64encode(packed).decode("ascii")
