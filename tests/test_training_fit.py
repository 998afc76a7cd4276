"""`fit`: the data it takes, the weights of examples, the errors at its door."""

import inspect
from dataclasses import fields

import numpy as np
import pytest
from helpers import error
from tiny import host, same, table

import gpunet
from gpunet import SGD, Callback, Dataset, Dense, Embedding, Network, mlp
from gpunet.errors import DataError
from gpunet.training.device_data import training_data

X, T = table()


class Still(Callback):
    """Keeps the first gradient and lets no weight move."""

    def on_gradients(self, grads):
        self.grads = {name: g.copy() for name, g in grads.items()}
        return {name: np.zeros_like(g) for name, g in grads.items()}


def net_of(**more):
    return mlp([4, 6, 3], "tanh", dtype="float64", **more)


def full_gradient(data, **options):
    still = Still()
    h = gpunet.fit(
        net_of(), data, epochs=1, batch_size=None, callbacks=[still], **options
    )
    return still.grads, h.last["loss"]


def weighted_by_hand(weight):
    """Return gradient and loss of sum_i w_i C_i / n with w of mean 1, one by one."""
    net = net_of()
    weight = weight / weight.mean()
    total, loss = dict.fromkeys(net.params, 0.0), 0.0
    for x, t, w in zip(X, T, weight, strict=True):
        y, caches = net.forward(x[None, :])
        answer = np.array([t])
        grads = net.backward(caches, net.loss.slope(y, answer))
        total = {name: g + w * grads[name] / len(X) for name, g in total.items()}
        loss += w * float(net.loss.value(y, answer)) / len(X)
    return total, loss


W = np.arange(1.0, 49.0)
CLASS = np.array([1.0, 4.0, 0.5])


@pytest.mark.parametrize(
    ("sample", "of_class", "wanted"),
    [
        (W, None, W),
        (W * 1e6, None, W),
        (None, "balanced", 48 / (3 * np.bincount(T))[T]),
        (None, {1: 4.0, 2: 0.5}, CLASS[T]),
        (None, [1.0, 4.0, 0.5], CLASS[T]),
        (W, [1.0, 4.0, 0.5], W * CLASS[T]),
    ],
    ids=["sample", "scaled", "balanced", "dict", "list", "both"],
)
def test_weights_weigh_the_examples(sample, of_class, wanted):
    grads, loss = full_gradient(Dataset(X, T, sample), class_weight=of_class)
    by_hand, by_hand_loss = weighted_by_hand(wanted)
    assert all(error(grads[name], g) < 1e-12 for name, g in by_hand.items())
    assert loss == pytest.approx(by_hand_loss, rel=1e-6)


def test_class_weights_leave_the_scale():
    data = Dataset(X * 4, T, scale=0.25)
    got, wanted = (full_gradient(d, class_weight="balanced") for d in (data, (X, T)))
    assert same(got[0], wanted[0]) and got[1] == wanted[1]


def test_learning_rate_is_that_of_the_named_optimizer():
    nets = [net_of(population=2) for _ in range(2)]
    gpunet.fit(nets[0], (X, T), epochs=2, optimizer="sgd", learning_rate=(0.5, 0.1))
    gpunet.fit(nets[1], (X, T), epochs=2, optimizer=SGD([0.5, 0.1]))
    assert same(*map(host, nets))
    h = gpunet.fit(net_of(), (X, T), epochs=1, learning_rate=0.25)
    assert h["learning_rate"] == [0.25]
    assert gpunet.fit(net_of(), (X, T), epochs=1)["learning_rate"] == [0.001]


def test_help_explains_each_setting_once():
    shown = inspect.signature(gpunet.fit).parameters
    names = [item.name for item in fields(gpunet.Settings)]
    of_fit = ["progress", "folder", "resume", "checkpoint_every_steps"]
    assert list(shown) == ["net", "data", *of_fit, *names]
    assert shown["epochs"].default == 10 and shown["progress"].default is None
    text = inspect.getdoc(gpunet.fit)
    assert all(text.count(f"\n{name} : ") == 1 for name in shown)
    assert "**settings" not in text and "\nReturns\n-------" in text


