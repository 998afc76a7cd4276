"""What `gpunet predict` does with pictures of digits."""

import argparse
import sys
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
    answers = [_answer(name, y[:, i]) for i, name in enumerate(args.inputs)]
    if args.out:
        text = _to_csv(answers)
        if args.out != "-":
            write_atomically(args.out, text.encode("utf-8"))
            count = counted(len(answers), "picture")
            print(f"predicted: {count}, in {printable(args.out)}", file=sys.stderr)
        elif not args.json:
            sys.stdout.write(text)
    if args.json:
        print(as_json({"networks": len(y), "pictures": answers}))
    elif not args.out:
        _show(answers, net)


def _answer(name: str, p: HostArray) -> dict[str, Any]:
    """Return the answer to one picture, from outputs (members, classes)."""
    mean = np.mean(p, axis=0, dtype=float)
    label = int(np.argmax(mean))
    labels = np.argmax(p, axis=1).tolist()
    answer = {"file": printable(name), "label": label, "probability": mean[label]}
    if len(p) > 1:
        spread = float(np.std(p[:, label], dtype=float))
        answer |= {"spread": spread, "votes": labels.count(label)}
    answer["probabilities"] = mean.tolist()
    return answer | {"doubt": _doubt(mean, label, labels)}


def _doubt(mean: HostArray, label: int, labels: list[int]) -> str | None:
    """Return why an answer is doubtful, if it is."""
    votes = labels.count(label)
    if votes < _CERTAIN * len(labels):
        return f"doubtful: {votes} of {len(labels)} networks say {label}"
    if mean[label] < _CERTAIN:
        second = int(np.argsort(mean)[-2])
        return f"doubtful: it may be {second}, with {mean[second]:.2f}"
    return None


def _to_csv(answers: list[dict[str, Any]]) -> str:
    """Return the text of a CSV file with a row for each picture."""
    rows: list[Any] = []
    for answer in answers:
        flat = {
            key: f"{v:.6g}" if isinstance(v, float) else v for key, v in answer.items()
        }
        p = enumerate(flat.pop("probabilities"))
        flat |= {f"p({label})": f"{value:.6g}" for label, value in p}
        flat["doubt"] = flat.pop("doubt")  # last
        rows += [flat.values()] if rows else [flat, flat.values()]
    return as_csv(rows)


def _show(answers: list[dict[str, Any]], net: Network) -> None:
    """Print a line for each picture, with its probabilities as bars."""
    try:
        f"±{_BARS}".encode(sys.stdout.encoding or "ascii")
        bars, plus_minus = _BARS, "±"
    except UnicodeEncodeError:
        bars, plus_minus = "0123456789", "+-"  # tenths
    width = len(str(len(answers[0]["probabilities"]) - 1))
    rows = []
    for answer in answers:
        levels = np.clip(answer["probabilities"], 0, 1) * (len(bars) - 1)
        drawn = " ".join(f"{bars[k]:>{width}}" for k in np.rint(levels).astype(int))
        number = f"{answer['probability']:.2f}"
        if "spread" in answer:
            number += f" {plus_minus} {answer['spread']:.2f}"
        row = answer["file"], answer["label"], number, drawn, answer["doubt"]
        rows.append(row)
    labels = " ".join(f"{k:>{width}}" for k in range(len(levels)))
    measure = "probability" if net.loss.on_logits else "output"
    columns = ["picture", ">answer", f">{measure}", labels, ""]
    show(f"{counted(len(rows), 'picture')}{mean_of(net)}", columns, rows)
