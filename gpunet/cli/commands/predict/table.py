"""What `gpunet predict` does with a table."""

import argparse
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
from ...tables import as_csv, as_json

READING = ("delimiter", "encoding", "decimal", "header", "missing", "unknown")


def predict_table(args: argparse.Namespace, net: Network, table: Preprocessing) -> None:
    """Write the predictions of a model for the rows of a table."""
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
    predictions, probabilities = _answers(table, y)
    probabilities = probabilities if args.probabilities else None
    text = _to_csv(table, predictions, probabilities)
    to_file = args.out not in (None, "", "-")
    if to_file:
        write_atomically(args.out, text.encode("utf-8"))
    if args.json:
        document = _document(table, predictions, probabilities)
        print(as_json({"networks": net.population or 1} | document))
    elif not to_file:
        if hasattr(sys.stdout, "reconfigure"):
            sys.stdout.reconfigure(encoding="utf-8")  # what --out would hold
        sys.stdout.write(text)
    count = counted(len(x), "row")
    file_note = f", in {printable(args.out)}" if to_file else ""
    score = _score(table, rows, predictions)
    print(f"predicted: {count}{mean_of(net)}{file_note}{score}", file=sys.stderr)


def mean_of(net: Network) -> str:
    """Return what to add to a count of answers that are a population's."""
    n = net.population
    return f", the mean of {counted(n, 'network')}" if n else ""


def _answers(table: Preprocessing, y: HostArray) -> tuple[HostArray, HostArray | None]:
    """Return numbers, shape (n, 1), or class indices (n,) with their probabilities."""
    if table.target.classes is None:
        return table.target.decode(y), None
    if y.shape[1] == 1:
        y = np.concatenate([1.0 - y, y], axis=1)
        return (y[:, 1] >= 0.5).astype(int), y
    return y.argmax(axis=1), y


def _named(table: Preprocessing, predictions: HostArray) -> list[Any]:
    """Return predictions as the table writes them: class names or numbers."""
    classes = table.target.classes
    if classes is None:
        return predictions[:, 0].tolist()
    return [classes[k] for k in predictions]


def _document(
    table: Preprocessing, predictions: HostArray, probabilities: HostArray | None
) -> dict[str, Any]:
    """Return predictions, and probabilities if any, as JSON has them."""
    document: dict[str, Any] = {"target": table.target.name}
    document["predictions"] = _named(table, predictions)
    if probabilities is not None:
        document["classes"] = list(table.target.classes or ())
        document["probabilities"] = probabilities
    return document


def _to_csv(
    table: Preprocessing, predictions: HostArray, probabilities: HostArray | None
) -> str:
    """Return the text of a CSV file of predictions, and of probabilities if any."""
    header: list[Any] = [table.target.name]
    columns: list[Iterable[Any]] = [_named(table, predictions)]
    if probabilities is not None:
        header += [f"p({name})" for name in table.target.classes or ()]
        columns += [(f"{p:.6g}" for p in c.tolist()) for c in probabilities.T]
    return as_csv([header, *zip(*columns, strict=True)])


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
