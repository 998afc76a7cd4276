"""Text written by a language model: temperature, seed, start."""

import numpy as np
import pytest
from text_models import SMALL

from gpunet.errors import ConfigError, DataError
from gpunet.random import host_rng
from gpunet.text.generate import _pick, generate
from gpunet.text.language_model import (
    LanguageModel,
)
from gpunet.text.vocabulary import Vocabulary


class Fixed:
    """A network that gives words 0 to 4 these probabilities, whatever came before."""

    p = np.array([0.5, 0.1, 0.2, 0.15, 0.05], np.float32)

    def __init__(self):
        self.seen = []

    def predict(self, x):
        self.seen.append(x[0].tolist())
        return self.p[None]


@pytest.fixture
def fixed():
    words = Vocabulary(["<unk>", "</s>", "king", "queen", "pea"], [1] * 5)
    return LanguageModel(Fixed(), words, SMALL)


def test_temperature_zero_takes_the_likeliest_word(fixed):
    assert list(generate(fixed, ["pea"], 3, temperature=0)) == ["king"] * 3
    assert fixed.net.seen == [[1, 4], [4, 2], [2, 2]]


def test_empty_start_begins_a_line(fixed):
    list(generate(fixed, [], 1))
    assert fixed.net.seen == [[1, 1]]


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_words_come_as_often_as_the_temperature_says(fixed, temperature):
    words = list(generate(fixed, [], 4000, temperature=temperature, seed=1))
    p = Fixed.p[1:].astype(float) ** (1 / temperature)
    p /= p.sum()
    found = np.array([words.count(w) for w in fixed.vocabulary.tokens[1:]]) / 4000
    assert "<unk>" not in words
    assert np.abs(found - p).max() < 4 * np.sqrt(0.25 / 4000)


def test_lowest_draw_is_no_word_of_probability_zero():
    class Lowest:
        random = staticmethod(lambda: 0.0)

    assert _pick(Fixed.p, 1.0, Lowest) == 1  # 0 is <unk>


@pytest.mark.parametrize("temperature", [1e-300, 1e-3])
def test_tiny_temperature_is_no_overflow(fixed, temperature):
    assert list(generate(fixed, [], 5, temperature=temperature)) == ["king"] * 5


def test_seed_decides_the_text(fixed):
    a, b, c = (list(generate(fixed, [], 50, seed=s)) for s in (3, 3, 4))
    assert a == b != c
    assert host_rng(3, "text", 10).random() != host_rng(3, "text", 10, 0).random()


def test_unknown_start_names_the_nearest_spelling(fixed):
    with pytest.raises(DataError, match="no such word: 'quen'; did you mean 'queen'"):
        generate(fixed, ["king", "quen"])


@pytest.mark.parametrize("temperature", [-0.1, float("nan"), float("inf")])
def test_bad_temperature_is_refused(fixed, temperature):
    with pytest.raises(ConfigError, match="temperature: must be a finite number"):
        generate(fixed, [], 1, temperature=temperature)
