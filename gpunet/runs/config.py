"""From a configuration, the flat dict of `presets`, to network, data and optimizer.

What comes from a file is checked key by key and type by type first.
"""

import os
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, get_args

from ..blocks import mlp_layers, network_of
from ..data import (
    NOT_A_TABLE,
    Splits,
    TextFormat,
    check_options,
    doubtful_count,
    is_table,
    nielsen_split,
    read_mnist,
    read_splits,
    split_validation,
)
from ..errors import ConfigError
from ..io.json_text import parse_json
from ..io.messages import choices, counted, file_errors, printable
from ..io.reading import read_bytes, read_stdin
from ..layers import Layer
from ..network import Network
from ..optimizers import OPTIMIZERS, Optimizer, get_optimizer
from ..random import host_rng
from ..training.settings import Settings
from .presets import DEFAULTS, TRAINING, TYPES

_LARGEST = 2**20  # bytes; a sparse file of a terabyte costs its maker nothing
_TABLE = ("task", "test", "test_size", "impute", "unknown", "missing_target")
# What early_stopping "auto" means. On 26 tables of 112 to 3,000 training rows (means
# of 3 splits each) it took the mean accuracy from 0.786 to 0.795 and R2 from 0.635 to
# 0.650; a patience of 20, 0.2 held out or 200 epochs made no clear difference. Where
# 4 to 8 rows had to judge, it took 0.10 to 0.15 of the R2 away.
_PATIENCE, _ROWS_TO_JUDGE_BY = 10, 20
_FORMAT = ("delimiter", "encoding", "decimal", "header")
_READING = ("missing", "categories", "drop")
# What files of before call their settings, and the values of `order`.
_OLD_KEYS = {"order": "shuffle", "order_seed": "shuffle_seed"}
_OLD_KEYS |= {"track": "compute_metrics"}
_OLD_ORDERS = {"own": "per_member", "none": False}
_OPTIMIZER = (
    *("learning_rate", "momentum", "nesterov", "l2", "l1"),
    *("max_norm", "clip_norm", "layer_rates", "frozen"),
)


def load_config(path: Any) -> dict[str, Any]:
    """Return the configuration in a JSON file, checked (ConfigError)."""
    return check_config(read_config(path), printable(path))


def read_config(path: Any) -> Any:
    """Return what a JSON file holds (ConfigError: none, or not JSON).

    A run folder means its config.json, "-" standard input.
    """
    path = Path(path, "config.json") if os.path.isdir(path) else path
    where = "standard input" if path == "-" else path
    with file_errors("config", where, "give a config.json", ConfigError):
        content = read_stdin(_LARGEST) if path == "-" else read_bytes(path, _LARGEST)
        return parse_json(content.decode())


def check_config(config: Any, where: str = "config") -> dict[str, Any]:
    """Return a configuration with the defaults filled in.

    A ConfigError names an unknown key, or a value of the wrong type.
    """
    if not isinstance(config, dict):
        kind = type(config).__name__
        raise ConfigError(f"{where}: must be a JSON object, got {kind}")
    if "layers" in config:  # see gpunet/runs/fit.py
        raise ConfigError(
            f"{where}: the run was started in Python; resume it with "
            "gpunet.fit(..., folder=..., resume=True)"
        )
    config = with_new_keys(config, where)
    for key, value in config.items():
        if key not in DEFAULTS:
            raise ConfigError(
                f"{where}: {str(key)[:60]!r}: no such setting; {choices(key, DEFAULTS)}"
            )
        types = _TYPES[key]
        if not isinstance(value, types) or (type(value) is bool and bool not in types):
            names = " or ".join(kind.__name__ for kind in types)
            names = names.replace("NoneType", "null")
            raise ConfigError(f"{where}: {key}: must be {names}, got {value!r:.80}")
    return {**DEFAULTS, **config}


def with_new_keys(config: dict[str, Any], where: str) -> dict[str, Any]:
    """Return a configuration of any version with the names of this one."""
    new = dict(config)
    for key in _OLD_KEYS.keys() & config.keys():
        if (name := _OLD_KEYS[key]) in config:
            raise ConfigError(
                f"{where}: {key}: is the old name of {name}, which is set too; "
                "leave one of them out"
            )
        value = new.pop(key)
        if key == "order" and isinstance(value, str):
            value = _OLD_ORDERS.get(value, value)
        new[name] = value
    return new


def _json_types(annotation: Any) -> tuple[type, ...]:
    types = get_args(annotation) or (annotation,)
    return (int, *types) if float in types else types


_TYPES = {key: _json_types(hint) for key, hint in TYPES.items()}


