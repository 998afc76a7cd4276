"""Draws of the skip-gram: words left out, negatives, windows, spans."""

import numpy as np
import pytest

from gpunet.text.draws import SPAN, Sampler, alias_table, keep_chances
from gpunet.text.settings import SkipGramSettings


def test_frequent_words_are_left_out_at_times():
    counts = np.array([900, 90, 10])
    sample = 1e-2
    f = counts / 1000
    wanted = np.minimum(1, np.sqrt(sample / f) + sample / f)
    assert keep_chances(counts, sample) == pytest.approx(wanted)
    assert keep_chances(counts, 0.0).tolist() == [1, 1, 1]
    many = np.tile(np.array([0] * 9 + [1], np.int32), 6000)
    settings = SkipGramSettings(window=2, negatives=1, sample=1e-2, seed=0)
    ends = np.array([0, len(many)])
    sampler = Sampler(many, ends, np.array([900, 100]), settings)
    words = sampler.draw(0).words
    share = np.bincount(words) / np.bincount(many)
    wanted = keep_chances(np.array([900, 100]), 1e-2)
    assert share == pytest.approx(wanted, abs=4 * np.sqrt(0.25 / 6000))


def test_alias_table_gives_each_word_its_weight():
    weights = np.array([5.0, 1.0, 3.0, 0.5, 0.5])
    chance, other = alias_table(weights)
    given = chance / 5
    np.add.at(given, other, (1 - chance) / 5)
    assert given == pytest.approx(weights / 10, rel=1e-12)


def test_negatives_follow_counts_to_the_power_three_quarters():
    counts = np.array([1000, 100, 10, 1])
    sampler = Sampler(
        np.zeros(50_000, np.int32),
        np.array([0, 50_000]),
        counts,
        SkipGramSettings(window=1, negatives=5, sample=0.0, seed=1),
    )
    drawn = sampler.draw(0).negatives
    share = np.bincount(drawn.ravel(), minlength=4) / drawn.size
    assert share == pytest.approx(counts**0.75 / np.sum(counts**0.75), abs=4e-3)


def test_windows_stay_in_their_line_and_reach_as_far_as_drawn():
    lengths = np.array([1, 2, 9, 30])
    offsets = np.append(0, np.cumsum(lengths))
    ids = np.arange(42, dtype=np.int32)
    settings = SkipGramSettings(window=3, negatives=2, sample=0.0, seed=0)
    sampler = Sampler(ids, offsets, np.ones(42), settings)
    reaches = set()
    for span in range(20):
        draws = sampler.draw(span)
        line = np.searchsorted(offsets, draws.center, "right")
        assert np.array_equal(np.searchsorted(offsets, draws.left, "right"), line)
        assert np.array_equal(np.searchsorted(offsets, draws.right - 1, "right"), line)
        assert draws.center.tolist() == list(range(1, 42))  # the lone word has none
        inside = (draws.center > 20) & (draws.center < 30)
        before = (draws.center - draws.left)[inside]
        after = (draws.right - draws.center - 1)[inside]
        reaches |= set(zip(before.tolist(), after.tolist(), strict=True))
    assert reaches == {(1, 1), (2, 2), (3, 3)}


def test_spans_cover_the_corpus_and_differ_by_number():
    lengths = np.full(40_000, 5)
    offsets = np.append(0, np.cumsum(lengths))
    ids = (np.arange(200_000) % 50).astype(np.int32)
    settings = SkipGramSettings(window=2, negatives=2, sample=0.0, seed=0)
    sampler = Sampler(ids, offsets, np.full(50, 4000), settings)
    assert sampler.n_spans == 4
    assert sampler.ends.tolist() == [0, SPAN + 4, 2 * SPAN + 3, 3 * SPAN + 2, 200_000]
    words = [sampler.draw(k).words for k in range(4)]
    assert np.array_equal(np.concatenate(words), ids)
    again, later = sampler.draw(1), sampler.draw(5)
    assert np.array_equal(again.negatives, sampler.draw(1).negatives)
    assert not np.array_equal(again.negatives, later.negatives)
