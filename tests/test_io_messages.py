import os
from pathlib import Path

from gpunet.io.messages import message, printable


def test_readable_keeps_ordinary_names_and_escapes_the_rest():
    assert printable("runs/é 1/Ж.bin") == "runs/é 1/Ж.bin"
    assert printable("a\nb\tc\x1b[31m\u2028") == "a\\nb\\tc\\x1b[31m\\u2028"
    assert printable("lone \ud800") == "lone \\ud800"
    assert printable(Path("a") / "b") == os.path.join("a", "b")


def test_readable_leaves_out_the_middle_of_long_names():
    assert printable("x" * 120) == "x" * 120
    short = printable("a" * 500 + "the end")
    assert len(short) == 120
    assert short.startswith("aaa") and short.endswith("the end") and "..." in short


def test_one_line_stays_short_and_keeps_its_cure():
    text = message("cannot write", "p" * 4000, "why\n" * 900, "do this")
    assert len(text) == 480
    assert text.startswith("cannot write: ppp")
    assert text.endswith("; do this")
    assert "\n" not in text
    assert message("a", "b", "c", "d") == "a: b: c; d"
