"""What `gpunet predict` does with a table."""

import argparse
import csv
import io
import sys
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np

from ....backend import HostArray
from ....data import Dataset, Preprocessing, Table, is_missing, read_for
from ....errors import ConfigError, GpunetError
from ....io.messages import counted, printable
from ....io.writing import write_atomically
from ....network import Network
from ....runs.report import outputs
from ....training.metrics import mean_absolute_error, r_squared

READING = ("delimiter", "encoding", "decimal", "header", "missing", "unknown")


def predict_table(args: argparse.Namespace, net: Network, table: Preprocessing) -> None:
    """Write the predictions of a model for the rows of a table."""
    if args.json:
        raise ConfigError("--json: the predictions of a table are CSV; leave it out")
    if args.probabilities and table.target.classes is None:
        raise ConfigError("probabilities: the model predicts numbers; leave them out")
    if args.probabilities and not net.loss.on_logits:
        raise ConfigError(
            f"probabilities: the loss {net.loss.name} has none; leave them out"
        )
    reading = {name: getattr(args, name) for name in READING if hasattr(args, name)}
    table = replace(table, unknown=reading.pop("unknown", table.unknown))
    rows = read_for(table, args.inputs[0], **reading)
    for note in rows.notes:
        print(f"note: {note}", file=sys.stderr)
    x = table.features(rows, None, net.dtype)
    y = outputs(net.predict, net, Dataset(x, np.zeros(len(x))))
    if net.population:
        y = y.mean(axis=0)
    predictions, text = _to_csv(table, y, args.probabilities)
    to_file = args.out not in (None, "", "-")
    if to_file:
        write_atomically(args.out, text.encode("utf-8"))
    else:
        if hasattr(sys.stdout, "reconfigure"):
            sys.stdout.reconfigure(encoding="utf-8")  # what --out would hold
        sys.stdout.write(text)
    count = counted(len(x), "row")
    mean = (
        f", the mean of {counted(net.population, 'network')}" if net.population else ""
    )
    file_note = f", in {printable(args.out)}" if to_file else ""
    score = _score(table, rows, predictions)
    print(f"predicted: {count}{mean}{file_note}{score}", file=sys.stderr)


def _to_csv(
    table: Preprocessing, y: HostArray, probabilities: bool
) -> tuple[HostArray, str]:
    """Return the predictions, and the text of a CSV file that holds them."""
    target = table.target
    header: list[Any] = [target.name]
    columns: list[Iterable[Any]] = []
    if target.classes is None:
        predictions = target.decode(y)
        columns.append(map(repr, predictions[:, 0].tolist()))
    else:
        binary = y.shape[1] == 1
        predictions = (y[:, 0] >= 0.5).astype(int) if binary else y.argmax(axis=1)
        columns.append(target.classes[k] for k in predictions)
    if probabilities and target.classes is not None:
        y = np.concatenate([1.0 - y, y], axis=1) if binary else y
        header += [f"p({name})" for name in target.classes]
        columns += [(f"{p:.6g}" for p in column.tolist()) for column in y.T]
    memory = io.StringIO(newline="")
    writer = csv.writer(memory, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(zip(*columns, strict=True))
    return predictions, memory.getvalue()


def _score(table: Preprocessing, rows: Table, predictions: HostArray) -> str:
    """Return the score of the predictions, if the table has the target."""
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
        rows, predictions = rows.take(known), predictions[known]
    try:
        t = target.encode(rows.target(name)[0], rows)
    except GpunetError as error:  # the predictions are written: this is only a note
        return f"; not scored, as the target is unfit ({error})"
    count = f" of {len(t):,} rows with a target" if rows.rows is not None else ""
    if target.classes:
        return f"; accuracy {np.mean(predictions == t):.2%}{count}"
    t = target.decode(t)
    score = f"R2 {r_squared(predictions, t):.4f}, mean absolute error "
    return f"; {score}{mean_absolute_error(predictions, t):.6g}{count}"
