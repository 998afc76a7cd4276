"""The baselines of the language model: counts of words and of pairs."""

import numpy as np
import pytest
from text_models import tiny_text

from gpunet.text.ngrams import Ngrams, perplexity


def test_perplexity_is_the_sides_of_a_fair_die():
    assert perplexity(np.full(7, 1 / 6)) == pytest.approx(6)
    assert perplexity(np.array([0.5, 0.25])) == pytest.approx(np.sqrt(8))


def test_ngrams_equal_counting_by_hand():
    text = np.array([0, 1, 0, 2, 0, 1, 0, 1])
    grams = Ngrams(text[:6], 3)
    # one added to the counts 3, 2, 1; the test is 0, 1
    assert grams.unigram(text, 6, 8) == pytest.approx((4 / 9 * 3 / 9) ** -0.5)
    grams.shares = np.array([0.5, 0.25, 0.25])
    # After 1 came 0, once: the 1 that ends the counted text is before nothing.
    after, alone = (1 / 1, 2 / 3), (3 / 6, 2 / 6)
    p = [0.5 * a + 0.25 * b + 0.25 / 3 for a, b in zip(after, alone, strict=True)]
    assert grams.bigram(text, 6, 8) == pytest.approx(np.prod(p) ** -0.5)


def test_shares_are_the_best_on_the_validation_text():
    text = tiny_text()
    grams = Ngrams(text.ids[: text.validation], len(text.vocabulary))
    grams.fit(text.ids, text.validation, text.test)
    best = grams.bigram(text.ids, text.validation, text.test)
    assert grams.shares.sum() == pytest.approx(1)
    for a in np.arange(0, 1.01, 0.05):
        for b in np.arange(0, 1.01 - a, 0.05):
            grams.shares = np.array([a, b, 1 - a - b])
            with np.errstate(divide="ignore"):
                assert grams.bigram(text.ids, text.validation, text.test) > best - 1e-5


def test_probabilities_of_the_mixture_add_up_to_one():
    text = tiny_text()
    n = len(text.vocabulary)
    grams = Ngrams(text.ids[: text.validation], n)
    old = text.ids[text.test]
    p = [grams.bigram(np.array([old, new]), 1, 2) ** -1 for new in range(n)]
    assert sum(p) == pytest.approx(1)
