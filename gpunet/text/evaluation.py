"""Evaluates word vectors on similarity and analogy benchmarks.

Similarity: pairs of words with the mean score of people (WordSim-353, SimLex-999).
Analogies: questions a b c d, "d is to c as b is to a" (questions-words). What has a
word without a vector is left out and counted.
"""

import csv
from collections.abc import Iterator
from typing import Any

import numpy as np

from ..errors import DataError
from ..io.messages import data_error
from ..io.reading import read_regular
from .vectors import WordVectors

_SCORES = ("simlex999", "human (mean)")  # the column's name in the two known files
_LARGEST = 64 * 2**20  # bytes; the largest such file known has 2 MB
_REMEDIES = {
    "similarity": "give a file like WordSim-353 or SimLex-999",
    "analogies": "give a file like questions-words.txt",
}
_NO_VECTORS = "use vectors of a larger corpus, or of its language"


def evaluate_similarity(vectors: WordVectors, path: Any) -> dict[str, Any]:
    """Return how the cosines of the pairs of a file agree with people's scores.

    The result has spearman, the rank correlation, and counts: pairs, all of the
    file; used and skipped, with and without both vectors.
    """
    pairs = read_pairs(path)
    rows = [(vectors.find(a), vectors.find(b), score) for a, b, score in pairs]
    used = [row for row in rows if None not in row]
    if len(used) < 2:
        reason = f"{len(used)} of its {len(pairs)} pairs have two known words"
        raise data_error("similarity", path, reason, _NO_VECTORS)
    a, b, scores = (np.array(column) for column in zip(*used, strict=True))
    cosines = np.einsum("md,md->m", vectors.unit[a], vectors.unit[b])
    return {
        "spearman": spearman(cosines, scores),
        "pairs": len(pairs),
        "used": len(used),
        "skipped": len(pairs) - len(used),
    }


def evaluate_analogies(vectors: WordVectors, path: Any) -> dict[str, Any]:
    """Return how many analogies of a file 3CosAdd answers with the very word.

    The accuracy is None where nothing was asked; `sections` has the same by name.
    """
    sections = {}
    for name, questions in read_questions(path).items():
        rows = [[vectors.find(word) for word in q] for q in questions]
        used = np.array([r for r in rows if None not in r], int).reshape(-1, 4)
        best = vectors.best(vectors.offsets(used[:, :3]), used[:, :3])
        n_correct = int((best == used[:, 3]).sum())
        sections[name] = _accuracy(n_correct, len(used), len(rows))
    counts = ("correct", "used", "questions")
    total = _accuracy(*(sum(s[k] for s in sections.values()) for k in counts))
    if not total["used"]:
        reason = f"none of its {total['questions']} questions has four known words"
        raise data_error("analogies", path, reason, _NO_VECTORS)
    return total | {"sections": sections}


def _accuracy(n_correct: int, n_used: int, n_questions: int) -> dict[str, Any]:
    return {
        "accuracy": n_correct / n_used if n_used else None,
        "correct": n_correct,
        "used": n_used,
        "questions": n_questions,
        "skipped": n_questions - n_used,
    }


def spearman(x: Any, y: Any) -> float:
    """Return the rank correlation of two lists of numbers, ties at their mean rank.

    A DataError says that all numbers of a list are equal.

    Examples
    --------
    >>> round(spearman([1, 2, 3, 4], [10, 20, 20, 90]), 3)
    0.949
    """
    a, b = ranks(x), ranks(y)
    a, b = a - a.mean(), b - b.mean()
    size = float(np.sqrt((a @ a) * (b @ b)))
    if not size:
        raise DataError("rank correlation: all numbers are equal; give others")
    return float(a @ b) / size


def ranks(x: Any) -> np.ndarray:
    """Return ranks from 1, equal numbers at the mean of theirs, shape of x."""
    _, which, count = np.unique(x, return_inverse=True, return_counts=True)
    return (np.cumsum(count) - (count - 1) / 2)[which]


def read_pairs(path: Any) -> list[tuple[str, str, float]]:
    """Return the pairs of a similarity file, each with its score.

    Lines "word, word, score, ..." with tabs or commas between; a first line of
    column names may be there (WordSim-353's "Human (mean)" or SimLex-999's
    "SimLex999" then names the score's column); lines from "#" on are comments.
    A DataError names what is not such a line by line:column.
    """
    pairs: list[tuple[str, str, float]] = []
    column = 2
    for number, line in _lines("similarity", path):
        delimiter = "\t" if "\t" in line else ","
        cells = [c.strip() for c in next(csv.reader([line], delimiter=delimiter))]
        names = [c.lower() for c in cells]
        if not pairs and (titles := [n for n in _SCORES if n in names]):
            column = names.index(titles[0])
            continue
        if len(cells) <= column or not cells[0] or not cells[1]:
            reason = f"{number}:1: must be word, word, score, got {line!r:.60}"
            raise _damaged("similarity", path, reason)
        try:
            score = float(cells[column])
        except ValueError:
            score = np.nan
        if np.isfinite(score):
            pairs.append((cells[0], cells[1], score))
        elif pairs or column != 2 or number != 1:  # else other names of columns
            cell = f"{cells[column]!r:.40}"
            reason = f"{number}:{column + 1}: {cell} is not a finite number"
            raise _damaged("similarity", path, reason)
    if not pairs:
        raise _damaged("similarity", path, "contains no pairs")
    return pairs


def read_questions(path: Any) -> dict[str, list[list[str]]]:
    """Return the questions of an analogy file, four words each, by section.

    A line ": name" begins a section; every other has four words (else DataError).
    """
    sections: dict[str, list[list[str]]] = {}
    name = "all"
    for number, line in _lines("analogies", path):
        if line.startswith(":"):
            name = line[1:].strip()
            continue
        words = line.split()
        if len(words) != 4:
            column = min(len(words), 4) + 1
            reason = f"{number}:{column}: must be four words, got {line!r:.60}"
            raise _damaged("analogies", path, reason)
        sections.setdefault(name, []).append(words)
    if not sections:
        raise _damaged("analogies", path, "contains no questions")
    return sections


def _lines(what: str, path: Any) -> Iterator[tuple[int, str]]:
    """Yield (line number from 1, line) of all but empty lines and comments."""
    try:
        text = read_regular(path, _LARGEST).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        reason = f"is not UTF-8 text (byte {error.start:,})"
        raise _damaged(what, path, reason) from None
    if "\0" in text:
        raise _damaged(what, path, "is not text, but contains zero bytes")
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip() and not line.startswith("#"):
            yield number, line


def _damaged(what: str, path: Any, reason: str) -> DataError:
    return data_error(what, path, reason, _REMEDIES[what])
