"""Files as other programs write them, through the commands: trained and predicted."""

import gzip
import json
import re
import shlex
import subprocess
import sys

import numpy as np
import pytest
from helpers import ROOT
from tiny import command, environment, error_line

from gpunet.cli import main

KINDS = ["café", "tea"]


def rows(n=24):
    """Return (size, color, kind) of some rows."""
    colors = ["red", "green"]
    return [(k / 2 - 3, colors[k // 2 % 2], KINDS[k % 2]) for k in range(n)]


def text(mark=",", head=("size", "color", "kind"), n=24, form="{}"):
    lines = [form.format(mark).join(map(str, row)) for row in rows(n)]
    return "\n".join([mark.join(head), *lines, ""]) if head else "\n".join([*lines, ""])


def numbered(first, head, *, quoted=""):
    lines = text().splitlines()[1:]
    lines = [f"{quoted}{k + first}{quoted},{line}" for k, line in enumerate(lines)]
    return "\n".join([head, *lines, ""])


def with_gaps(mark):
    """Return a table with two such cells in a column of numbers."""
    lines = text().splitlines()
    for k in (4, 9):
        lines[k] = re.sub(r"^[^,]*", lambda _: mark, lines[k])
    return "\n".join([*lines, ""])


UTF8 = text().encode()
WILD = {
    "commas.csv": (UTF8, []),
    "semicolons.csv": (text(";"), []),
    "tabs.csv": (text("\t"), []),
    "tabs.tsv": (text("\t"), []),
    "pipes.csv": (text("|"), []),
    "carets.csv": (text("^"), ["--delimiter", "^"]),
    "spaces.csv": (text(" "), ["--delimiter", "space"]),
    "blanks.csv": (text(form=" {} "), []),
    "small.csv.gz": (gzip.compress(UTF8), []),
    "small.tsv.gz": (gzip.compress(text("\t").encode()), []),
    "marked.csv": (b"\xef\xbb\xbf" + UTF8, []),
    "windows.csv": (text().replace("\n", "\r\n"), []),
    "latin.csv": (text().encode("latin-1"), ["--encoding", "latin-1"]),
    "cp1252.csv": (text().encode("cp1252"), ["--encoding", "cp1252"]),
    "utf16.csv": (text().encode("utf-16"), ["--encoding", "utf-16"]),
    "headless.csv": (text(head=None), ["--no-header", "--target", "3"]),
    "last.csv": (text(head=None), ["--no-header", "--target", "-1"]),
    "comma.csv": (text(";").replace(".", ","), ["--decimal", ","]),
    "pandas.csv": (numbered(0, ",size,color,kind"), []),
    "r.csv": (numbered(1, '"",size,color,kind', quoted='"'), []),
    "r-table.csv": (numbered(1, "size,color,kind", quoted='"'), []),
    "nameless.csv": (text(head=("", "color", "kind")), ["--drop", ""]),
    "number.csv": (text(head=("", "color", "kind")), ["--drop", "1"]),
    "question.csv": (with_gaps(" ?"), ["--missing", "?", "--impute", "mean"]),
    "empty-cells.csv": (with_gaps(""), ["--impute", "median"]),
    "target.csv": (text() + "7,red,\n", ["--missing-target", "drop"]),
    "ends.csv": (text() + "\n\n", []),
}


def run(capsys, *words):
    code = main([str(word) for word in words])
    return code, capsys.readouterr()


def train_words(path, out, *args):
    target = [] if "--target" in args else ["--target", "kind"]
    words = ["train", "--data", path, "--out", out, *target, *args]
    return [*words, "--epochs", 1, "--device", "cpu", "--hidden", 3, "--engine", "loop"]


@pytest.fixture
def put(tmp_path):
    def write(name, content):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


@pytest.mark.parametrize("name", WILD)
def test_wild_file_is_trained_and_predicted(put, tmp_path, capsys, name):
    content, args = WILD[name]
    path, out = put(name, content), tmp_path / "run"
    code, said = run(capsys, *train_words(path, out, *args))
    assert code == 0, said.err
    left_out = "left out" in said.err
    assert left_out == (name in ("pandas.csv", "r.csv", "r-table.csv", "target.csv"))
    code, said = run(capsys, "predict", out, path)  # with what the model keeps
    assert code == 0, said.err
    answers = said.out.splitlines()
    assert len(answers) == 25 + (name == "target.csv") and set(answers[1:]) <= {*KINDS}
    assert "accuracy" in said.err and "not scored" not in said.err
    code, said = run(
        capsys, "train", "--config", out / "config.json", "--out", out / "b"
    )
    assert code == 0, said.err
    models = [(out / k / "model.safetensors").read_bytes() for k in ("", "b")]
    assert models[0] == models[1]


HINTED = {  # name: content, and the options that the messages name in turn
    "latin.csv": (text().encode("latin-1"), ["--encoding latin-1"]),
    "quotes.csv": (
        text().replace("red", "“red”").encode("cp1252"),
        ["--encoding cp1252"],
    ),
    "utf16.csv": (text().encode("utf-16"), ["--encoding utf-16"]),
    "two.csv": (
        "a,x;kind\n1,2;u\n2,3;v\n" + "3,4;u\n4,5;v\n" * 9,
        ["--delimiter comma"],
    ),
    "spaces.csv": (text(" "), ["--delimiter space"]),
    "comma.csv": (text(";").replace(".", ","), ["--decimal ,"]),
    "mark.csv": (with_gaps("?"), ['--missing "?"', "--impute median"]),
    "dash.csv": (with_gaps("-"), ["--missing=-", "--impute median"]),
    "gaps.csv": (with_gaps(""), ["--impute median"]),
    "target.csv": (text() + "7,red,\n", ["--missing-target drop"]),
    "mixed.csv": (
        text().replace("size", "the size").replace(".5,", "/x,"),
        ['--categories "the size"', "--unknown zeros"],
    ),
    "dropped.csv": (
        text().replace("size", "a size").replace(".5,", "/x,"),
        ['--drop "a size"'],
    ),
    "nameless.csv": (
        "\n".join([",x,kind", *(f"7,{k},{'uv'[k % 2]}" for k in range(20)), ""]),
        ["--drop 1"],
    ),
    "texts.csv": (
        "\n".join(["it's,x,kind", *(f"t{k},{k},{'uv'[k % 2]}" for k in range(2500))]),
        ['--drop "it\'s"'],
    ),
    "dollar.csv": (
        "\n".join(["$x,y,kind", *(f",{k},{'uv'[k % 2]}" for k in range(20))]),
        ["--drop '$x'"],
    ),
    "unseen.csv": (
        "\n".join(["c,x,kind", *(f"t{k},{k},{'uv'[k % 2]}" for k in range(20))]),
        ["--unknown zeros"],
    ),
}


@pytest.mark.parametrize("name", HINTED)
def test_options_that_a_message_names_work_verbatim(put, tmp_path, capsys, name):
    content, hints = HINTED[name]
    path, args = put(name, content), []
    target = ["--target", "x;kind"] if name == "two.csv" else []
    for k, hint in enumerate(hints):
        code, said = run(capsys, *train_words(path, tmp_path / f"a{k}", *target, *args))
        line = said.err.splitlines()[-1]
        assert code in (2, 3) and hint in line and len(line) <= 500, line
        args += shlex.split(hint)
    code, said = run(capsys, *train_words(path, tmp_path / "run", *target, *args))
    assert code == 0, said.err


def test_header_that_looks_like_data_names_both_options(put, tmp_path, capsys):
    path = put("t.csv", text(head=None))
    code, said = run(capsys, *train_words(path, tmp_path / "a"))
    assert code == 3
    assert "use --no-header if it is data, or --header if it contains names" in said.err
    args = ["--no-header", "--target", "3"]
    assert run(capsys, *train_words(path, tmp_path / "b", *args))[0] == 0
    args = ["--header", "--target", "café"]
    assert run(capsys, *train_words(path, tmp_path / "c", *args))[0] == 0


def test_predict_replaces_what_the_model_keeps(put, tmp_path, capsys):
    out = tmp_path / "run"
    path = put("t.csv", with_gaps(""))
    words = train_words(path, out, "--impute", "mean")
    assert run(capsys, *words)[0] == 0
    wanted = run(capsys, "predict", out, path)[1].out
    other = with_gaps("NA").replace(",", ";").replace(".", ",").encode("latin-1")
    other = put("other.csv", other.replace(b"red", b"pink").replace(b"green", b"lime"))
    options = ["--encoding latin-1", "--decimal ,", "--missing NA", "--unknown zeros"]
    args = []
    for option in options:
        code, said = run(capsys, "predict", out, other, *args)
        assert code == 3 and option in said.err, said.err
        args += shlex.split(option)
    code, said = run(capsys, "predict", out, other, *args)
    assert code == 0 and len(said.out.splitlines()) == 25
    plain = put("plain.csv", text().replace(",", "|"))
    code, said = run(capsys, "predict", out, plain, "--delimiter", "|")
    assert code == 0 and len(said.out) > 25
    assert run(capsys, "predict", out, path, "-o", "-")[1].out == wanted


def test_repeated_options_add_up(put, tmp_path, capsys):
    lines = [f"{k},{k % 5},?,{'uv'[k % 2]}" for k in range(20)]
    path = put("t.csv", "\n".join(["a,b,c,kind", *lines, "NA,1,2,u"]))
    out = tmp_path / "run"
    more = ["--drop", "b", "--drop", "c", "--missing", "NA", "--missing", "?"]
    code, said = run(capsys, *train_words(path, out, *more, "--impute", "mean"))
    assert code == 0, said.err
    config = json.loads((out / "config.json").read_text())
    assert config["drop"] == ["b", "c"] and config["missing"] == ["NA", "?"]


def piped(script, *args, data=b""):
    return subprocess.run(
        [sys.executable, str(ROOT / "scripts" / f"{script}.py"), *map(str, args)],
        env=environment(),
        input=data,
        capture_output=True,
        check=False,
        timeout=120,
    )


def test_standard_streams_are_read_and_written(put, tmp_path):
    out = tmp_path / "run"
    words = train_words("-", out)[1:]
    done = piped("train", *words, data=UTF8)
    assert done.returncode == 0, done.stderr
    again = ["--config", out / "config.json", "--out", tmp_path / "b"]
    assert piped("train", *again, data=gzip.compress(UTF8)).returncode == 0
    assert piped("train", "--out", out, "--resume", "auto", data=UTF8).returncode == 0
    other = piped("train", "--out", out, "--resume", "auto", data=text(n=20).encode())
    assert other.returncode == 3 and b"started with other training data" in other.stderr
    answers = piped("predict", out, "-", "-o", "-", data=UTF8)
    assert answers.returncode == 0
    assert answers.stdout.decode() == command("predict", out, put("t.csv", UTF8)).stdout
    empty = piped("predict", out, "-")
    assert empty.returncode == 3 and b"standard input: is empty" in empty.stderr
    for kind in ("json", "c", "onnx"):
        if kind == "onnx":
            pytest.importorskip("onnx")
        file = tmp_path / f"m.{kind}"
        assert command("export", out, "--format", kind, "-o", file).returncode == 0
        done = piped("export", out, "--format", kind, "-o", "-")
        assert done.returncode == 0 and done.stdout == file.read_bytes()
        assert b"exported: " in done.stderr


def test_gzip_that_is_cut_leaves_with_3(put, tmp_path):
    path = put("t.csv.gz", gzip.compress(UTF8)[:-5])
    done = command(*map(str, train_words(path, tmp_path / "run")))
    assert "is truncated" in error_line(done, 3)


def test_array_with_settings_of_texts_is_refused(tmp_path, capsys):
    np.save(tmp_path / "x.npy", np.zeros((9, 3)))
    args = ["--target", "0", "--delimiter", ";"]
    code, said = run(capsys, *train_words(tmp_path / "x.npy", tmp_path / "run", *args))
    assert code == 2 and "is not a text file" in said.err
