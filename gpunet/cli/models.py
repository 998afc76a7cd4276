"""Model files as several commands open them."""

import os
from pathlib import Path
from typing import Any

from ..data import Preprocessing
from ..errors import ConfigError, ModelFileError
from ..io.messages import message, printable
from ..layers import Dense
from ..network import Network


def model_file(path: str) -> Path:
    """Return the model file of a run folder, or the file itself."""
    return Path(path, "model.safetensors" if os.path.isdir(path) else "")


def select_member(net: Network, member: int | None) -> Network:
    """Return a member of a population, or all of it (ConfigError)."""
    if member is not None and not net.population:
        raise ConfigError("member: the model holds one network; leave `member` out")
    return net if member is None else net.member(member)


def preprocessing_of(net: Network, state: dict[str, Any], file: Path) -> Preprocessing:
    """Return the preprocessing that a model file holds.

    Raises
    ------
    ModelFileError
        The network was not trained on a table, or on another one.
    """
    if state.get("table") is None:
        reason = "was not trained on a table, so it cannot read one"
        hint = "train with --data table.csv --target column"
        raise ModelFileError(message("model file", file, reason, hint))
    table = Preprocessing.from_json(state["table"], printable(file))
    dense = [layer for layer in net.layers if isinstance(layer, Dense)]
    widths = dense and (dense[0].n_in, dense[-1].n_out)
    n_in, n_classes = len(table.inputs), len(table.target.classes or [0])
    n_out = {n_classes, 1 if n_classes == 2 else n_classes}
    if widths not in {(n_in, n) for n in n_out}:
        reason = "describes a table of other inputs or outputs than its network has"
        hint = "restore it from a copy, or train again"
        raise ModelFileError(message("model file", file, reason, hint))
    return table
