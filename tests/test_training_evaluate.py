"""Evaluation: a data set is judged in the scale that it is trained in."""

from dataclasses import replace

import numpy as np
import pytest
from tiny import host, same

import gpunet
from gpunet import Dataset, Splits, mlp
from gpunet.data import (
    MatrixRows,
    load_mnist,
    read_mnist,
    read_splits,
    split_validation,
)
from gpunet.io import arrays
from gpunet.random import host_rng
from gpunet.runs.report import score

pytestmark = pytest.mark.pure

N_TRAIN, N_TEST = 600, 300


def few(splits):
    """Return some of the digits with a validation part and weights."""
    weight = np.linspace(0.5, 2, N_TRAIN)
    train = replace(splits.train.take(slice(N_TRAIN)), weight=weight)
    train, held_out = split_validation(train, 100, host_rng(0, "split"))
    test = splits.test.take(slice(N_TEST))
    return replace(splits, train=train, validation=held_out, test=test)


@pytest.fixture(scope="module")
def pair():
    """Return the same digits as bytes with a scale and as floats without."""
    return few(read_mnist()), few(load_mnist())


def trained(data, device="cpu", **settings):
    net = mlp([784, 8, 10], seed=1, device=device)
    return net, gpunet.fit(net, data, epochs=3, **settings)


@pytest.mark.pure(False)
def test_bytes_are_evaluated_in_the_scale_they_are_trained_in(bk, pair):
    (net, history), (_, wanted) = (trained(data, bk) for data in pair)
    for column in ("loss", "val_loss", "val_accuracy"):
        assert history[column] == pytest.approx(wanted[column], rel=1e-4)
    raw, floats = pair
    for name in ("train", "validation", "test"):
        got = gpunet.evaluate(net, getattr(raw, name))
        assert got == pytest.approx(gpunet.evaluate(net, getattr(floats, name)), 1e-6)
    # The last epoch's validation is what `evaluate` says of that part.
    held_out = gpunet.evaluate(net, raw.validation)
    assert held_out["loss"] == pytest.approx(history.last["val_loss"], rel=1e-6)
    assert gpunet.evaluate(net, raw.test)["loss"] < np.log(10)  # better than a guess


def test_every_reader_of_a_data_set_obeys_its_scale(pair):
    (net, history), (other, _) = (trained(data) for data in pair)
    assert same(host(net), host(other))
    raw, floats = pair
    assert score(net, raw) == score(net, floats)
    assert gpunet.diagnose(net, raw, history) == gpunet.diagnose(net, floats, history)
    labels = net.classify(raw.test.scaled("float32"))
    assert np.array_equal(labels, net.classify(floats.test.x))


@pytest.mark.parametrize(
    "settings",
    [{"class_weight": "balanced"}, {"validation": 50}, {"population": 2}],
    ids=["class weights", "parted by fit", "population"],
)
def test_scale_survives_what_fit_does_with_the_data(pair, settings):
    settings, crowd = dict(settings), {}
    if "population" in settings:
        crowd["population"] = settings.pop("population")
    nets, losses = [], []
    for data in pair:
        net = mlp([784, 8, 10], **crowd)
        losses.append(gpunet.fit(net, data, epochs=1, **settings)["val_loss"])
        nets.append(host(net))
    assert same(*nets) and losses[0] == losses[1]


def test_validation_pair_has_the_scale_of_the_training_data(pair):
    raw, floats = pair
    part, wanted = raw.validation, trained(floats)[1]["val_loss"]
    for validation in ((part.x, part.t, part.weight), part, floats.validation):
        history = trained(Splits(raw.train, None, None, 10, "m"), validation=validation)
        assert history[1]["val_loss"] == pytest.approx(wanted, rel=1e-6)


def test_evaluate_still_takes_a_scale_but_says_so(pair):
    raw, _ = pair
    net = trained(raw)[0]
    wanted = gpunet.evaluate(net, raw.test)
    with pytest.warns(DeprecationWarning, match="evaluate: scale belongs") as caught:
        assert gpunet.evaluate(net, (raw.test.x, raw.test.t), scale=1 / 255) == wanted
    assert caught[0].filename == __file__
    with pytest.warns(DeprecationWarning):  # as it was called: not scaled twice
        assert gpunet.evaluate(net, raw.test, scale=1 / 255) == wanted


@pytest.mark.pure(False)
def test_words_are_not_multiplied(bk):
    words, t = np.array([[0, 1], [2, 3]] * 4), np.array([0, 1] * 4)
    layers = [gpunet.Embedding(4, 3), gpunet.Dense(6, 2)]
    net = gpunet.Network(layers, loss="softmax_cross_entropy", device=bk)
    gpunet.fit(net, Dataset(words.astype(np.uint8), t, scale=0.5), epochs=2)
    results = [gpunet.evaluate(net, Dataset(words, t, scale=s)) for s in (1.0, 0.5)]
    assert results[0] == results[1]


def test_rows_on_disk_are_multiplied(bk, tmp_path, monkeypatch):
    x = np.random.default_rng(0).normal(size=(300, 4))
    np.save(tmp_path / "x.npy", np.column_stack([x, x[:, 0] > 0]))
    monkeypatch.setattr(arrays, "IN_MEMORY", 1000)
    data = read_splits(tmp_path / "x.npy", "-1", task="classify")
    assert isinstance(data.test.x, MatrixRows)
    net = mlp([4, 3, 2], seed=1, device=bk)
    disk = replace(data.test, scale=0.5)
    memory = Dataset(data.test.x.load() * np.float32(0.5), data.test.t)
    wanted = gpunet.evaluate(net, memory)
    assert gpunet.evaluate(net, disk) == wanted
    judged = score(net, replace(data, test=disk))
    assert judged["test_accuracy"] == pytest.approx(wanted["accuracy"])


@pytest.mark.pure(False)
@pytest.mark.parametrize("engine", ["loop", "compiled"])
@pytest.mark.parametrize("loss", ["softmax_cross_entropy", "half_squared_error"])
def test_one_hot_rows_are_judged_as_their_labels(engine, loss):
    if engine == "compiled":
        pytest.importorskip("numba")
    x = np.random.default_rng(0).standard_normal((50, 4))
    t = (x[:, 0] > 0).astype(int) + (x[:, 1] > 0)
    runs = []
    for targets in (t, np.eye(3)[t], np.eye(3, dtype=bool)[t]):
        net = mlp([4, 6, 3], loss=loss, seed=1)
        held_out = (x[:9], targets[:9])
        history = gpunet.fit(
            net, (x, targets), epochs=3, engine=engine, validation=held_out
        )
        runs.append((net, history, gpunet.evaluate(net, (x, targets))))
    (net, history, result), *others = runs
    for other, same_history, same_result in others:
        assert same(host(other), host(net)) and same_result == result
        for name in ("loss", "accuracy", "val_loss", "val_accuracy"):
            assert same_history[name] == history[name]


@pytest.mark.parametrize(
    "t",
    [
        [[1, 0.1], [0, 1]],
        [[1, 1], [0, 1]],
        [[1, 1], [0, 0]],
        [[2, 0], [0, 1]],
        [[0, 0], [0, 1]],
    ],
)
def test_targets_that_are_not_one_hot_have_no_accuracy(t):
    net, x = mlp([4, 2], loss="mean_squared_error"), np.eye(2, 4)
    assert gpunet.evaluate(net, (x, t))["accuracy"] is None
    single = mlp([4, 1], loss="mean_squared_error")
    assert gpunet.evaluate(single, (x, [[0.0], [1.0]]))["accuracy"] is None
