"""The predict command on pictures of digits."""

import csv
import io
import json
import sys

import numpy as np
import pytest
from drawn_digits import ANGULAR, ROUND, Picture, draw

import gpunet
from gpunet.cli import main
from gpunet.data import read_digit, read_mnist

Image = pytest.importorskip("PIL.Image")
COLUMNS = [f"p({k})" for k in range(10)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a folder with one network, five of them, a table's and three pictures."""
    folder = tmp_path_factory.mktemp("digits")
    train = read_mnist().train.take(slice(10_000))
    nets = gpunet.mlp([784, 32, 10], activation="relu", population=5)
    adam = gpunet.Adam(0.003)
    gpunet.fit(nets, train, epochs=3, batch_size=50, optimizer=adam)
    nets.save(folder / "five.safetensors")
    nets.member(0).save(folder / "one.safetensors")
    gpunet.mlp([5, 3]).save(folder / "small.safetensors")
    Image.fromarray(draw(ROUND[7])).save(folder / "seven.png")
    photo = Picture(300, 300, 60, 80, 180, 14, paper=0.8, gradient=0.5, noise=0.02)
    Image.fromarray(draw(ANGULAR[2], photo)).save(folder / "two.jpg")
    Image.fromarray(draw([*ROUND[4], *ROUND[8]])).save(folder / "odd.png")
    return folder


@pytest.fixture
def predict(folder, capsys, monkeypatch):
    """Return a function that runs the command in the folder: (code, out, err)."""
    monkeypatch.chdir(folder)

    def run(model, *words):
        code = main(["predict", f"{model}.safetensors", *words])
        return code, *capsys.readouterr()

    return run


def lines_of(out):
    return [
        line.split() for line in out.splitlines() if ".png" in line or ".jpg" in line
    ]


def test_each_picture_has_a_line_with_bars(predict):
    code, out, err = predict("one", "seven.png", "two.jpg")
    assert (code, err) == (0, "") and out.startswith("2 pictures\n")
    assert "0 1 2 3 4 5 6 7 8 9" in out and "probability" in out
    seven, two = lines_of(out)
    assert seven[:2] == ["seven.png", "7"] and two[:2] == ["two.jpg", "2"]
    assert float(seven[2]) > 0.9 and seven[3:] == [*"▁▁▁▁▁▁▁█▁▁"]
    assert two[5] in "▆▇█"


def test_a_population_answers_with_mean_spread_and_votes(predict, folder):
    code, out, _ = predict("five", "seven.png", "odd.png")
    assert code == 0 and out.startswith("2 pictures, the mean of 5 networks\n")
    assert lines_of(out)[0][3] == "±" and "doubtful" in out
    nets = gpunet.load_network(folder / "five.safetensors")
    p = nets.predict(read_digit(folder / "seven.png", folder / "odd.png"))
    record = json.loads(predict("five", "seven.png", "odd.png", "--json")[1])
    assert record["networks"] == 5
    for k, answer in enumerate(record["pictures"]):
        label = answer["label"]
        assert np.allclose(answer["probabilities"], p[:, k].mean(axis=0), atol=1e-6)
        assert label == np.argmax(answer["probabilities"])
        assert abs(answer["spread"] - p[:, k, label].std()) < 1e-6
        assert answer["votes"] == np.sum(p[:, k].argmax(axis=1) == label)
        assert answer["probability"] == max(answer["probabilities"])
    assert [answer["doubt"] is None for answer in record["pictures"]] == [True, False]
    member = json.loads(predict("five", "seven.png", "--member", "3", "--json")[1])
    (answer,) = member["pictures"]
    assert np.allclose(answer["probabilities"], p[3, 0], atol=1e-6)
    assert "spread" not in answer


def test_doubt_names_the_second_or_the_votes():
    from gpunet.cli.commands.predict.digits import _answer

    def doubt(p):
        return _answer("a.png", p, range(3))["doubt"]

    close = np.array([[0.1, 0.5, 0.4]])
    named = _answer("a.png", close, ["no", "yes", "perhaps"])
    assert (named["label"], named["doubt"][-18:]) == ("yes", "perhaps, with 0.40")
    assert doubt(close) == "doubtful: it may be 2, with 0.40"
    members = np.array([[0.0, 1.0], [0.0, 1.0], [0.6, 0.4]])
    assert doubt(members) == "doubtful: 2 of 3 networks say 1"
    assert doubt(members[:2]) is None


def test_classes_of_a_network_are_its_answers(predict, folder):
    net = gpunet.load_network(folder / "one.safetensors")
    words = ["zero", "one", "two", "three", "four", "five", "six", "seven"]
    net.classes = (*words, "eight", "nine")
    net.save(folder / "named.safetensors")
    assert lines_of(predict("named", "seven.png")[1])[0][1] == "seven"
    record = json.loads(predict("named", "seven.png", "--json")[1])
    assert record["classes"] == list(net.classes)
    assert record["pictures"][0]["label"] == "seven"
    head, row = predict("named", "seven.png", "--out", "-")[1].splitlines()
    assert head.startswith("file,label,probability,p(zero),p(one)")
    assert row.startswith("seven.png,seven,0.9")


def test_csv_and_standard_input_and_output(predict, folder, monkeypatch):
    code, out, err = predict("five", "seven.png", "odd.png", "--out", "y.csv")
    assert (code, out) == (0, "") and err == "predicted: 2 pictures, in y.csv\n"
    text = (folder / "y.csv").read_text("utf-8")
    head, seven, odd = csv.reader(text.splitlines())
    about = ["file", "label", "probability", "spread", "votes"]
    assert head == [*about, *COLUMNS, "doubt"]
    assert seven[:2] == ["seven.png", "7"] and seven[-1] == "" and odd[-1] != ""
    assert abs(sum(map(float, seven[5:15])) - 1) < 1e-4
    stream = io.TextIOWrapper(io.BytesIO((folder / "seven.png").read_bytes()))
    monkeypatch.setattr(sys, "stdin", stream)
    code, out, _ = predict("five", "-", "--out", "-")
    assert code == 0 and out.startswith(text.partition("\n")[0] + "\n-,7,0.99")


def test_a_terminal_without_blocks_shows_tenths(predict, monkeypatch):
    ascii_only = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", ascii_only)
    assert predict("five", "seven.png")[0] == 0
    ascii_only.seek(0)
    out = ascii_only.read()
    assert "+-" in out and "0 0 0 0 0 0 0 9 0 0" in out


WRONG = {
    ("one", "t.csv"): (4, "was not trained on a table, so it cannot read one; give"),
    ("one", "seven.heic"): (2, "nor a picture such as .png"),
    ("one", "none.png"): (3, "image: none.png: No such file"),
    ("one", "text.png"): (3, "image: text.png: is not a PNG"),
    ("one", "seven.png", "blank.png"): (3, "image: blank.png: is blank"),
    ("one", "seven.png", "t.csv"): (4, "was not trained on a table"),
    ("small", "seven.png"): (4, "has 5 inputs, and a picture of a digit has 784"),
    ("small", "-"): (4, "was not trained on a table"),
    ("one", "seven.png", "--decimal", ","): (2, "--decimal: is for tables"),
    ("one", "seven.png", "--no-header"): (2, "--header: is for tables"),
    ("one", "seven.png", "--probabilities"): (2, "--probabilities: is for tables"),
    ("one", "seven.png", "--member", "0"): (2, "holds one network"),
    ("one", "seven.png", "--out", "no/y.csv"): (8, "cannot write"),
}


def test_a_picture_before_the_model_is_told_the_order(folder, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    for name in ("seven.png", "t.csv", "-"):
        assert main(["predict", name, "one.safetensors"]) == 4
        out, err = capsys.readouterr()
        assert not out and err.endswith("the model first, then the table or pictures\n")


@pytest.mark.parametrize("words", WRONG)
def test_what_cannot_be_is_refused_in_one_line(predict, folder, words):
    (folder / "t.csv").write_text("a\n1\n")
    (folder / "text.png").write_text("a\n1\n")
    Image.new("L", (40, 40), 200).save(folder / "blank.png")
    code, reason = WRONG[words]
    got, out, err = predict(*words)
    assert got == code and out == "" and reason in err, err
    assert err.startswith("gpunet: error: ") and err.count("\n") == 1
