"""The random draws of a skip-gram: words left out, windows, negatives.

They are drawn on the host for a span of the corpus at a time, keyed by the span:
every engine learns from the same draws, and resuming needs no generator's state.
"""

from typing import NamedTuple

import numpy as np

from ..random import host_rng
from .settings import SkipGramSettings

SPAN = 1 << 16  # words, up to the end of a line


class SpanWindows(NamedTuple):
    """The windows of one span, n words that were kept and m windows.

    Window i is ``words[left[i]:right[i]]``, at least two words of one line; the word
    in its middle is at ``center[i]``.
    """

    words: np.ndarray  # (n,), int32
    center: np.ndarray  # (m,), int64, as are left and right
    left: np.ndarray
    right: np.ndarray
    first: np.ndarray  # (m + 1,), int64: the neighbors in the windows before
    negatives: np.ndarray  # (m, k), int32: drawn against each word in the middle


def keep_chances(counts: np.ndarray, sample: float) -> np.ndarray:
    """Return with which probability each occurrence of a word is kept, float32.

    sqrt(sample / f) + sample / f, at most 1, for a word of frequency f; all are
    kept where `sample` is 0.

    Source: the code of Mikolov et al. (2013b); their eq. 5 lacks the second term.
    """
    if not sample:
        return np.ones(len(counts), np.float32)
    ratio = sample * np.sum(counts) / np.maximum(counts, 1)
    return np.minimum(np.sqrt(ratio) + ratio, 1.0).astype(np.float32)


def alias_table(weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return (chance, other) that draw a number in proportion to its weight.

    Draw i uniformly; keep it with probability chance[i], else use other[i].

    Source: A. J. Walker, "An efficient method for generating discrete random
    variables with general distributions" (1977).
    """
    share = weights / np.sum(weights) * len(weights)
    chance, other = np.ones(len(share)), np.arange(len(share), dtype=np.int32)
    small, large = (np.flatnonzero(which).tolist() for which in (share < 1, share >= 1))
    while small and large:
        i, j = small.pop(), large.pop()
        chance[i], other[i] = share[i], j
        share[j] -= 1 - share[i]
        (small if share[j] < 1 else large).append(j)
    return chance, other


class Sampler:
    """Draws the windows of each span of a corpus, which is that of `encode_corpus`."""

    def __init__(
        self,
        ids: np.ndarray,
        offsets: np.ndarray,
        counts: np.ndarray,
        settings: SkipGramSettings,
    ):
        self._ids, self._offsets, self._settings = ids, offsets, settings
        self._keep = keep_chances(counts, settings.sample)
        self._alias = alias_table(np.asarray(counts, np.float64) ** 0.75)
        cuts = np.searchsorted(offsets, np.arange(0, offsets[-1], SPAN))
        self._cuts = np.append(np.unique(cuts), len(offsets) - 1)
        self.n_spans = len(self._cuts) - 1
        self.ends = offsets[self._cuts]  # in words, of the spans of an epoch

    def draw(self, span: int) -> SpanWindows:
        """Return the windows of span number `span` of the run."""
        settings = self._settings
        rng = host_rng(settings.seed, "text", 1, span)
        k = span % self.n_spans
        lines = self._offsets[self._cuts[k] : self._cuts[k + 1] + 1]
        ids = self._ids[lines[0] : lines[-1]]
        keep = rng.random(len(ids), np.float32) < self._keep[ids]
        before = np.concatenate(([0], np.cumsum(keep)))[lines - lines[0]]
        lengths = np.diff(before)
        position = np.arange(before[-1])
        reach = rng.integers(1, settings.window + 1, before[-1])
        left = np.maximum(np.repeat(before[:-1], lengths), position - reach)
        right = np.minimum(np.repeat(before[1:], lengths), position + reach + 1)
        center = np.flatnonzero(right - left > 1)
        left, right = left[center], right[center]
        first = np.concatenate(([0], np.cumsum(right - left - 1)))
        chance, other = self._alias
        u = rng.random((len(center), settings.negatives)) * len(chance)
        i = u.astype(np.int32)
        negatives = np.where(u - i < chance[i], i, other[i])
        return SpanWindows(ids[keep], center, left, right, first, negatives)
