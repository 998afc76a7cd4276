"""Presets: known networks as short configurations that anyone can read.

A configuration is a flat dict, by the names of the command's options.
"""

from dataclasses import asdict, dataclass, field, fields
from typing import Any, get_type_hints

from ..errors import ConfigError
from ..io.messages import choices
from ..training.settings import Settings

Rate = float | list  # one number, or a list of one for each member


@dataclass(frozen=True)
class Config:
    """The settings of a run beside those of `fit`, with their types and defaults.

    For their meaning see `gpunet.data.read_splits`, `gpunet.mlp` and the optimizers.
    """

    data: str = "mnist"
    data_dir: str | None = None
    target: str | None = None
    task: str | None = None
    test: str | None = None
    test_size: float = 0.2
    missing: list = field(default_factory=list)
    categories: list = field(default_factory=list)
    drop: list = field(default_factory=list)
    impute: str | None = None
    unknown: str = "refuse"
    missing_target: str = "refuse"
    delimiter: str | None = None
    encoding: str | None = None
    decimal: str = "."
    header: bool | None = None
    validation: float | str = 5000

    sizes: list = field(default_factory=lambda: [784, 256, 10])
    hidden: list | None = None
    activation: str | list = "relu"
    output: str = "identity"
    loss: str | None = "softmax_cross_entropy"
    weights: str | float | None = None
    biases: str | float = "zeros"
    dropout: float = 0.0
    init: str = "per_member"
    population: int | None = None
    seed: int | list = 0
    dtype: str = "float32"
    device: str = "auto"

    optimizer: str = "adam"
    learning_rate: Rate = 0.001
    momentum: Rate = 0.0
    nesterov: bool = False
    l2: Rate = 0.0
    l1: Rate = 0.0
    max_norm: float | None = None
    clip_norm: float | None = None
    layer_rates: dict = field(default_factory=dict)
    frozen: list = field(default_factory=list)

    # Of the settings of `fit`, those that a file spells in another way.
    schedule: str = "constant"
    batch_size: int | None = 128
    early_stopping: int | str | None = None
    class_weight: str | list | None = None


# The settings of `fit` that are those of a run, by the same names.
TRAINING = [
    item.name
    for item in fields(Settings)
    if item.name
    not in ("optimizer", "learning_rate", "validation", "callbacks", "max_steps")
]
DEFAULTS: dict[str, Any] = {
    name: getattr(Settings, name) for name in TRAINING
} | asdict(Config())
TYPES: dict[str, Any] = {
    name: hint for name, hint in get_type_hints(Settings).items() if name in TRAINING
} | get_type_hints(Config)

_NIELSEN = {
    "validation": "nielsen",
    "activation": "sigmoid",
    "biases": "standard_normal",
    "optimizer": "sgd",
    "batch_size": 10,
    "epochs": 30,
}
_CHAPTER_1 = _NIELSEN | {
    "output": "sigmoid",
    "loss": "half_squared_error",
    "weights": "standard_normal",
    "learning_rate": 3.0,
}

PRESETS: dict[str, dict[str, Any]] = {
    # What this library suggests: over 98 % in a few seconds. With labels smoothed by
    # 0.1 fewer epochs teach more than with dropout; the lowest loss is 0.5, not 0.
    "default": {
        "sizes": [784, 256, 10],
        "loss": "softmax_cross_entropy:0.1",
        "optimizer": "adam",
        "learning_rate": 0.006,
        "schedule": "one_cycle",
        "epochs": 6,
    },
    # For a custom table: its columns and classes replace 784 and 10.
    "table": {
        "validation": 0.1,
        "sizes": [784, 64, 32, 10],
        "hidden": [64, 32],
        "loss": None,
        "optimizer": "adam",
        "learning_rate": 0.003,
        "schedule": "one_cycle",
        "batch_size": 32,
        "epochs": 60,
        "early_stopping": "auto",
    },
    # Nielsen, Neural Networks and Deep Learning, chapter 1: 95.42 % in the book.
    "nielsen": _CHAPTER_1 | {"sizes": [784, 30, 10]},
    # His chapter 3: cross-entropy, lambda = 5 over 50,000 examples, small start.
    "nielsen-l2": _NIELSEN
    | {
        "sizes": [784, 100, 10],
        "loss": "sigmoid_cross_entropy",
        "weights": "lecun_normal",
        "learning_rate": 0.5,
        "l2": 5 / 50_000,
    },
    # 3Blue1Brown's 13,002 weights and biases, trained as Nielsen does.
    "3b1b": _CHAPTER_1 | {"sizes": [784, 16, 16, 10]},
    # Joe Albahari's talk: leaky ReLU to the end, one example at a time.
    "albahari": {
        "sizes": [784, 20, 10],
        "activation": "leaky_relu:0.01",
        "output": "leaky_relu:0.01",
        "loss": "half_squared_error",
        "validation": 0,
        "optimizer": "sgd",
        "learning_rate": 0.01,
        "schedule": "exponential:0.9",
        "batch_size": 1,
        "epochs": 10,
    },
}


def preset(name: str) -> dict[str, Any]:
    """Return the whole configuration of a preset (ConfigError: there is none)."""
    if name not in PRESETS:
        raise ConfigError(f"preset: {name!r}: no such preset; {choices(name, PRESETS)}")
    return {**DEFAULTS, **PRESETS[name]}
