"""The test digits of a page: which ones, what is said of them, how they are kept."""

from base64 import b64decode

import numpy as np
import pytest
from helpers import normal

import gpunet
from gpunet.data import Splits, read_mnist
from gpunet.page import PageSource, digits, page_document
from gpunet.runs.listing import Run

TEST = read_mnist().test


def unpacked(text, side):
    """Return the pixels of packed digits, as the page reads them."""
    packed, pixels = iter(b64decode(text)), []
    for value in packed:
        pixels += [0] * next(packed) if value == 0 else [value]
    return np.array(pixels, np.uint8).reshape(-1, side * side)


def test_digits_are_the_surest_mistakes_and_the_least_sure_answers():
    net = gpunet.mlp([784, 10], seed=3)
    document = digits.section(PageSource(net))
    y = net.predict(TEST.scaled("float32"))
    said, best = y.argmax(axis=1), y.max(axis=1)
    wrong = said != TEST.t
    rows = np.array(document["index"])
    mistakes, unsure = rows[document["mistakes"]], rows[document["unsure"]]
    assert len(mistakes) == len(unsure) == digits.SHOWN
    assert wrong[mistakes].all()
    assert best[mistakes].min() >= np.sort(best[wrong])[-digits.SHOWN]
    assert best[unsure].max() <= np.sort(best)[digits.SHOWN - 1]
    assert TEST.t[rows[document["typical"]]].tolist() == [*range(10)]
    assert document["labels"] == TEST.t[rows].tolist()
    assert document["said"] == said[rows].tolist()
    np.testing.assert_allclose(document["probability"], best[rows], atol=6e-5)
    assert (document["n"], document["correct"]) == (10_000, int(np.sum(~wrong)))
    assert np.trace(document["confusion"]) == document["correct"]
    assert document["confusion"][7][int(said[0])] >= 1  # rows are the true digits
    pixels = unpacked(document["pixels"], document["side"])
    np.testing.assert_array_equal(pixels, TEST.x[rows])
    assert document["source"].startswith("test digits of MNIST (the network's own")


def test_long_blanks_are_packed_too():
    x = np.zeros((3, 784), np.uint8)
    x[1, 400] = 255
    packed = digits._packed(x)
    np.testing.assert_array_equal(unpacked(packed, 28), x)
    assert len(packed) < 60


def test_one_output_says_two_classes():
    net = gpunet.mlp([784, 1], loss="sigmoid_cross_entropy")
    part = TEST.take(np.flatnonzero(TEST.t < 2)[:50])
    document = digits._describe(net, part, "ones")
    p = net.predict(part.scaled("float32"))[:, 0]
    assert document["said"] == (p >= 0.5).astype(int)[document["index"]].tolist()
    assert np.sum(document["confusion"]) == 50 and len(document["confusion"]) == 2


def test_networks_of_something_else_cannot_be_drawn_for():
    source = PageSource(gpunet.mlp([30, 10]))
    assert "digits" not in page_document(source)
    assert (
        "there is no tab to draw on: the network takes 30 numbers" in source.notes[-1]
    )


@pytest.mark.parametrize(("sizes", "side"), [([81, 10], 9), ([784, 3], 28)])
def test_pictures_that_are_not_digits_have_no_test_digits(sizes, side):
    source = PageSource(gpunet.mlp(sizes))
    assert page_document(source)["digits"] == {"side": side} and not source.notes


def test_data_that_are_gone_leave_a_note(tmp_path):
    settings = {"data": "mnist", "data_dir": str(tmp_path / "gone")}
    run = Run(tmp_path, settings, {}, "done", 0.0)
    source = PageSource(gpunet.mlp([784, 10]), run=run)
    assert digits.section(source) == {"side": 28}
    assert [note.partition(":")[0] for note in source.notes] == [
        "the data are not shown"
    ]


def test_a_population_shows_its_member():
    nets = gpunet.mlp([784, 10], population=2)
    nets.params["0.b"] = nets.backend.array(100 * normal(1, 2, 10), "float32")
    document = digits.section(PageSource(nets, member=1))
    alone = digits.section(PageSource(nets.member(1)))
    assert document == alone != digits.section(PageSource(nets))


def test_digits_of_a_run_are_of_its_own_data(tmp_path):
    part = TEST.take(slice(40))
    data = Splits(part, None, part, 10, "few")
    run = Run(tmp_path, {"data": "few"}, {}, "done", 0.0)
    source = PageSource(gpunet.mlp([784, 10]), run=run)
    vars(source)["data"] = data  # read already
    document = digits.section(source)
    assert (document["n"], document["source"]) == (40, "test digits of few")
