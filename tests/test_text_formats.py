"""Vectors as files: ours, word2vec's text, and what strangers put there."""

import os

import numpy as np
import pytest
from helpers import normal

from gpunet.errors import ConfigError, ModelFileError, WriteError
from gpunet.storage import write_tensors
from gpunet.text.formats import load_vectors, save_text, save_vectors
from gpunet.text.vectors import WordVectors
from gpunet.text.vocabulary import Vocabulary

WORDS = ["the", "o'er", "naïve", "слово", "語", "don't"]


def some(n_features=7):
    scale = 10.0 ** np.arange(-30, 30, 10)[:, None]
    vectors = normal(0, len(WORDS), n_features) * scale
    return WordVectors(Vocabulary(WORDS, [9, 5, 3, 2, 1, 1]), vectors)


def test_our_file_keeps_words_counts_numbers_and_what_is_said(tmp_path):
    path, v = tmp_path / "v.safetensors", some()
    save_vectors(path, v, config={"dim": 7})
    found, about = load_vectors(path)
    assert found.words == WORDS and about == {"config": {"dim": 7}}
    assert found.vectors.tobytes() == v.vectors.tobytes()
    assert found.vocabulary.counts.tolist() == [9, 5, 3, 2, 1, 1]


def test_our_file_is_read_by_safetensors(tmp_path):
    from safetensors.numpy import load_file

    save_vectors(tmp_path / "v.safetensors", some())
    tensors = load_file(tmp_path / "v.safetensors")
    assert np.array_equal(tensors["vectors"], some().vectors)
    assert tensors["words"].tobytes().decode().split("\n") == WORDS


def test_text_gives_back_the_same_float32(tmp_path):
    path, v = tmp_path / "v.txt", some()
    save_text(path, v)
    found, about = load_vectors(path)
    assert found.words == WORDS and about == {}
    assert found.vectors.tobytes() == v.vectors.tobytes()
    lines = path.read_text("utf-8").splitlines()
    assert lines[0] == "6 7" and lines[3].split(" ")[0] == "naïve"


def test_text_is_read_by_gensim_and_gensims_text_by_us(tmp_path):
    models = pytest.importorskip("gensim.models")
    v = some()
    save_text(tmp_path / "v.txt", v)
    theirs = models.KeyedVectors.load_word2vec_format(str(tmp_path / "v.txt"))
    assert theirs.index_to_key == WORDS and np.array_equal(theirs.vectors, v.vectors)
    theirs.save_word2vec_format(str(tmp_path / "theirs.txt"))
    found, _ = load_vectors(tmp_path / "theirs.txt")
    assert found.words == WORDS and np.array_equal(found.vectors, v.vectors)


@pytest.mark.parametrize(
    "text",
    [
        b"2 2\na 1 -2.5e-3\nb .5 +2.\n",
        b"2 2 \na 1 -2.5e-3 \nb .5 +2. \n",  # as word2vec.c ends its lines
        b"2 2\r\na 1 -2.5E-3\r\nb .5 2\r\n",
        b"2 2\na 1 -0.0025\nb 0.5 2\n\n",
        b"2 2\na 1 -0.0025\nb 0.5 2",
    ],
)
def test_forms_of_the_text_are_read_alike(tmp_path, text):
    (tmp_path / "v.txt").write_bytes(text)
    found, _ = load_vectors(tmp_path / "v.txt")
    assert found.words == ["a", "b"]
    assert found.vectors.tolist() == [[1, np.float32(-0.0025)], [0.5, 2]]


DAMAGED = {
    b"2 2\na 1 2\nb 3 x\n": "3:3: b'x' is not a finite number",
    b"2 2\na 1 2\nb nan 3\n": "3:2: b'nan' is not a finite number",
    b"2 2\na 1 1e39\nb 3 4\n": "2:3: b'1e39' is not a finite number",
    b"2 2\na 1 1_0\nb 3 4\n": "2:3: b'1_0' is not a finite number",
    b"2 2\na 1  2\nb 3 4\n": "2:4: must be a word and 2 numbers, got 3",
    b"2 2\na 1\nb 3 4\n": "2:3: must be a word and 2 numbers, got 1",
    b"2 2\na 1 2 3\nb 3 4\n": "2:4: must be a word and 2 numbers, got 3",
    b"2 2\na 100 200\n": "3:2: must be a word and 2 numbers, got the end",
    b"2 2\na 100 200\nb 3 --\n": "3:3: b'--' is not a finite number",
    b"2 2\na 1 2\nb 3 4\nc 5 6\n": "4:1: continues (b'c 5 6') after the 2 words",
    b"2 2\na 1 2\na 3 4\n": "each word once",
    b"2 2\n\xff 1 2\nb 3 4\n": "2:1: b'\\xff' is not UTF-8",
    b"9999999999 300\na 1 2\n": "1:1: promises 9,999,999,999 words of 300 numbers",
    b"2 2\n\n\n\n\n\n\n\n\n\n": "2:2: must be a word and 2 numbers",
}


