"""Text from a language model: one word after the other."""

from collections.abc import Iterator, Sequence

import numpy as np

from ..errors import ConfigError
from ..random import host_rng
from .language_model import LanguageModel

_DRAWS = 10  # the key that sets these draws apart from others of purpose "text"


def generate(
    model: LanguageModel,
    start: Sequence[str] = (),
    n: int = 100,
    *,
    temperature: float = 0.8,
    seed: int = 0,
) -> Iterator[str]:
    """Yield n words that continue `start`; "</s>" where a line ends.

    Each word is drawn with probability p^(1/T) over its sum, p the network's: T = 1
    draws as the text was, a lower T keeps to likelier words, 0 always uses the
    likeliest. <unk>, which is not a word, is never drawn.

    Without `start` a line begins.

    Raises
    ------
    ConfigError
        A temperature below 0 or not finite.
    DataError
        A word of `start` is unknown; the message names the nearest spelling.
    """
    if not 0 <= temperature < float("inf"):
        raise ConfigError(
            f"temperature: must be a finite number of at least 0, got {temperature!r}"
        )
    k = model.settings.context
    context = [1] * k + [model.vocabulary.number(word) for word in start]
    return _words(model, context, n, temperature, host_rng(seed, "text", _DRAWS))


def _words(
    model: LanguageModel,
    context: list[int],
    n: int,
    temperature: float,
    rng: np.random.Generator,
) -> Iterator[str]:
    k = model.settings.context
    for _ in range(n):
        p = model.net.predict(np.array([context[-k:]]))[0]  # (n_words,)
        context.append(_pick(p, temperature, rng))
        yield model.vocabulary.tokens[context[-1]]


def _pick(p: np.ndarray, temperature: float, rng: np.random.Generator) -> int:
    p = p.astype(np.float64)
    p[0] = 0  # <unk>
    if temperature == 0:
        return int(np.argmax(p))
    with np.errstate(divide="ignore", over="ignore"):  # log 0 is never drawn
        weights = np.exp((np.log(p) - np.log(p.max())) / temperature)
    ends = np.cumsum(weights)
    # "right" skips words of weight 0; the draw is below the last end.
    return int(np.searchsorted(ends, rng.random() * ends[-1], side="right"))
