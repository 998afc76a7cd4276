"""The baselines of a language model: how well counting predicts the next word.

The bigram of a pair never seen is 0, so it is mixed with the unigram and a uniform
distribution; the shares are fitted by expectation maximization on text that was
neither counted nor scored (Jelinek and Mercer 1980, "Interpolated estimation of
Markov source parameters from sparse data").
"""

import numpy as np


class Ngrams:
    """Counts of words and of pairs of words in a text, ids of shape (n,).

    The `shares` of the bigram, the unigram and the uniform part add up to 1.

    Examples
    --------
    >>> text = np.array([0, 1, 2] * 20)
    >>> grams = Ngrams(text[:30], 3).fit(text, 30, 45)
    >>> round(float(grams.unigram(text, 45, 60)), 3), grams.bigram(text, 45, 60) < 1.01
    (3.0, True)
    """

    def __init__(self, ids: np.ndarray, n_words: int):
        ids = np.asarray(ids, np.int64)
        self.n_words = n_words
        self._count = np.bincount(ids, minlength=n_words)
        self._before = np.bincount(ids[:-1], minlength=n_words)
        pairs = ids[:-1] * n_words + ids[1:]
        self._pairs, self._pair_count = np.unique(pairs, return_counts=True)
        self.shares = np.full(3, 1 / 3)

    def fit(self, ids: np.ndarray, first: int, last: int) -> "Ngrams":
        """Fit the shares to words first to last - 1 of a text; return self."""
        parts = self._parts(ids, first, last)  # (3, m)
        for _ in range(100):
            mixed = parts * self.shares[:, None]
            shares = (mixed / mixed.sum(axis=0)).mean(axis=1)
            done = np.abs(shares - self.shares).max() < 1e-6
            self.shares = shares
            if done:
                break
        return self

    def unigram(self, ids: np.ndarray, first: int, last: int) -> float:
        """Return the unigram's perplexity of words first to last - 1."""
        # One is added to each count, so that no word is impossible.
        p = (self._count + 1) / (self._count.sum() + self.n_words)
        return perplexity(p[ids[first:last]])

    def bigram(self, ids: np.ndarray, first: int, last: int) -> float:
        """Return the mixture's perplexity of words first to last - 1."""
        return perplexity(self.shares @ self._parts(ids, first, last))

    def _parts(self, ids: np.ndarray, first: int, last: int) -> np.ndarray:
        """Return the probability of each word by each part, shape (3, m)."""
        previous = ids[first - 1 : last - 1].astype(np.int64)
        words = ids[first:last]
        pair = previous * self.n_words + words
        row = np.minimum(np.searchsorted(self._pairs, pair), len(self._pairs) - 1)
        count = np.where(self._pairs[row] == pair, self._pair_count[row], 0)
        bigram = count / np.maximum(self._before[previous], 1)
        unigram = self._count[words] / self._count.sum()
        return np.stack([bigram, unigram, np.full(len(words), 1 / self.n_words)])


def perplexity(p: np.ndarray) -> float:
    """Return the perplexity of words that were given the probabilities p.

    The number of sides of a fair die that would surprise as much:
    exp(-mean log p).

    Examples
    --------
    >>> round(perplexity(np.array([0.5, 0.125])), 12)
    4.0
    """
    return float(np.exp(-np.mean(np.log(p))))
