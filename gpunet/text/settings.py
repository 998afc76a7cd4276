"""What word vectors and language models are made of, and how they are trained."""

from dataclasses import dataclass
from math import isfinite
from typing import Any

from ..errors import ConfigError

_MOST_WORDS = 50_000  # what the header of a model file can contain


def check_setting(valid: bool, name: str, rule: str, value: Any) -> None:
    """Refuse a value that is not valid (ConfigError)."""
    if not valid:
        raise ConfigError(f"{name}: must be {rule}, got {value!r:.40}")


def _check_counts(model: str, settings: Any, **least: int) -> None:
    """Refuse all but whole numbers from `least`, below 2^31."""
    for name, low in least.items():
        value = getattr(settings, name)
        most = _MOST_WORDS if name == "n_words" else 2**31 - 1
        valid = type(value) is int and low <= value <= most
        rule = f"a whole number from {low} to {most:,}"
        check_setting(valid, f"{model}: {name}", rule, value)


@dataclass(frozen=True)
class SkipGramSettings:
    """How a skip-gram is trained; the defaults are word2vec's.

    A ConfigError names the number that is out of its range.
    """

    dim: int = 100  # numbers a word
    window: int = 5  # the farthest neighbor; each window reaches 1 to `window` words
    negatives: int = 5  # words drawn against the word of each window
    sample: float = 1e-3  # how frequent a word is left out at times; 0 keeps all
    epochs: int = 5
    learning_rate: float = 0.025  # at the start
    min_learning_rate: float = 1e-4  # at the end, linear between
    batch_size: int = 128  # windows a step; their gradients are added, not averaged
    seed: int = 0
    dtype: str = "float32"  # or "float64"

    def __post_init__(self) -> None:
        counts = {"dim": 1, "window": 1, "negatives": 1, "epochs": 1, "batch_size": 1}
        _check_counts("skip-gram", self, **counts, seed=0)
        rate, last = self.learning_rate, self.min_learning_rate
        sampled = 0 <= self.sample < float("inf")
        for name, valid, rule in (
            ("learning_rate", isfinite(rate) and rate > 0, "a finite number above 0"),
            ("min_learning_rate", 0 <= last <= rate, f"0 to the learning rate, {rate}"),
            ("sample", sampled, "a finite number of at least 0"),
            ("dtype", self.dtype in ("float32", "float64"), "float32 or float64"),
        ):
            check_setting(valid, f"skip-gram: {name}", rule, getattr(self, name))


@dataclass(frozen=True)
class LanguageSettings:
    """A language model and its training, by Adam and the one-cycle schedule."""

    context: int = 4  # words before the next one that are looked at
    dim: int = 32  # numbers a word
    hidden: int = 96  # neurons of the tanh layer
    n_words: int = 3000  # of the softmax, <unk> and the line's end among them
    epochs: int = 4
    batch_size: int = 512
    learning_rate: float = 3e-3
    seed: int = 0
    dtype: str = "float32"

    def __post_init__(self) -> None:
        counts = {"context": 1, "dim": 1, "hidden": 1, "epochs": 1, "batch_size": 1}
        _check_counts("language model", self, **counts, n_words=4)
