import os
from pathlib import Path

from gpunet.io.messages import choices, message, nearest, printable


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


def test_choices_name_all_and_the_nearest():
    names = ["tanh", "relu", "leaky_relu", "elu"]
    start = "choose from tanh, relu, leaky_relu, elu"
    assert choices("rellu", names) == f"{start}; did you mean relu or elu?"
    assert choices("Leaky-ReLU", names) == f"{start}; did you mean leaky_relu?"
    assert choices(7, iter(names), "or a number") == f"{start}, or a number"


def test_choices_of_a_long_list_are_the_nearest_names_alone():
    names = [f"column_{k}" for k in range(40)]
    assert choices("colum_7", names).startswith("did you mean column_7 or column_")
    text = choices("zzz", names)
    assert text.startswith("choose from column_0, ") and text.endswith("...")
    assert len(text) < 300


def test_nearest_names_are_few_and_the_nearest_come_first():
    assert nearest("tran", ["trains", "train", "x"]) == ["train", "trains"]
    assert nearest("train", ["trains", "TRAIN"]) == ["TRAIN"]
    assert nearest("", ["a"]) == [] and nearest("a", []) == []
