"""Vectors as files: our own safetensors, and the text that word2vec wrote.

Our file keeps the numbers bit for bit, with digests, and the words as one run of
UTF-8 bytes (a header of JSON would be too small for a million). The text is read by
every tool for word vectors: a line "n_words n_features", then a line for each word
with its numbers, whose nine digits are read back as the same float32.
"""

import re
from typing import Any, BinaryIO

import numpy as np

from ..errors import ConfigError, ModelFileError
from ..io.messages import file_errors, message
from ..io.reading import open_regular
from ..io.writing import write_atomically
from ..storage import read_tensors, write_tensors
from .vectors import WordVectors
from .vocabulary import Vocabulary

_REMEDY = "give vectors.safetensors of a run, or word2vec text"
_HEADER = re.compile(rb"([1-9][0-9]{0,9}) ([1-9][0-9]{0,5}) ?\r?\n")
_DECIMAL = b"0123456789+-.eE "  # no "nan", no "1_000"
_LONGEST_WORD = 4096  # bytes
_LARGEST = float(np.finfo(np.float32).max)


def save_vectors(path: Any, vectors: WordVectors, **more: Any) -> None:
    """Write vectors as safetensors, with `more` that JSON can hold, or not at all.

    Raises
    ------
    ConfigError
        A word with a line break, which the file cannot hold.
    WriteError
        The system refused; an old file of that name is intact.
    """
    _check_words(vectors.words, r"[\n\r\0]|^$", "a line break")
    words = np.frombuffer("\n".join(vectors.words).encode("utf-8"), np.uint8)
    tensors = {"vectors": vectors.vectors, "words": words}
    tensors["counts"] = vectors.vocabulary.counts
    write_tensors(path, tensors, {**more, "kind": "vectors"})


def save_text(path: Any, vectors: WordVectors) -> None:
    """Write vectors in word2vec's text format, wholly or not at all.

    Raises
    ------
    ConfigError
        A word with white space, which separates the fields.
    WriteError
        As of `save_vectors`.
    """
    _check_words(vectors.words, r"\s|\0|^$", "white space")
    n, n_features = vectors.vectors.shape
    row = " ".join(["%.9g"] * n_features)
    lines = [f"{n} {n_features}"]
    for word, vector in zip(vectors.words, vectors.vectors, strict=True):
        lines.append(f"{word} {row % tuple(vector.tolist())}")
    write_atomically(path, ("\n".join(lines) + "\n").encode("utf-8"))


def _check_words(words: list[str], pattern: str, fault: str) -> None:
    for word in words:
        if re.search(pattern, word):
            raise ConfigError(
                f"word vectors: {word!r:.60}: is empty or has {fault}, which the file "
                "cannot hold; rename the word"
            )


def load_vectors(path: Any) -> tuple[WordVectors, dict[str, Any]]:
    """Return the vectors in a file of either format, and what it says of them.

    Returns
    -------
    vectors : WordVectors
    about : dict
        The `more` of `save_vectors`; empty for text.

    Raises
    ------
    ModelFileError
        The file is missing, damaged or another file; for text with
        row:column, both counted from 1, the word being column 1.
    """
    with (
        file_errors("vectors", path, "check the path"),
        open_regular(path) as (file, status),
    ):
        first = file.read(64)
        file.seek(0)
        if _HEADER.match(first):
            return _read_text(file, status.st_size, path), {}
    if first[8:9] != b"{":
        raise _error(path, f"is not a vectors file (begins with {first[:12]!r})")
    return _read_safetensors(path)


def _error(path: Any, reason: str, remedy: str = _REMEDY) -> ModelFileError:
    return ModelFileError(message("vectors", path, reason, remedy))


def _read_safetensors(path: Any) -> tuple[WordVectors, dict[str, Any]]:
    tensors, state = read_tensors(path)
    kind = state.pop("kind", None)
    if kind != "vectors" or set(tensors) != {"vectors", "words", "counts"}:
        raise _error(path, f"is a gpunet file of kind {kind!r:.40}, not vectors")
    try:
        words = tensors["words"].astype(np.uint8, casting="safe").tobytes()
        vocabulary = Vocabulary(words.decode("utf-8").split("\n"), tensors["counts"])
        return WordVectors(vocabulary, tensors["vectors"]), state
    except (TypeError, UnicodeDecodeError, ConfigError) as error:
        raise _error(path, f"its words do not fit its vectors ({error})") from error


def _read_text(file: BinaryIO, size: int, path: Any) -> WordVectors:
    n, width = map(int, file.readline().split())
    # Each word has at least one byte and each number two, before any is believed.
    if n * (1 + 2 * width) > size:
        reason = f"1:1: promises {n:,} words of {width} numbers in {size:,} bytes"
        raise _error(path, reason, "copy the file again")
    words, vectors = [], np.empty((n, width), np.float32)
    longest = _LONGEST_WORD + 40 * width
    for row in range(n):
        line = file.readline(longest + 1)
        words.append(_read_line(line, vectors[row], row + 2, path))
    if rest := file.read(64).strip():
        reason = f"{n + 2}:1: continues ({rest[:20]!r}) after the {n:,} words promised"
        raise _error(path, reason, "correct the first line")
    try:
        return WordVectors(words, vectors)
    except ConfigError as error:
        raise _error(path, str(error).removeprefix("word vectors: ")) from error


def _read_line(line: bytes, vector: np.ndarray, row: int, path: Any) -> str:
    """Fill in one word's numbers; return the word."""
    cells = line.rstrip(b"\r\n ").split(b" ")
    if len(cells) != vector.size + 1:
        column = min(len(cells), vector.size + 1) + 1
        count = len(cells) - 1 if line else "the end of the file"
        reason = f"{row}:{column}: must be a word and {vector.size} numbers"
        remedy = "copy the file again, or correct that line"
        raise _error(path, f"{reason}, got {count}", remedy)
    numbers = _numbers(cells[1:])
    if numbers is None:
        cell = next(cell for cell in cells[1:] if _numbers([cell]) is None)
        column = cells.index(cell, 1) + 1
        reason = f"{row}:{column}: {cell[:30]!r} is not a finite number"
        raise _error(path, reason, "correct that line")
    vector[:] = numbers
    try:
        return cells[0].decode("utf-8")
    except UnicodeDecodeError:
        reason = f"{row}:1: {cells[0][:30]!r} is not UTF-8"
        raise _error(path, reason, "correct that line") from None


def _numbers(cells: list[bytes]) -> np.ndarray | None:
    """Return cells as numbers, None where one is not finite in float32."""
    if b" ".join(cells).translate(None, _DECIMAL):
        return None
    try:
        values = np.array(cells).astype(np.float64)
    except ValueError:
        return None
    return values if np.abs(values).max() <= _LARGEST else None