def test_example_of_weight_zero_is_not_seen():
    weight = np.ones(48)
    weight[40:] = 0.0
    odd = X.copy()
    odd[40:] += 100.0
    a, _ = full_gradient(Dataset(X, T, weight))
    b, _ = full_gradient(Dataset(odd, T, weight))
    assert same(a, b)


def test_weights_do_not_reach_the_validation_loss():
    held_out = table(20, seed=1)
    losses = []
    for weight in (None, W):
        h = gpunet.fit(
            net_of(),
            Dataset(X, T, weight),
            epochs=1,
            optimizer=SGD(1e-9),
            validation=held_out,
        )
        losses.append(h.last["val_loss"])
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)


@pytest.fixture
def given(monkeypatch):
    """Catch the data that the Trainer is given."""
    caught = []

    def spy(net, data, settings):
        caught.append(training_data(net, data, settings))
        return caught[-1]

    monkeypatch.setattr("gpunet.training.loop.training_data", spy)
    return caught


@pytest.mark.parametrize(("size", "counts"), [(0.25, [3, 6, 3]), (8, [2, 4, 2])])
def test_validation_fraction_keeps_the_classes_proportions(given, size, counts):
    t = np.repeat([0, 1, 2], [12, 24, 12])
    for seed in (0, 5):
        gpunet.fit(net_of(seed=seed), (X, t), epochs=1, validation=size)
    (train, held_out), (again, _) = given
    assert np.bincount(held_out.t).tolist() == counts
    assert len(train) + len(held_out) == 48
    rows = np.concatenate([train.x, held_out.x])
    assert len(np.unique(rows, axis=0)) == 48  # no row in both
    assert np.array_equal(train.x, again.x)  # one split for all seeds


def test_validation_data_are_those_given(given):
    mine, other = Dataset(*table(9, seed=1)), table(7, seed=2)
    splits = gpunet.Splits(Dataset(X, T), mine, None, 3, "mine")
    gpunet.fit(net_of(), splits, epochs=1)
    gpunet.fit(net_of(), splits, epochs=1, validation=other)
    gpunet.fit(net_of(), (X, T), epochs=1)
    assert np.array_equal(given[0][1].x, mine.x)
    assert np.array_equal(given[1][1].x, other[0]) and given[2][1] is None


def test_one_output_learns_a_line_from_numbers():
    x = np.linspace(-1, 1, 20)[:, None]
    nets = []
    for t in (2 * x[:, 0] - 1, 2 * x - 1):
        net = mlp([1, 1], loss="half_squared_error", dtype="float64")
        h = gpunet.fit(net, (x, t), epochs=300, batch_size=4, optimizer=SGD(0.3))
        assert h["accuracy"] == [None] * 300 and h.last["loss"] < 1e-12
        nets.append(host(net))
    assert error(nets[0]["0.W"], [[2.0]]) < 1e-6 and error(nets[0]["0.b"], [-1]) < 1e-6
    assert same(*nets)  # (n,) means (n, 1)


def test_one_output_learns_two_classes_and_has_accuracy():
    t = (X[:, 0] > 0).astype(np.int64)
    net = mlp([4, 1], loss="sigmoid_cross_entropy", dtype="float64")
    h = gpunet.fit(net, (X, t), epochs=50, optimizer=SGD(1.0), validation=(X, t))
    assert h.last["accuracy"] > 0.9
    right = float((net.classify(X) == t).mean())
    assert h.last["val_accuracy"] == pytest.approx(right)


def test_several_outputs_learn_a_matrix(bk):
    A = np.array([[1.0, -2, 0.5], [0, 3, 1], [2, 0, 0], [0.5, 0.5, -1]])
    net = mlp([4, 3], loss="mean_squared_error", device=bk, dtype="float64")
    h = gpunet.fit(
        net, (X, X @ A + 1), epochs=400, batch_size=12, optimizer=SGD(0.2, momentum=0.5)
    )
    assert error(host(net)["0.W"], A) < 1e-6
    assert error(host(net)["0.b"], [1.0] * 3) < 1e-6
    assert h.last["loss"] < 1e-10