@pytest.mark.parametrize("text", DAMAGED)
def test_damaged_text_is_told_with_row_and_column(tmp_path, text):
    path = tmp_path / "v.txt"
    path.write_bytes(text)
    with pytest.raises(ModelFileError) as caught:
        load_vectors(path)
    line = str(caught.value)
    assert DAMAGED[text] in line and line.startswith(f"vectors: {path}: ")
    assert "; " in line and "\n" not in line and caught.value.exit_code == 4


def test_every_prefix_of_a_text_file_is_refused(tmp_path):
    save_text(tmp_path / "whole.txt", some(2))
    whole = (tmp_path / "whole.txt").read_bytes()
    path = tmp_path / "v.txt"
    last = whole.rindex(b" ") + 2  # a shorter last number is a number, too
    for n in range(last):
        path.write_bytes(whole[:n])
        with pytest.raises(ModelFileError):
            load_vectors(path)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "is not a vectors file"),
        (b"the 0.418 0.24968 -0.41242\n", "is not a vectors file (begins with b'the"),
        (b"\x1f\x8b\x08\x00garbage", "is not a vectors file"),
        (b"0 5\n", "is not a vectors file"),
        (bytes(8) + b"{}", "model file"),
    ],
)
def test_what_is_no_vectors_file_is_refused(tmp_path, content, why):
    (tmp_path / "v").write_bytes(content)
    with pytest.raises(ModelFileError) as caught:
        load_vectors(tmp_path / "v")
    assert why in str(caught.value) and "\n" not in str(caught.value)


def test_absent_file_folder_and_pipe_are_refused(tmp_path):
    with pytest.raises(ModelFileError, match="No such file"):
        load_vectors(tmp_path / "absent")
    with pytest.raises(ModelFileError, match="is a folder"):
        load_vectors(tmp_path)
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(ModelFileError, match="is a FIFO"):
            load_vectors(tmp_path / "pipe")


def test_other_gpunet_files_are_no_vectors(tmp_path):
    path = tmp_path / "v.safetensors"
    write_tensors(path, {"0.W": np.zeros((2, 2))}, {"kind": "model"})
    with pytest.raises(ModelFileError, match="is a gpunet file of kind 'model'"):
        load_vectors(path)
    tensors = {"vectors": np.ones((3, 2)), "counts": np.ones(2, np.int64)}
    tensors["words"] = np.frombuffer(b"a\nb", np.uint8)
    write_tensors(path, tensors, {"kind": "vectors"})
    with pytest.raises(ModelFileError, match="words do not fit its vectors"):
        load_vectors(path)


def test_every_flipped_byte_of_our_file_is_found(tmp_path):
    path = tmp_path / "v.safetensors"
    save_vectors(path, some(2))
    whole = path.read_bytes()
    for n in range(0, len(whole), 7):
        path.write_bytes(whole[:n] + bytes([whole[n] ^ 1]) + whole[n + 1 :])
        with pytest.raises(ModelFileError):
            load_vectors(path)


@pytest.mark.parametrize("word", ["", "a b", "a\tb", "a\u00a0b", "a\nb", "a\0b"])
def test_word_that_the_text_cannot_hold_is_refused(tmp_path, word):
    with pytest.raises(ConfigError, match="cannot hold"):
        save_text(tmp_path / "v.txt", WordVectors([word], [[1.0]]))
    assert not (tmp_path / "v.txt").exists()


def test_word_with_a_line_break_does_not_fit_our_file(tmp_path):
    with pytest.raises(ConfigError, match="a line break"):
        save_vectors(tmp_path / "v", WordVectors(["a\nb"], [[1.0]]))
    save_vectors(tmp_path / "v", WordVectors(["a b"], [[1.0]]))
    assert load_vectors(tmp_path / "v")[0].words == ["a b"]


def test_refused_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "v.txt"
    save_text(path, some())
    old = path.read_bytes()

    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    for save in (save_text, save_vectors):
        with pytest.raises(WriteError, match="No space left"):
            save(path, some(3))
    assert path.read_bytes() == old and [p.name for p in tmp_path.iterdir()] == [
        "v.txt"
    ]
