"""`gpunet predict`: its work."""

import argparse
import csv
import io
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ...data import (
    NOT_A_TABLE,
    Dataset,
    Preprocessing,
    Table,
    is_missing,
    is_table,
    read_for,
)
from ...errors import ConfigError, GpunetError, ModelFileError
from ...io.messages import message, printable
from ...io.writing import write_atomically
from ...layers import Dense
from ...network import Network
from ...runs.report import outputs
from ...storage import open_model
from ...training.metrics import mean_absolute_error, r_squared

_READING = ("delimiter", "encoding", "decimal", "header", "missing", "unknown")


def run(args: argparse.Namespace) -> int:
    """Write the answers of a model to the rows of a table; return 0."""
    if not is_table(args.table):
        raise ConfigError(f"table: {printable(args.table)}: {NOT_A_TABLE}; name one")
    net, table = open_table_model(args.model, args.device)
    net = chosen(net, args.member)
    if args.probabilities and table.target.classes is None:
        raise ConfigError("probabilities: the model predicts numbers; leave them out")
    if table.target.classes and args.probabilities and not net.loss.on_logits:
        raise ConfigError(
            f"probabilities: the loss {net.loss.name} gives none; leave them out"
        )
    given = {name: getattr(args, name) for name in _READING if hasattr(args, name)}
    table = replace(table, unknown=given.pop("unknown", table.unknown))
    rows = read_for(table, args.table, **given)
    for note in rows.notes:
        print(f"note: {note}", file=sys.stderr)
    x = table.features(rows, None, net.dtype)
    y = outputs(net.predict, net, Dataset(x, np.zeros(len(x))))
    if net.population:
        y = y.mean(axis=0)
    answers, text = _written(table, y, args.probabilities)
    out = None if args.out == "-" else args.out
    if out:
        write_atomically(out, text.encode("utf-8"))
    else:
        if hasattr(sys.stdout, "reconfigure"):
            sys.stdout.reconfigure(encoding="utf-8")  # what --out would hold
        sys.stdout.write(text)
    what = f"{len(x):,} rows"
    if net.population:
        what += f", the mean of {net.population} networks"
    if out:
        what += f", in {printable(out)}"
    print(f"predicted: {what}{_score(table, rows, answers)}", file=sys.stderr)
    return 0


def open_table_model(path: str, device: str = "cpu") -> tuple[Network, Preprocessing]:
    """Return a network and the preprocessing that its file holds.

    Raises
    ------
    ModelFileError
        The file is unfit, or the network was not trained on a table.
    """
    file = model_file(path)
    net, state = open_model(file, device)
    if state.get("table") is None:
        why = "was not trained on a table, so it cannot read one"
        cure = "train with --data table.csv --target column"
        raise ModelFileError(message("model file", file, why, cure))
    return net, table_of(net, state["table"], file)


def table_of(net: Network, described: Any, file: Path) -> Preprocessing:
    """Return the preprocessing that a model file describes.

    Raises
    ------
    ModelFileError
        It describes none, or one of another network.
    """
    table = Preprocessing.from_json(described, printable(file))
    dense = [layer for layer in net.layers if isinstance(layer, Dense)]
    ends = dense and (dense[0].n_in, dense[-1].n_out)
    n_in, n_classes = len(table.inputs), len(table.target.classes or [0])
    if ends not in ((n_in, n_classes), (n_in, 1 if n_classes == 2 else n_classes)):
        why = "describes a table of other inputs or outputs than its network has"
        cure = "restore it from a copy, or train again"
        raise ModelFileError(message("model file", file, why, cure))
    return table


def chosen(net: Network, member: int | None) -> Network:
    """Return the member of a population that was asked for, or all of it.

    Raises
    ------
    ConfigError
        There is no such member.
    """
    if member is not None and not net.population:
        raise ConfigError("member: the model holds one network; leave --member out")
    return net if member is None else net.member(member)


def model_file(path: str) -> Path:
    """Return the model's file: that of a run folder, or the file itself."""
    return Path(path, "model.safetensors" if os.path.isdir(path) else "")


def _written(table: Preprocessing, y: Any, probabilities: bool) -> tuple[Any, str]:
    """Return the answers, and the text of a CSV file that holds them."""
    target = table.target
    memory = io.StringIO(newline="")
    writer = csv.writer(memory, lineterminator="\n")
    if target.classes is None:
        answers = target.decode(y)
        writer.writerow([target.name])
        writer.writerows([repr(v)] for v in answers[:, 0].tolist())
        return answers, memory.getvalue()
    answers = (y[:, 0] >= 0.5).astype(int) if y.shape[1] == 1 else y.argmax(axis=1)
    named = [target.classes[k] for k in answers]
    if not probabilities:
        writer.writerow([target.name])
        writer.writerows([name] for name in named)
        return answers, memory.getvalue()
    if y.shape[1] == 1:
        y = np.concatenate([1.0 - y, y], axis=1)
    writer.writerow([target.name, *(f"p({name})" for name in target.classes)])
    for name, row in zip(named, y, strict=True):
        writer.writerow([name, *(f"{p:.6g}" for p in row.tolist())])
    return answers, memory.getvalue()


def _score(table: Preprocessing, rows: Table, answers: Any) -> str:
    """Return how good the answers are, where the table holds the target."""
    target = table.target
    name = target.name
    if isinstance(name, int):
        assert rows.matrix is not None
        if rows.matrix.shape[1] == len(table.inputs):
            return ""
        name = str(name)
    elif name not in rows.columns:
        return ""
    known = np.flatnonzero(~is_missing(rows.target(name)[0]))
    if len(known) < len(rows) and not rows.on_disk:
        if not len(known):
            return ""
        rows, answers = rows.take(known), answers[known]
    try:
        t = target.encode(rows.target(name)[0], rows)
    except GpunetError as error:  # the answers are written: this is only a note
        return f"; not scored, as the target is unfit ({error})"
    of = f" of {len(t):,} rows with a target" if rows.rows is not None else ""
    if target.classes:
        return f"; accuracy {np.mean(answers == t):.2%}{of}"
    t = target.decode(t)
    off = mean_absolute_error(answers, t)
    return f"; R2 {r_squared(answers, t):.4f}, mean absolute error {off:.6g}{of}"
