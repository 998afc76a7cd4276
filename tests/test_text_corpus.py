"""Corpora: what a word is, and files of strangers read as a stream."""

import gzip
import os
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpunet.errors import ConfigError, DataError
from gpunet.text import corpus, read_corpus, words_of


def refusal(path, **options):
    with pytest.raises(DataError) as caught:
        list(read_corpus(path, **options))
    assert caught.value.exit_code == 3
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.fixture
def text(tmp_path):
    def write(content, name="a.txt"):
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("To be, or NOT--to be!", "to be or not to be"),
        ("o'er 'tis wither'd dogs' ''", "o'er tis wither'd dogs"),
        ("o\u2019er the \u201chill\u201d", "o'er the hill"),
        ("_Enter_ Duke_Senior", "enter duke senior"),
        ("Act 2, 3rd, 1,000", "act 2 3rd 1 000"),
        ("ÉTÉ e\u0301te\u0301 Straße", "été été straße"),
        ("\u0130STANBUL", "i\u0307stanbul"),
        ("Привет, мир", "привет мир"),
        (" \t.,;\r\n", ""),
    ],
)
def test_words_are_letters_digits_and_inner_apostrophes(line, words):
    assert words_of(line) == words.split()


def test_case_is_kept_on_request(text):
    path = text("The the\n")
    assert list(read_corpus(path, lower=False)) == [["The", "the"]]
    assert list(read_corpus(path)) == [["the", "the"]]


def test_the_package_has_all_of_shakespeare():
    lines = list(read_corpus())
    assert (len(lines), sum(map(len, lines))) == (146_564, 913_887)
    assert lines[-1] == ["exeunt"]


def test_a_changed_shakespeare_is_refused(monkeypatch):
    monkeypatch.setattr(corpus, "SHA256", "0" * 64)
    assert "was changed; install gpunet again" in refusal(None)


def test_gzip_is_known_by_its_content(text):
    plain = "One two\n\nthree\n"
    zipped = gzip.compress(plain.encode())
    several = gzip.compress(b"One two\n\nth") + gzip.compress(b"ree\n")
    for content in (plain, zipped, several):
        assert list(read_corpus(text(content))) == [["one", "two"], ["three"]]


def test_files_follow_one_another(text):
    a, b = text("a b", "1"), text("c\n", "2")
    assert list(read_corpus([a, b])) == [["a", "b"], ["c"]]
    assert list(read_corpus(str(b))) == [["c"]]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_any_line_end_ends_a_line(text, end):
    path = text(end.join(["a b", "c", "", "d"]))
    assert list(read_corpus(path)) == [["a", "b"], ["c"], ["d"]]


@given(
    st.text("aé\u20ac\U0001d49c \n\r", max_size=60),
    st.integers(1, 9),
)
def test_blocks_leave_no_seam(tmp_path_factory, content, size):
    path = tmp_path_factory.getbasetemp() / "seams"
    path.write_bytes(content.encode())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(corpus, "_BLOCK", size)
        joined = "".join("".join(line) for line in read_corpus(path))
    assert joined == "".join(words_of(content))


def test_a_long_line_is_cut_at_a_space(text, monkeypatch):
    monkeypatch.setattr(corpus, "_BLOCK", 16)
    lines = list(read_corpus(text("seven letters " * 20)))
    assert [word for line in lines for word in line] == ["seven", "letters"] * 20
    assert len(lines) > 5


@pytest.mark.parametrize("zipped", [False, True])
def test_a_huge_file_is_never_in_memory(text, zipped):
    content = b"to be or not to be that is the question\n" * 200_000  # 8 MB
    path = text(gzip.compress(content, 1) if zipped else content)
    tracemalloc.start()
    n = sum(1 for _ in read_corpus(path))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert n == 200_000
    assert peak < 2e6  # a block, its text and its lines


def test_a_binary_file_is_refused(text):
    assert "is binary (a NUL byte at offset 4)" in refusal(text(b"MZab\0\1"))
    utf16 = text("long lines".encode("utf-16-le"))
    assert "is binary (a NUL byte at offset 1)" in refusal(utf16, errors="replace")


def test_broken_utf8_is_refused_with_its_place(text, monkeypatch):
    monkeypatch.setattr(corpus, "_BLOCK", 4)
    path = text("caf\u00e9 ".encode() * 3 + b"caf\xe9 noir")
    message = refusal(path)
    assert "is not UTF-8 (byte 0xe9 at offset 21)" in message
    assert "errors='replace'" in message
    assert "at offset 3)" in refusal(text(b"abc\xe2\x82"))


def test_broken_utf8_is_replaced_on_request(text):
    path = text(b"caf\xe9 noir\xff\xfeau lait\xe2\x82")
    assert list(read_corpus(path, errors="replace")) == [["caf", "noir", "au", "lait"]]


def test_an_unknown_errors_is_refused_at_once():
    with pytest.raises(ConfigError, match="errors: 'ignore': choose from strict"):
        read_corpus(errors="ignore")


def test_broken_gzip_is_refused(text):
    good = gzip.compress(b"to be or not to be\n" * 99)
    wrong = bytearray(good)
    wrong[-6] ^= 1
    for damaged in (good[:-9], good[:12], bytes(wrong), good + b"rest", good[:10]):
        assert "is a damaged gzip (" in refusal(text(damaged))


def test_what_is_no_regular_file_is_refused(tmp_path):
    assert "No such file" in refusal(tmp_path / "absent")
    assert "is a folder" in refusal(tmp_path)
    assert "embedded null byte" in refusal("a\0b")
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "fifo")
        assert "is a FIFO" in refusal(tmp_path / "fifo")


def test_a_file_without_words_has_no_lines(text):
    for content in ("", "\n\n", " -- \ufeff"):
        assert list(read_corpus(text(content))) == []