def words(n=40, n_words=7, seed=3):
    rng = np.random.Generator(np.random.PCG64(seed))
    return rng.integers(0, n_words, (n, 2)), rng.permutation(np.arange(n) % 3)


def test_embedding_learns_as_a_dense_layer_on_one_hot_rows(bk):
    ids, t = words()
    table_net = Network(
        [Embedding(7, 4), Dense(8, 3)], device=bk, dtype="float64", seed=2
    )
    E0 = host(table_net)["0.W"]
    wide = np.zeros((14, 8))
    wide[:7, :4], wide[7:, 4:] = E0, E0
    dense = Network(
        [Dense(14, 8, wide), Dense(8, 3, host(table_net)["1.W"])],
        device=bk,
        dtype="float64",
        seed=2,
    )
    hot = np.concatenate([np.eye(7)[ids[:, 0]], np.eye(7)[ids[:, 1]]], axis=1)
    options = {"epochs": 1, "batch_size": None, "optimizer": SGD(0.5)}
    gpunet.fit(table_net, (ids, t), **options)
    gpunet.fit(dense, (hot, t), **options | {"optimizer": SGD(0.5, frozen=["0.b"])})
    moved = host(dense)["0.W"] - wide
    both = moved[:7, :4] + moved[7:, 4:]  # one table serves both places
    assert error(host(table_net)["0.W"] - E0, both) < 1e-12
    assert error(host(table_net)["1.W"], host(dense)["1.W"]) < 1e-12


@pytest.mark.parametrize("kind", ["uint8", "int16", "int32"])
@pytest.mark.parametrize("population", [None, 3])
def test_embedding_takes_integers_of_every_size(bk, kind, population):
    ids, t = words(n_words=200)
    nets = []
    for x in (ids, ids.astype(kind)):
        net = Network(
            [Embedding(200, 4), Dense(8, 3)],
            device=bk,
            dtype="float64",
            population=population,
        )
        gpunet.fit(net, (x, t), epochs=2, optimizer=SGD(0.5))
        nets.append(host(net))
    assert all(error(nets[1][name], p) < 1e-12 for name, p in nets[0].items())


@pytest.mark.parametrize("change", [1, -1, 0.5], ids=["beyond", "negative", "float"])
def test_embedding_refuses_what_is_no_word(change):
    ids, t = words()
    net = Network([Embedding(7, 4), Dense(8, 3)])
    before = host(net)
    with pytest.raises(DataError):  # a GPU would wrap it round without a word
        gpunet.fit(net, (ids + change, t), epochs=1)
    assert same(host(net), before)


@pytest.mark.parametrize("lists", [True, False])
def test_lists_are_taken_as_arrays(lists):
    a, b = net_of(), net_of()
    data = (X.tolist(), T.tolist()) if lists else (X, T)
    gpunet.fit(a, data, epochs=1)
    gpunet.fit(b, Dataset(X, T), epochs=1)
    assert same(host(a), host(b))


def test_repr_of_settings_has_what_is_not_the_default():
    x = np.zeros((50, 3))
    settings = gpunet.Settings(epochs=3, optimizer=SGD(0.5), validation=(x, x))
    text = repr(settings)
    assert text.startswith("Settings(epochs=3, optimizer=SGD(") and "\n" not in text
    assert len(text) < 200 and repr(gpunet.Settings()) == "Settings()"


def test_whole_numbers_and_rates_of_numpy_are_python_s():
    counts = {"epochs": np.int64(2), "batch_size": np.int32(20)}
    more = {"early_stopping": np.uint8(3), "learning_rate": np.float32(0.25)}
    settings = gpunet.Settings(**counts, **more)
    assert repr(settings).startswith("Settings(epochs=2, batch_size=20,")
    assert type(settings.early_stopping) is int
    net, same_net = net_of(), net_of()
    gpunet.fit(net, (X, T), validation=0.2, **counts, **more)
    counts = {"epochs": 2, "batch_size": 20, "early_stopping": 3}
    gpunet.fit(same_net, (X, T), validation=0.2, learning_rate=0.25, **counts)
    assert same(host(net), host(same_net))
