"""Presets: known networks as short configurations that anyone can read.

A configuration is a flat dict, the same words as the options of the command and
the entries of a run's `config.json`.
"""

from typing import Any

from ..errors import ConfigError

DEFAULTS: dict[str, Any] = {
    "data": "mnist",
    "data_dir": None,
    "target": None,
    "task": None,
    "test": None,
    "test_size": 0.2,
    "missing": [],
    "categories": [],
    "drop": [],
    "impute": None,
    "unknown": "refuse",
    "missing_target": "refuse",
    "delimiter": None,
    "encoding": None,
    "decimal": ".",
    "header": None,
    "validation": 5000,
    "sizes": [784, 256, 10],
    "hidden": None,
    "activation": "relu",
    "output": "identity",
    "loss": "softmax_cross_entropy",
    "weights": None,
    "biases": "zeros",
    "dropout": 0.0,
    "optimizer": "adam",
    "learning_rate": 0.001,
    "momentum": 0.0,
    "nesterov": False,
    "l2": 0.0,
    "l1": 0.0,
    "max_norm": None,
    "clip_norm": None,
    "layer_rates": {},
    "frozen": [],
    "schedule": "constant",
    "epochs": 10,
    "batch_size": 128,
    "early_stopping": None,
    "class_weight": None,
    "population": None,
    "order": "own",
    "order_seed": None,
    "seed": 0,
    "dtype": "float32",
    "device": "auto",
    "engine": "auto",
    "precision": "float32",
    "track": True,
}

_NIELSEN = {
    "validation": "nielsen",
    "activation": "sigmoid",
    "biases": "standard_normal",
    "optimizer": "sgd",
    "batch_size": 10,
    "epochs": 30,
}

PRESETS: dict[str, dict[str, Any]] = {
    # What this library suggests: over 98 % in a few seconds.
    "default": {
        "sizes": [784, 256, 10],
        "dropout": 0.1,
        "optimizer": "adam",
        "learning_rate": 0.004,
        "schedule": "one_cycle",
        "epochs": 8,
    },
    # For a table of one's own: its columns and classes take the place of 784 and 10.
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
    "nielsen": _NIELSEN
    | {
        "sizes": [784, 30, 10],
        "output": "sigmoid",
        "loss": "half_squared_error",
        "weights": "standard_normal",
        "learning_rate": 3.0,
    },
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
    "3b1b": _NIELSEN
    | {
        "sizes": [784, 16, 16, 10],
        "output": "sigmoid",
        "loss": "half_squared_error",
        "weights": "standard_normal",
        "learning_rate": 3.0,
    },
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
    """Return the whole configuration of a preset.

    Raises
    ------
    ConfigError
        There is none of that name.
    """
    if name not in PRESETS:
        raise ConfigError(
            f"preset: {name!r}: no such preset; choose from {', '.join(PRESETS)}"
        )
    return {**DEFAULTS, **PRESETS[name]}
