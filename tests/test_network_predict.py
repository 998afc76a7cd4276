"""Prediction: many rows, one and none; classes; members; devices."""

import numpy as np
import pytest
from helpers import Draws, error, normal

from gpunet import (
    Activation,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    Network,
    loss,
    mlp,
)
from gpunet.errors import ConfigError, DataError

pytestmark = pytest.mark.pure

W1 = np.array([[1.0, -1.0], [0.5, 2.0]])
W2 = np.array([[1.0], [2.0]])


def test_predict_shows_what_the_loss_links(bk):
    x = normal(0, 5, 3)
    for name, sums in (("softmax_cross_entropy", True), ("squared_error", False)):
        net = mlp([3, 4, 2], loss=name, device=bk, dtype="float64")
        y, _ = net.forward(bk.array(x))
        got = net.predict(x)
        assert type(got) is np.ndarray and got.dtype == np.float64
        assert error(got, bk.to_host(loss(name).inverse_link(y))) < 1e-15
        assert sums == np.allclose(got.sum(axis=-1), 1)
        assert np.array_equal(net.predict(bk.array(x)), got)
        assert np.array_equal(net.predict(np.asfortranarray(x)), got)
        labels = net.classify(x)
        assert labels.dtype == np.int64
        assert np.array_equal(labels, got.argmax(axis=-1))


def test_predict_casts_the_rows_of_strangers(bk):
    net = mlp([3, 2], device=bk)
    rows = np.array([[0, 1, 2], [250, 3, 9]], np.uint8)
    wanted = net.predict(rows.astype(np.float32))
    assert wanted.dtype == np.float32
    for kind in ("uint8", "int64", "float64"):
        assert np.array_equal(net.predict(rows.astype(kind)), wanted)
        assert np.array_equal(net.predict(bk.array(rows, kind)), wanted)


def test_predict_serves_many_rows_one_row_and_none(bk):
    net = mlp([2, 3, 2], device=bk, dtype="float64")
    x = normal(0, 20_000, 2)
    many = net.predict(x)
    assert many.shape == (20_000, 2) and net.classify(x).shape == (20_000,)
    # the seams between chunks lie at multiples of 8,192
    for k in (0, 8_191, 8_192, 16_384, 19_999):
        assert error(net.predict(x[k : k + 1]), many[k : k + 1]) < 1e-13
    assert net.predict(x[:0]).shape == (0, 2) and net.classify(x[:0]).shape == (0,)


def test_predict_leaves_dropout_out(bk):
    net = mlp([3, 8, 2], dropout=0.5, device=bk, dtype="float64")
    plain = mlp([3, 8, 2], device=bk, dtype="float64")
    x = normal(0, 4, 3)
    assert np.array_equal(net.predict(x), net.predict(x))
    assert net.layers[2] == Dropout(0.5) and list(net.params) != list(plain.params)
    y, _ = net.forward(bk.array(x), train=True, rng=Draws(bk))
    assert (
        error(bk.to_host(loss("softmax_cross_entropy").inverse_link(y)), net.predict(x))
        > 0
    )


def test_single_output_is_judged_at_a_half(bk):
    W = np.array([[1.0]])
    x = np.array([[-2.0], [0.0], [0.25], [0.5], [3.0]])
    logits = Network([Dense(1, 1, W)], "sigmoid_cross_entropy", device=bk)
    assert logits.classify(x).tolist() == [0, 1, 1, 1, 1]
    plain = Network([Dense(1, 1, W)], "squared_error", device=bk)
    assert plain.classify(x).tolist() == [0, 0, 0, 1, 1]


def test_single_output_of_a_population_is_judged_at_a_half(bk):
    net = Network([Dense(1, 1, 1.0)], "squared_error", population=3, device=bk)
    net.params["0.b"] = net.params["0.b"] + bk.array([[0.0], [1.0], [-9.0]], "float32")
    x = np.array([[-2.0], [0.25], [0.75]])
    assert net.classify(x).tolist() == [[0, 0, 1], [0, 1, 1], [0, 0, 0]]


def test_population_predicts_members_first(bk):
    net = mlp([3, 2], population=4, device=bk, dtype="float64")
    x = normal(0, 9_000, 3)
    y, labels = net.predict(x), net.classify(x)
    assert y.shape == (4, 9_000, 2) and labels.shape == (4, 9_000)
    for i in range(4):
        assert error(net.member(i).predict(x), y[i]) < 1e-15
        assert np.array_equal(net.member(i).classify(x), labels[i])


def test_one_example_is_answered_without_the_axis_of_rows(bk):
    net = mlp([3, 2], device=bk, dtype="float64")
    x = normal(0, 2, 3)
    for one in (x[1], x[1].tolist(), bk.array(x)[1, :]):
        assert error(net.predict(one), net.predict(x)[1]) < 1e-15
        assert net.classify(one) == net.classify(x)[1]
    nets = mlp([3, 2], population=4, device=bk)
    assert nets.predict(x[0]).shape == (4, 2) and nets.classify(x[0]).shape == (4,)
    pictures = Network([Flatten((2, 3)), Dense(6, 2)], device=bk)
    assert pictures.predict(normal(0, 2, 3)).shape == (2,)
    assert pictures.predict(normal(0, 5, 2, 3)).shape == (5, 2)


def test_predict_refuses_other_numbers_of_features():
    net, column = mlp([3, 2]), mlp([1, 2])
    for x in (np.zeros(4), np.float32(1.0), np.zeros((5, 4)), []):
        with pytest.raises(ConfigError, match=r"predict: .* rows of 3 features, got x"):
            net.predict(x)
    with pytest.raises(ConfigError, match=r"classify: .* of 1 features, .* \(5,\)"):
        column.classify(np.zeros(5))
    with pytest.raises(ConfigError, match=r"one example is x.reshape\(-1\)"):
        net.predict(np.zeros((3, 1)))
    with pytest.raises(ConfigError, match="flatten it first"):
        mlp([6, 2]).predict(np.zeros((5, 2, 3)))


def test_embedding_network_predicts_from_integers(bk):
    net = Network([Embedding(9, 4), Dense(8, 3)], device=bk, dtype="float64")
    words = np.array([[0, 8], [3, 3]])
    y = net.predict(words)
    assert y.shape == (2, 3)
    assert error(net.predict(words[1:]), y[1:]) < 1e-13
    assert error(net.predict([3, 3]), y[1]) < 1e-13
    for bad in ([[0, 9]], [[0, -1]], [[0.0, 1.0]]):
        with pytest.raises(DataError, match="not a word; must be a whole number"):
            net.predict(bad)


def test_comparator_predicts_but_does_not_learn():
    layers = [Dense(2, 2, W1), Activation("comparator"), Dense(2, 1, W2)]
    net = Network(layers, "squared_error", dtype="float64")
    assert net.predict(np.array([[2.0, 1.0], [0.0, 1.0]])).tolist() == [[1], [3]]
    y, caches = net.forward(np.array([[2.0, 1.0]]))
    with pytest.raises(ConfigError, match="use sigmoid or leaky_relu"):
        net.backward(caches, y)
