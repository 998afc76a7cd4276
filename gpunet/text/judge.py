"""How good vectors are: by the judgement of people, and by analogies.

Two kinds of test that others publish. A similarity file has pairs of words with
the mean score that people gave them (WordSim-353, SimLex-999 and their like); an
analogy file has questions a b c d, "d is to c as b is to a" (questions-words).
Pairs and questions with a word that has no vector are left out, and how many
they were is part of every result: a score on half the pairs is another score.
"""

import csv
from typing import Any, NamedTuple

import numpy as np

from ..errors import DataError
from ..io.messages import data_error
from ..io.reading import read_regular
from .vectors import WordVectors

_SCORES = ("simlex999", "human (mean)")  # the column's name in the two known files
_LONGEST = 64 * 2**20  # bytes; the largest such file known has 2 MB


class Pair(NamedTuple):
    """Two words and the score that people gave them."""

    a: str
    b: str
    score: float


def judge_similarity(vectors: WordVectors, path: Any) -> dict[str, Any]:
    """Return how the cosines of pairs agree with people's scores.

    Parameters
    ----------
    vectors : WordVectors
    path : str or os.PathLike
        See `read_pairs`.

    Returns
    -------
    result : dict
        spearman : float, the rank correlation, -1 to 1; pairs : int, all of
        the file; used, skipped : int, with and without both vectors.

    Raises
    ------
    DataError
        The file is no such file, or has fewer than two pairs of known words.
    """
    pairs = read_pairs(path)
    rows = [(vectors.find(p.a), vectors.find(p.b)) for p in pairs]
    known = [
        (i, j, p.score)
        for (i, j), p in zip(rows, pairs, strict=True)
        if i is not None and j is not None
    ]
    if len(known) < 2:
        why = f"{len(known)} of its {len(pairs)} pairs have two known words"
        cure = "take vectors of a larger corpus, or of its language"
        raise data_error("similarity", path, why, cure)
    a, b, score = (np.array(column) for column in zip(*known, strict=True))
    cosines = np.einsum("md,md->m", vectors.unit[a], vectors.unit[b])
    return {
        "spearman": spearman(cosines, score),
        "pairs": len(pairs),
        "used": len(known),
        "skipped": len(pairs) - len(known),
    }


def judge_analogies(vectors: WordVectors, path: Any) -> dict[str, Any]:
    """Return how many analogies 3CosAdd answers with the very word.

    Parameters
    ----------
    vectors : WordVectors
    path : str or os.PathLike
        See `read_questions`.

    Returns
    -------
    result : dict
        accuracy : float or None where nothing was asked; correct, used,
        questions, skipped : int; sections : dict of name to the same.

    Raises
    ------
    DataError
        The file is no such file, or has no question of known words.
    """
    sections = {}
    for name, questions in read_questions(path).items():
        rows = [[vectors.find(word) for word in q] for q in questions]
        known = np.array([r for r in rows if None not in r], int).reshape(-1, 4)
        best = vectors.best(vectors.offsets(known[:, :3]), known[:, :3])
        sections[name] = _share(int((best == known[:, 3]).sum()), len(known), len(rows))
    sums = [sum(s[k] for s in sections.values()) for k in ("correct", "used")]
    total = _share(*sums, sum(s["questions"] for s in sections.values()))
    if not total["used"]:
        why = f"none of its {total['questions']} questions has four known words"
        cure = "take vectors of a larger corpus, or of its language"
        raise data_error("analogies", path, why, cure)
    return total | {"sections": sections}


def _share(correct, used, questions):
    return {
        "accuracy": correct / used if used else None,
        "correct": correct,
        "used": used,
        "questions": questions,
        "skipped": questions - used,
    }


def spearman(x: np.ndarray, y: np.ndarray) -> float:
    """Return the rank correlation of two lists of numbers, ties at their mean rank.

    Raises
    ------
    DataError
        All numbers of a list are equal: there is nothing to rank.

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


def ranks(x: np.ndarray) -> np.ndarray:
    """Return ranks from 1, equal numbers at the mean of theirs, shape of x."""
    _, which, count = np.unique(x, return_inverse=True, return_counts=True)
    return (np.cumsum(count) - (count - 1) / 2)[which]


def read_pairs(path: Any) -> list[Pair]:
    """Return the pairs of a similarity file.

    Lines "word, word, score, ..." with tabs or commas between; a first line of
    column names may be there (WordSim-353's "Human (mean)" or SimLex-999's
    "SimLex999" then names the score's column); lines from "#" on are remarks.

    Raises
    ------
    DataError
        Missing, no text, or a line that is no such line; with line:column.
    """
    pairs, column = [], 2
    for number, line in _lines("similarity", path):
        mark = "\t" if "\t" in line else ","
        cells = [c.strip() for c in next(csv.reader([line], delimiter=mark))]
        names = [c.lower() for c in cells]
        if not pairs and (named := [n for n in _SCORES if n in names]):
            column = names.index(named[0])
            continue
        if len(cells) <= column or not cells[0] or not cells[1]:
            why = f"{number}:1: expected word, word, score, got {line!r:.60}"
            raise _damaged("similarity", path, why)
        try:
            score = float(cells[column])
        except ValueError:
            score = np.nan
        if not np.isfinite(score):
            if not pairs and column == 2 and number == 1:
                continue  # other names of columns
            why = f"{number}:{column + 1}: {cells[column]!r:.40} is no finite number"
            raise _damaged("similarity", path, why)
        pairs.append(Pair(cells[0], cells[1], score))
    if not pairs:
        raise _damaged("similarity", path, "holds no pairs")
    return pairs


def read_questions(path: Any) -> dict[str, list[list[str]]]:
    """Return the questions of an analogy file, four words each, by section.

    A line ": name" begins a section; every other has four words.

    Raises
    ------
    DataError
        Missing, no text, or a line that is no such line; with line:column.
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
            why = f"{number}:{column}: expected four words, got {line!r:.60}"
            raise _damaged("analogies", path, why)
        sections.setdefault(name, []).append(words)
    if not sections:
        raise _damaged("analogies", path, "holds no questions")
    return sections


def _lines(what, path):
    """Yield (line number from 1, line) of what is neither empty nor a remark."""
    try:
        text = read_regular(path, _LONGEST).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        why = f"is no UTF-8 text (byte {error.start:,})"
        raise _damaged(what, path, why) from None
    if "\0" in text:
        raise _damaged(what, path, "is no text, but holds zero bytes")
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip() and not line.startswith("#"):
            yield number, line


def _damaged(what, path, why):
    cure = "give a file like WordSim-353 or SimLex-999"
    if what == "analogies":
        cure = "give a file like questions-words.txt"
    return data_error(what, path, why, cure)
