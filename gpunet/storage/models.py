"""A model file or run folder, opened with the table that it was trained on."""

from pathlib import Path
from typing import Any

from ..data import Preprocessing
from ..errors import ConfigError, ModelFileError
from ..io.messages import message, printable
from ..layers import Dense
from ..network import Network
from .network import open_model


def open_member(
    file: Path, member: int | None, device: str = "cpu"
) -> tuple[Network, Preprocessing | None]:
    """Return a network, or one of a population, and the table it was trained on."""
    net, state = open_model(file, device)
    table = state.get("table")
    table = None if table is None else _preprocessing(net, table, file)
    return choose_member(net, member), table


def choose_member(net: Network, member: int | None) -> Network:
    """Return a network, or one of a population (ConfigError: there is none such)."""
    if member is not None and not net.population:
        raise ConfigError("member: the model holds one network; leave `member` out")
    return net if member is None else net.member(member)


def _preprocessing(net: Network, document: Any, file: Path) -> Preprocessing:
    """Return the preprocessing of a model file (ModelFileError: of another table)."""
    table = Preprocessing.from_json(document, printable(file))
    dense = [layer for layer in net.layers if isinstance(layer, Dense)]
    widths = dense and (dense[0].n_in, dense[-1].n_out)
    n_in, n_classes = len(table.inputs), len(table.target.classes or [0])
    n_out = {n_classes, 1 if n_classes == 2 else n_classes}
    if widths not in {(n_in, n) for n in n_out}:
        reason = "describes a table of other inputs or outputs than its network has"
        hint = "restore it from a copy, or train again"
        raise ModelFileError(message("model file", file, reason, hint))
    return table