def check_table(config: dict[str, Any]) -> None:
    """Refuse settings of a table that cannot work, before it is read."""
    if not is_table(config["data"]):
        keys = ("target", *_TABLE, *_FORMAT, *_READING)
        if changed := [key for key in keys if config[key] != DEFAULTS[key]]:
            raise ConfigError(
                f"data: {config['data']!r:.200}: `{changed[0]}` is for a table, and "
                f"this {NOT_A_TABLE}; name one"
            )
        return
    if config["validation"] == "nielsen" or config["data_dir"] is not None:
        raise ConfigError(
            "data: a table has no Nielsen split and no `data_dir`; leave them out"
        )
    check_options(config["target"], **{key: config[key] for key in _TABLE})
    TextFormat(**{key: config[key] for key in _FORMAT})
    for key in _READING:
        if not all(isinstance(name, str) for name in config[key]):
            raise ConfigError(f"{key}: must be a list of texts, got {config[key]!r}")


def complete(config: dict[str, Any], data: Splits | None = None) -> dict[str, Any]:
    """Return a configuration with what the data decide: sizes, task, loss, stopping."""
    config, classes = dict(config), data.n_classes if data else 1
    if config["loss"] is None:
        config["loss"] = "softmax_cross_entropy" if classes else "half_squared_error"
    if config["hidden"] is not None:
        ends = (1, 2)  # of a rehearsal, where any will do
        if data:
            ends = (data.train.x.shape[1], classes or data.train.t.shape[1])
        config["sizes"] = [ends[0], *config["hidden"], ends[1]]
    if data and data.table:
        n_out = config["sizes"][-1]
        if classes and n_out != classes and (n_out, classes) != (1, 2):
            raise ConfigError(
                f"sizes: the network has {counted(n_out, 'output')}, the table "
                f"{classes} classes; end the sizes with {classes}"
            )
        config["task"] = "classify" if classes else "regress"
    if data and config["early_stopping"] == "auto":
        enough = len(data.validation or ()) >= _ROWS_TO_JUDGE_BY
        config["early_stopping"] = _PATIENCE if enough else None
    return config


def layers_from_config(config: dict[str, Any]) -> list[Layer]:
    """Return the layers a configuration describes, nothing drawn yet."""
    names = ("sizes", "activation", "output", "weights", "biases", "dropout")
    return mlp_layers(*(config[name] for name in names))


def network_from_config(config: dict[str, Any], device: Any = "cpu") -> Network:
    """Return the network a configuration describes, on a device."""
    return network_of(
        layers_from_config(config),
        config["loss"] or "softmax_cross_entropy",
        config["init"],
        population=config["population"],
        seed=config["seed"],
        dtype=config["dtype"],
        device=device,
    )


def optimizer_from_config(config: dict[str, Any]) -> Optimizer:
    """Return the optimizer a configuration describes.

    A ConfigError says which setting the optimizer does not have.
    """
    name = config["optimizer"]
    if name not in OPTIMIZERS:
        return get_optimizer(name)
    names = {item.name for item in fields(OPTIMIZERS[name])}
    for key in _OPTIMIZER:
        if key not in names and config[key] != DEFAULTS[key]:
            remedy = "leave it out or use sgd"
            raise ConfigError(f"optimizer: {name} has no {key}; {remedy}")
    return get_optimizer(name, **{k: config[k] for k in _OPTIMIZER if k in names})


def settings_from_config(config: dict[str, Any], **more: Any) -> Settings:
    """Return the Settings that a configuration describes."""
    values = {name: config[name] for name in TRAINING}
    return Settings(**values, optimizer=optimizer_from_config(config), **more)


def data_from_config(config: dict[str, Any]) -> Splits:
    """Return the data a configuration names, with its validation part.

    x of pictures is bytes, and their `scale` takes them to 0 .. 1; of a table
    it is scaled already.
    """
    if is_table(config["data"]):
        keys = (*_TABLE, *_FORMAT, *_READING, "validation", "dtype")
        settings = {key: config[key] for key in keys}
        return read_splits(config["data"], config["target"], **settings)
    splits = read_mnist(config["data_dir"], name=config["data"])
    size = config["validation"]
    if size == "nielsen":
        return nielsen_split(splits)
    if isinstance(size, str):
        raise ConfigError(
            f"validation: must be a count, a fraction or 'nielsen', got {size!r}"
        )
    if not size:
        return splits
    # Always the same split: runs of different seeds stay comparable.
    train, validation = split_validation(splits.train, size, host_rng(0, "split"))
    return replace(splits, train=train, validation=validation)


def doubtful_sizes(config: dict[str, Any], data: Splits) -> list[str]:
    """Return a warning for each part whose size may be meant as a percentage."""
    parts = {"validation": data.validation}
    if data.table is not None and config["test"] is None:
        parts["test_size"] = data.test
    n, warnings = len(data.train), []
    for name, part in parts.items():
        n += len(part or ())
        if warning := doubtful_count(config[name], n):
            warnings.append(f"{name}: {warning}")
    return warnings
