"""The words of a corpus by falling count, and the corpus as their numbers.

Word 0 is the most frequent. Rare words cannot be learned and leave the corpus
before training; their neighbors close ranks, as in word2vec's code.
"""

from array import array
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import chain

import numpy as np

from ..errors import ConfigError, DataError
from ..io.messages import nearest

_SEARCHED = 50_000  # the most frequent words, among which a spelling is sought


class Vocabulary:
    """Words, each once, by falling count; `index` has the number of each.

    Parameters
    ----------
    tokens : sequence of str
    counts : array_like of int, shape (n_words,)

    Examples
    --------
    >>> words = Vocabulary.build([["to", "be", "or", "not", "to", "be"]], min_count=2)
    >>> words.tokens, words.counts.tolist(), words.encode(["not", "to", "be"]).tolist()
    (['to', 'be'], [2, 2], [0, 1])
    """

    def __init__(self, tokens: Sequence[str], counts: Sequence[int] | np.ndarray):
        self.tokens = list(tokens)
        self.counts = np.asarray(counts, np.int64)
        self.index = {token: i for i, token in enumerate(self.tokens)}
        if not len(self.index) == len(self.tokens) == len(self.counts):
            raise ConfigError(
                "vocabulary: must be each word once and a count for each, got "
                f"{len(self.tokens)} words ({len(self.index)} different) and "
                f"{len(self.counts)} counts"
            )

    @classmethod
    def build(cls, lines: Iterable[Sequence[str]], min_count: int = 5) -> "Vocabulary":
        """Return the words that `lines` hold at least `min_count` times.

        Of two words as frequent, the one that appears first comes first. A
        DataError says that fewer than two are frequent enough.
        """
        if min_count < 1:
            raise ConfigError(f"min_count: must be at least 1, got {min_count}")
        counter = Counter(chain.from_iterable(lines))
        if not counter:
            raise DataError("corpus: contains no words; give a text with some")
        common = [(t, n) for t, n in counter.most_common() if n >= min_count]
        if len(common) < 2:
            raise DataError(
                f"corpus: {len(common)} of its {len(counter):,} different words appear "
                f"{min_count} times or more, and two are the least; give more text, "
                "or a smaller `min_count`"
            )
        return cls(*zip(*common, strict=True))

    def __len__(self) -> int:
        return len(self.tokens)

    def __contains__(self, word: str) -> bool:
        return word in self.index

    def encode(self, words: Iterable[str], *, unknown: str = "drop") -> np.ndarray:
        """Return the numbers of words, shape (n,), int32, as `encode_corpus` does."""
        ids = (self.index.get(word, -1) for word in words)
        return np.fromiter((i for i in ids if i >= 0 or unknown == "keep"), np.int32)

    def number(self, word: str) -> int:
        """Return the number of a word, or a DataError that names the nearest ones."""
        if word not in self.index:
            near = " or ".join(map(repr, self.closest(word)))
            hint = f"did you mean {near}?" if near else "use another"
            raise DataError(f"no such word: {word!r:.60}; {hint}")
        return self.index[word]

    def closest(self, word: str, n: int = 3) -> list[str]:
        """Return at most `n` words of nearly the same spelling, the nearest first."""
        word = word.lower()[:60]
        tokens = self.tokens[:_SEARCHED]
        near = [token for token in tokens if abs(len(token) - len(word)) <= 2]
        return nearest(word, near, n)


def encode_corpus(
    lines: Iterable[Sequence[str]], vocabulary: Vocabulary, *, unknown: str = "drop"
) -> tuple[np.ndarray, np.ndarray]:
    """Return a whole corpus as numbers: 4 bytes a word.

    Parameters
    ----------
    unknown : "drop" or "keep"
        Whether a word not in the vocabulary is left out or becomes -1.

    Returns
    -------
    ids : array, shape (n,), int32
    offsets : array, shape (n_lines + 1,), int64
        Line l is ``ids[offsets[l] : offsets[l + 1]]``; none is empty.

    Examples
    --------
    >>> words = Vocabulary(["be", "to"], [2, 2])
    >>> ids, offsets = encode_corpus([["to", "be"], ["or"], ["not", "to"]], words)
    >>> ids.tolist(), offsets.tolist()
    ([1, 0, 1], [0, 2, 3])
    """
    ids, offsets, get = array("i"), array("q", [0]), vocabulary.index.get
    keep = unknown == "keep"
    for line in lines:
        ids.extend([i for word in line if (i := get(word, -1)) >= 0 or keep])
        if len(ids) > offsets[-1]:
            offsets.append(len(ids))
    return np.frombuffer(ids, np.int32), np.frombuffer(offsets, np.int64)
