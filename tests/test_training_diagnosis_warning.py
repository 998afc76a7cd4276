"""The warning that nothing was learned: of runs that did not, and of no other."""

import re
import warnings
from math import log

import numpy as np
import pytest
from helpers import run_python
from tiny import carry, settings, table, write_set

import gpunet
from gpunet import SGD, Adam, GpunetWarning, mlp
from gpunet.training.diagnosis.losses import constant_answer

X, T = table(300)
XOR = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]]), np.array([0, 1, 1, 0])
LINE = X, (X @ [[1.0], [2.0], [-1.0], [0.5]]) * 40 + 100  # far from scaled


def rare(n=400):
    """Return rows and labels of which one in twenty is 1, told by a column."""
    x, _ = table(n)
    t = (np.arange(n) % 20 == 0).astype(np.int64)
    x[:, 0] += 3.0 * t
    return x, t


def warned(net, data, **how):
    """Return what fit warns of."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        gpunet.fit(net, data, **{"batch_size": 10, "engine": "loop", **how})
    assert all(c.category is GpunetWarning for c in caught)
    assert all(c.filename == __file__ for c in caught)  # the line that called fit
    return [str(c.message) for c in caught]


def relu(*sizes, **more):
    return mlp(list(sizes), "relu", **more)


SICK = {
    "rate far too high": ((4, 16, 3), (X, T), {"optimizer": Adam(300.0), "epochs": 4}),
    "and in one epoch": (
        (4, 16, 3),
        (np.tile(X, (4, 1)), np.tile(T, 4)),
        {"optimizer": Adam(3000.0), "epochs": 1},
    ),
    "two thousand steps at chance": (  # as dead ReLUs leave it; the loss falls a little
        (4, 8, 3),
        (np.tile(X, (70, 1)), np.tile(T, 70)),
        {"optimizer": SGD(1e-6), "epochs": 1, "start": -1e3},
    ),
    "no learning at all": (
        (4, 8, 3),
        (X, T),
        {"optimizer": SGD(1e-9), "epochs": 4, "weight_init": 0},
    ),
    "one class for all": (
        (4, 8, 2),
        rare(),
        {"optimizer": SGD(1.0), "epochs": 3, "start": -1e3},
    ),
    "inputs far too large": (
        (4, 8, 3),
        (X * 200, T),
        {"optimizer": Adam(1.0), "epochs": 4},
    ),
    "a line that stays where it is": (
        (4, 8, 1),
        (X, -10 * X.sum(axis=1, keepdims=True)),
        {"optimizer": SGD(1e-9), "epochs": 5, "loss": "squared_error"},
    ),
    "a line far off that stays, too": (
        (4, 8, 1),
        (X, -X.sum(axis=1, keepdims=True)),
        {"optimizer": SGD(1e-9), "epochs": 5, "loss": "squared_error"},
    ),
    "a loss that rises": (
        (4, 1),
        LINE,
        {
            "optimizer": SGD(50.0, clip_norm=10.0),
            "schedule": lambda epoch, epochs: 1.0 + int(epoch),
            "epochs": 9,
            "loss": "squared_error",
        },
    ),
}


def make(sizes, how):
    """Return a network, and how it is trained."""
    own = {k: v for k, v in how.items() if k in ("loss", "weight_init")}
    net = relu(*sizes, seed=1, **own)
    if "start" in how:  # all neurons dead: the bias alone learns how rare a class is
        net.params["0.b"][...] = how["start"]
    return net, {k: v for k, v in how.items() if k not in (*own, "start")}


CAUSES = {
    "two thousand steps at chance": "; dead ReLUs (layer 1): 8 of 8 neurons are 0",
    "no learning at all": "; symmetric start (layer 1): only 1 of 8 neurons have",
    "one class for all": "; dead ReLUs (layer 1): 8 of 8 neurons are 0 for every one",
    "inputs far too large": "; unscaled inputs: the inputs have a root mean square",
}


@pytest.mark.parametrize("case", SICK)
def test_run_that_learned_nothing_is_told_with_a_number_and_a_remedy(case):
    sizes, data, how = SICK[case]
    net, fit = make(sizes, how)
    (line,) = warned(net, data, **fit)
    assert line.startswith("training: the network has not learned: its training ")
    rate = how["optimizer"].learning_rate * (9 if "schedule" in how else 1)
    high = "rises" in case or "rate" in case or "epoch" in case
    remedy = f"; {'lower' if high else 'raise'} the learning rate ({rate:.3g})"
    assert CAUSES.get(case, remedy) in line


HEALTHY = {
    "one epoch": ((4, 8, 3), (X, T), {"optimizer": Adam(0.01), "epochs": 1}),
    "one slow epoch": (
        (4, 8, 3),
        (np.tile(X, (4, 1)), np.tile(T, 4)),
        {"optimizer": SGD(1e-5), "epochs": 1},
    ),
    # 90 steps prove nothing
    "a few steps": ((4, 8, 3), (X, T), {"optimizer": SGD(1e-9), "epochs": 3}),
    "several epochs": ((4, 8, 3), (X, T), {"optimizer": SGD(0.1), "epochs": 5}),
    "rare class": ((4, 8, 2), rare(), {"optimizer": Adam(0.01), "epochs": 9}),
    "balanced": (
        (4, 8, 2),
        rare(),
        {"optimizer": Adam(0.01), "epochs": 9, "class_weight": "balanced"},
    ),
    "untracked": (
        (4, 8, 3),
        (X, T),
        {"optimizer": Adam(300.0), "epochs": 4, "compute_metrics": False},
    ),
}


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("case", HEALTHY)
def test_healthy_run_is_told_nothing(case, seed):
    sizes, data, how = HEALTHY[case]
    assert warned(relu(*sizes, seed=seed), data, **how) == []


def hidden_class(n=900):
    """Return rows and labels of which class 2 looks as class 1, more often, does."""
    x, t = table(n)
    x[t == 2] = x[t == 1]
    t[np.flatnonzero(t == 2)[::3]] = 1
    return x, t


def test_class_that_is_never_answered_is_told():
    data = hidden_class()
    how = {"optimizer": Adam(0.01), "epochs": 6}
    (line,) = warned(relu(4, 8, 3, seed=1), data, **how)
    share = f"{(data[1] == 2).mean():.1%} of the examples"
    assert line == (
        "training: the network has not learned: dead class: class 2 is never answered, "
        f"{share}; train longer or with class_weight balanced"
    )
    assert warned(relu(4, 8, 3, seed=1), data, **how | {"epochs": 2}) == []
    several = relu(4, 8, 3, population=3)
    with_rates = how | {"optimizer": Adam([0.01, 0.01, 0.02])}
    (line,) = warned(several, data, **with_rates)
    assert re.search(
        r" \d of 3 members have not learned: member \d: dead class: ", line
    )


@pytest.mark.parametrize("epochs", [1, 2, 20, 200])
def test_healthy_xor_and_regression_are_told_nothing(epochs):
    net = mlp([2, 8, 2], "tanh", seed=1)
    assert warned(net, XOR, epochs=epochs, batch_size=None, optimizer=SGD(1.0)) == []
    for scale in (1.0, 1e-3):
        net = relu(4, 16, 1, loss="squared_error")
        data = (LINE[0], LINE[1] * scale)
        assert warned(net, data, epochs=min(epochs, 20), optimizer=Adam(0.003)) == []


def test_trained_network_may_go_on_without_a_word():
    net = relu(4, 16, 3, seed=1)
    for _ in range(4):  # the last losses no longer fall
        assert warned(net, (X, T), epochs=8, optimizer=Adam(0.02)) == []


def test_members_are_judged_one_by_one():
    healthy = relu(4, 8, 3, population=3)
    assert warned(healthy, (X, T), epochs=4, optimizer=SGD([0.1, 0.05, 0.2])) == []
    crowd = relu(4, 8, 3, population=4)
    rates = Adam([0.01, 300.0, 0.02, 400.0])
    (line,) = warned(crowd, (X, T), epochs=4, optimizer=rates)
    assert "2 of 4 members have not learned: member 1: " in line
    assert line.endswith("lower the learning rate (300)")


def test_member_that_diverged_is_not_told_again():
    crowd = mlp([4, 1], loss="squared_error", population=2)
    rates = SGD([1e-3, 1e30])
    assert warned(crowd, LINE, epochs=4, optimizer=rates) == []


def test_best_weights_that_came_back_are_what_counts():
    net = relu(4, 16, 3, seed=1)
    # It learns for an epoch, and then the rate is raised beyond all measure.
    how = {"optimizer": Adam(0.1), "epochs": 6, "validation": (X, T)}
    how["schedule"] = lambda epoch, epochs: 1.0 if epoch < 2 else 1e3
    assert warned(net, (X, T), early_stopping=5, **how) == []
    (line,) = warned(relu(4, 16, 3, seed=1), (X, T), **how)  # kept as they are
    assert "lower the learning rate (100)" in line


def test_python_shows_the_warning_once():
    code = """
