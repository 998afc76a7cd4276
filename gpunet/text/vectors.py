"""Word vectors: similarities, neighbors, analogies and a map of words.

Every similarity is the cosine of the angle between two vectors, so that a frequent
word, whose vector is long, is no nearer to all others for it.
"""

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from ..errors import ConfigError
from .vocabulary import Vocabulary

_CHUNK = 2**22  # similarities held at once: 16 MB


class WordVectors:
    """A vector for each word of a vocabulary.

    Parameters
    ----------
    vocabulary : Vocabulary or sequence of str
        The most frequent word first, where frequencies are known.
    vectors : array, shape (n_words, n_features), floats
        Kept as float32, not copied where it is that.

    Raises
    ------
    ConfigError
        No words, unequal counts, a word given twice, a number that is not finite.

    Examples
    --------
    >>> v = WordVectors(["king", "queen", "pea"], [[1, 0], [1, .1], [-1, 1]])
    >>> [word for word, _ in v.neighbors("king", 2)]
    ['queen', 'pea']
    """

    def __init__(self, vocabulary: Vocabulary | Sequence[str], vectors: Any):
        if not isinstance(vocabulary, Vocabulary):
            words = list(vocabulary)
            vocabulary = Vocabulary(words, [0] * len(words))
        self.vocabulary = vocabulary
        self.vectors = vectors = np.asarray(vectors, np.float32)
        n = len(vocabulary)
        if vectors.ndim != 2 or vectors.shape[0] != n or not vectors.size:
            raise ConfigError(
                f"word vectors: must be an array of shape ({n}, n_features), one row "
                f"for each word and at least one, got {vectors.shape}"
            )
        if not np.isfinite(vectors).all():
            row = int(np.argmin(np.isfinite(vectors).all(axis=1)))
            raise ConfigError(
                f"word vectors: the vector of {self.words[row]!r:.60} is not finite; "
                "train with a smaller learning rate"
            )

    @property
    def words(self) -> list[str]:
        """The words, in the order of the rows."""
        return self.vocabulary.tokens

    def __len__(self) -> int:
        return len(self.vocabulary)

    @cached_property
    def unit(self) -> np.ndarray:
        """The vectors at length 1, shape (n_words, n_features); zeros stay zeros."""
        return _normalized(self.vectors)

    def row(self, word: str) -> int:
        """Return the row of a word, or a DataError that suggests the nearest ones."""
        row = self.find(word)
        return self.vocabulary.number(word) if row is None else row

    def find(self, word: str) -> int | None:
        """Return the row of a word, as given or in lower case, or None."""
        index = self.vocabulary.index
        return index.get(word, index.get(word.lower()))

    def similarity(self, a: str, b: str) -> float:
        """Return the cosine of the angle between two words, in [-1, 1]."""
        return float(self.unit[self.row(a)] @ self.unit[self.row(b)])

    def neighbors(self, word: str, n: int = 10) -> list[tuple[str, float]]:
        """Return the n nearest words with their cosines, the nearest first."""
        i = self.row(word)
        return self._nearest(self.unit[i], [i], n)

    neighbours = neighbors  # the British spelling

    def analogy(self, a: str, b: str, c: str, n: int = 10) -> list[tuple[str, float]]:
        """Return at most n (word, cosine): what is to c as b is to a, the best first.

        The words whose vectors are nearest b - a + c, all three at length 1
        (3CosAdd: Mikolov et al. 2013, "Linguistic regularities"; Levy and
        Goldberg 2014, eq. 3). The three words of the question are not answers.
        """
        rows = [self.row(a), self.row(b), self.row(c)]
        return self._nearest(self.offsets(np.array([rows]))[0], rows, n)

    def offsets(self, rows: np.ndarray) -> np.ndarray:
        """Return b - a + c at length 1 for rows (a, b, c), shape (m, n_features)."""
        a, b, c = (self.unit[rows[:, k]] for k in range(3))
        return _normalized(b - a + c)

    def best(self, targets: np.ndarray, excluded: np.ndarray) -> np.ndarray:
        """Return the row of the nearest word for each vector, shape (m,).

        Those in `excluded`, shape (m, k), are not answers.
        """
        step = max(1, _CHUNK // len(self))
        blocks = [slice(a, a + step) for a in range(0, len(targets), step)]
        rows = [np.argmax(self._cosines(targets[b], excluded[b]), 1) for b in blocks]
        return np.concatenate([np.zeros(0, int), *rows])

    def _cosines(self, targets: np.ndarray, excluded: np.ndarray) -> np.ndarray:
        cosines = targets @ self.unit.T  # (m, n_features) @ (n_features, n_words)
        cosines[np.arange(len(cosines))[:, None], excluded] = -np.inf
        return cosines

    def _nearest(
        self, target: np.ndarray, excluded: list[int], n: int
    ) -> list[tuple[str, float]]:
        cosines = self._cosines(target[None], np.array([excluded]))[0]
        n = max(0, min(n, len(self) - len(set(excluded))))
        order = np.argsort(-cosines, kind="stable")[:n]
        return [(self.words[i], float(cosines[i])) for i in order]

    def plane(self, words: Iterable[str]) -> tuple[np.ndarray, float]:
        """Return words as points of the plane in which they spread the most.

        Principal components by singular value decomposition: the centered
        vectors are U S V^T, and U S in its first two columns are the points.

        Returns
        -------
        points : array, shape (m, 2)
            The sign of each axis is free; the largest entry is made positive.
        share : float
            How much of the variance the plane shows, 0 to 1.
        """
        rows = list(dict.fromkeys(self.row(word) for word in words))
        if len(rows) < 2:
            raise ConfigError(
                f"map: must be two or more different words, got {len(rows)}; "
                "one point has no direction"
            )
        x = self.unit[rows].astype(np.float64)
        x -= x.mean(axis=0)  # (m, n_features)
        u, s, _ = np.linalg.svd(x, full_matrices=False)
        points = np.zeros((len(rows), 2))
        points[:, : s.size] = (u * s)[:, :2]
        top = points[np.argmax(np.abs(points), axis=0), [0, 1]]
        variance = float((s**2).sum())
        share = float((s[:2] ** 2).sum()) / variance if variance else 1.0
        return points * np.where(top < 0, -1, 1), share


def _normalized(vectors: np.ndarray) -> np.ndarray:
    """Return rows at length 1; zeros stay zeros."""
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.where(length > 0, length, 1)
