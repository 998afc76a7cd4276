"""What `gpunet predict` does with pictures of digits."""

import argparse
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

from ....backend import HostArray
from ....data import read_digit
from ....io.messages import counted, printable
from ....io.writing import write_atomically
from ....network import Network
from ...tables import as_csv, as_json, show
from .table import mean_of

N_PIXELS = 784
_BARS = "▁▂▃▄▅▆▇█"
# On MNIST's test digits, 71 of 100 errors have a lower probability, 5 of 100 others.
_CERTAIN = 0.8


def predict_digits(args: argparse.Namespace, net: Network) -> None:
    """Write what a network, or a population on average, answers to each picture."""
    pictures = [sys.stdin.buffer if name == "-" else name for name in args.inputs]
    y = net.predict(read_digit(*pictures))
    y = y if net.population else y[None]
    if net.n_out == 1:
        y = np.concatenate([1 - y, y], axis=-1)
    classes = net.classes or range(y.shape[-1])
    answers = [_answer(name, y[:, i], classes) for i, name in enumerate(args.inputs)]
    if args.out:
        text = _to_csv(answers, classes)
        if args.out != "-":
            write_atomically(args.out, text.encode("utf-8"))
            count = counted(len(answers), "picture")
            print(f"predicted: {count}, in {printable(args.out)}", file=sys.stderr)
        elif not args.json:
            sys.stdout.write(text)
    if args.json:
        named = {"classes": net.classes} if net.classes else {}
        print(as_json({"networks": len(y)} | named | {"pictures": answers}))
    elif not args.out:
        _show(answers, net, classes)


def _answer(name: str, p: HostArray, classes: Sequence[Any]) -> dict[str, Any]:
    """Return the answer to one picture, from outputs (members, classes)."""
    mean = np.mean(p, axis=0, dtype=float)
    best = int(np.argmax(mean))
    label, labels = classes[best], [classes[k] for k in np.argmax(p, axis=1)]
    answer = {"file": printable(name), "label": label, "probability": mean[best]}
    if len(p) > 1:
        spread = float(np.std(p[:, best], dtype=float))
        answer |= {"spread": spread, "votes": labels.count(label)}
    answer["probabilities"] = mean.tolist()
    return answer | {"doubt": _doubt(mean, labels, classes)}


def _doubt(mean: HostArray, labels: list[Any], classes: Sequence[Any]) -> str | None:
    """Return why an answer is doubtful, if it is."""
    best, second = np.argsort(-mean, kind="stable")[:2]
    label = classes[best]
    votes = labels.count(label)
    if votes < _CERTAIN * len(labels):
        return f"doubtful: {votes} of {len(labels)} networks say {label}"
    if mean[best] < _CERTAIN:
        return f"doubtful: it may be {classes[second]}, with {mean[second]:.2f}"
    return None


def _to_csv(answers: list[dict[str, Any]], classes: Sequence[Any]) -> str:
    """Return the text of a CSV file with a row for each picture."""
    rows: list[Any] = []
    for answer in answers:
        flat = {
            key: f"{v:.6g}" if isinstance(v, float) else v for key, v in answer.items()
        }
        p = zip(classes, flat.pop("probabilities"), strict=True)
        flat |= {f"p({label})": f"{value:.6g}" for label, value in p}
        flat["doubt"] = flat.pop("doubt")  # last
        rows += [flat.values()] if rows else [flat, flat.values()]
    return as_csv(rows)


def _show(answers: list[dict[str, Any]], net: Network, classes: Sequence[Any]) -> None:
    """Print a line for each picture, with its probabilities as bars."""
    try:
        f"±{_BARS}".encode(sys.stdout.encoding or "ascii")
        bars, plus_minus = _BARS, "±"
    except UnicodeEncodeError:
        bars, plus_minus = "0123456789", "+-"  # tenths
    width = max(len(str(label)) for label in classes)
    rows = []
    for answer in answers:
        levels = np.clip(answer["probabilities"], 0, 1) * (len(bars) - 1)
        drawn = " ".join(f"{bars[k]:>{width}}" for k in np.rint(levels).astype(int))
        number = f"{answer['probability']:.2f}"
        if "spread" in answer:
            number += f" {plus_minus} {answer['spread']:.2f}"
        row = answer["file"], answer["label"], number, drawn, answer["doubt"]
        rows.append(row)
    labels = " ".join(f"{label!s:>{width}}" for label in classes)
    measure = "probability" if net.loss.on_logits else "output"
    columns = ["picture", ">answer", f">{measure}", labels, ""]
    show(f"{counted(len(rows), 'picture')}{mean_of(net)}", columns, rows)
