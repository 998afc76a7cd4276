"""Vocabularies: words by falling count, and the corpus as numbers."""

import numpy as np
import pytest

from gpunet.errors import ConfigError, DataError
from gpunet.text import Vocabulary, encode_corpus, read_corpus

LINES = [line.split() for line in ("b a c a", "d b", "a c e", "f")]


def test_words_stand_by_falling_count_then_first_appearance():
    words = Vocabulary.build(LINES, min_count=1)
    assert words.tokens == ["a", "b", "c", "d", "e", "f"]
    assert words.counts.tolist() == [3, 2, 2, 1, 1, 1]
    assert words.counts.dtype == np.int64
    assert words.index == {"a": 0, "b": 1, "c": 2, "d": 3, "e": 4, "f": 5}
    assert len(words) == 6 and "a" in words and "z" not in words


def test_rare_words_are_left_out():
    assert Vocabulary.build(LINES, min_count=2).tokens == ["a", "b", "c"]
    assert Vocabulary.build(iter(LINES), min_count=3.0 - 1).tokens == ["a", "b", "c"]


def test_default_minimum_is_five_counts():
    assert Vocabulary.build([["a", "b"]] * 5 + [["c"]] * 4).tokens == ["a", "b"]


@pytest.mark.parametrize(
    ("lines", "wanted"),
    [
        ([], "corpus: contains no words; give a text with some"),
        ([["a"] * 9], "corpus: 1 of its 1 different words appear 5 times or more"),
        ([["a", "b", "c"]], "corpus: 0 of its 3 different words appear 5 times"),
    ],
)
def test_a_corpus_of_fewer_than_two_words_is_refused(lines, wanted):
    with pytest.raises(DataError) as caught:
        Vocabulary.build(lines)
    assert wanted in str(caught.value)
    assert caught.value.exit_code == 3


def test_a_wrong_vocabulary_is_refused():
    with pytest.raises(ConfigError, match="min_count: must be at least 1, got 0"):
        Vocabulary.build(LINES, min_count=0)
    with pytest.raises(ConfigError, match=r"got 2 words \(1 different\) and 2 counts"):
        Vocabulary(["a", "a"], [1, 1])
    with pytest.raises(ConfigError, match=r"got 2 words \(2 different\) and 1 counts"):
        Vocabulary(["a", "b"], [1])


def test_words_become_numbers():
    words = Vocabulary(["a", "b"], [2, 1])
    assert words.encode(["b", "z", "a"]).tolist() == [1, 0]
    kept = words.encode(["b", "z", "a"], unknown="keep")
    assert kept.tolist() == [1, -1, 0] and kept.dtype == np.int32
    assert words.encode([]).shape == (0,)
    assert words.number("b") == 1


def test_an_unknown_word_is_answered_with_near_ones():
    words = Vocabulary(["king", "queen", "kings", "duke"], [4, 3, 2, 1])
    assert words.closest("KIGN")[:2] == ["king", "kings"]
    with pytest.raises(DataError) as caught:
        words.number("quen")
    assert str(caught.value) == "no such word: 'quen'; did you mean 'queen'?"
    with pytest.raises(DataError, match="no such word: 'xylophone'; use another"):
        words.number("xylophone")


def test_a_corpus_becomes_numbers_and_offsets():
    words = Vocabulary.build(LINES, min_count=2)
    ids, offsets = encode_corpus(LINES, words)
    assert ids.tolist() == [1, 0, 2, 0, 1, 0, 2]
    assert offsets.tolist() == [0, 4, 5, 7]  # the last line has no frequent word
    assert (ids.dtype, offsets.dtype) == (np.int32, np.int64)
    ids, offsets = encode_corpus(iter(LINES), words, unknown="keep")
    assert ids.tolist() == [1, 0, 2, 0, -1, 1, 0, 2, -1, -1]
    assert offsets.tolist() == [0, 4, 6, 9, 10]


def test_a_corpus_without_known_words_is_empty():
    ids, offsets = encode_corpus([["z"]], Vocabulary(["a", "b"], [1, 1]))
    assert ids.shape == (0,) and offsets.tolist() == [0]


def test_shakespeare_has_a_known_vocabulary():
    words = Vocabulary.build(read_corpus())
    ids, offsets = encode_corpus(read_corpus(), words)
    assert (len(words), len(ids), len(offsets)) == (9126, 884_513, 146_280)
    assert words.tokens[:5] == ["the", "and", "i", "to", "of"]
    assert np.bincount(ids).tolist() == words.counts.tolist()