import warnings
import numpy as np, gpunet
warnings.simplefilter("default")
x, t = np.eye(3)[np.arange(90) % 3], np.arange(90) % 3
gpunet.fit(gpunet.mlp([3, 8, 3]), (x, t), epochs=4, batch_size=3, optimizer="sgd")
net, luck = gpunet.mlp([3, 8, 3], "relu"), np.random.default_rng(0)
how = {"batch_size": 3, "optimizer": gpunet.Adam(3000.0)}
gpunet.fit(net, (luck.random((90, 3)), t), epochs=4, **how)
"""
    process = run_python(code)
    assert process.returncode == 0
    assert process.stderr.count("GpunetWarning: training: ") == 1, process.stderr


def test_constant_answer_by_hand():
    t = np.array([0, 0, 0, 1])
    quarter = -(0.75 * log(0.75) + 0.25 * log(0.25))
    loss, share = constant_answer(mlp([2, 2]), t)
    assert (loss, share) == (pytest.approx(quarter), 0.75)
    weight = np.array([2.0, 2.0, 2.0, 6.0]) / 3  # balanced, with a mean of 1
    loss, share = constant_answer(mlp([2, 2]), t, weight)
    assert (loss, share) == (pytest.approx(log(2)), 0.75)
    alone = mlp([2, 1], loss="sigmoid_cross_entropy")
    loss, share = constant_answer(alone, t[:, None].astype("float32"))
    assert (loss, share) == (pytest.approx(quarter, rel=1e-6), 0.75)
    squares = mlp([2, 1], loss="squared_error")
    loss, _ = constant_answer(squares, np.array([[1.0], [5.0]]))
    assert loss == pytest.approx(4.0)
    assert constant_answer(squares, np.array([[5.0], [5.0]]))[0] == 1e-3


def test_command_says_so_too(tmp_path):
    data = write_set(tmp_path / "data", n=150)
    config = settings(data, learning_rate=3000.0, epochs=9)
    *_, notes = carry(config, tmp_path / "sick")
    (line,) = [note for note in notes if note.startswith("warning")]
    assert "not learned" in line and line.endswith("lower the learning rate (3e+03)")
    *_, notes = carry(config | {"learning_rate": 0.01}, tmp_path / "sound")
    assert [note for note in notes if note.startswith("warning")] == []


@pytest.mark.parametrize(
    ("size", "n", "says"),
    [
        (2, 300, "validation: 2 means 2 of 300 rows; for 2 percent give 0.02"),
        (3, 300, ""),  # a hundredth of them: meant or not, it is the same
        (0.01, 300, ""),
    ],
)
def test_number_that_looks_like_a_percentage_is_told(size, n, says):
    lines = warned(relu(4, 3), (X[:n], T[:n]), epochs=1, validation=size)
    assert lines == ([says] if says else [])


@pytest.mark.parametrize("size", [2, 0.02])
def test_command_tells_a_number_that_looks_like_a_percentage(tmp_path, size):
    config = settings(write_set(tmp_path / "data", n=250), validation=size, epochs=1)
    *_, notes = carry(config, tmp_path / "run")
    said = [note for note in notes if note.startswith("warning: validation: 2 means")]
    assert len(said) == (size == 2)
