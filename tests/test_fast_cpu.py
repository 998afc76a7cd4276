"""The compiled engine on the CPU: the loop's numbers, bit for bit its own."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny import host, same, table, trainer

from gpunet import SGD, Adam, Callback, mlp
from gpunet.data import Dataset
from gpunet.errors import Diverged
from gpunet.fast.cpu import threads
from gpunet.runs.checkpoint import capture, restore

pytest.importorskip("numba")

OPTIMIZERS = {
    "sgd": lambda n: SGD(0.1 if n is None else [0.1, 0.03, 0.2][:n]),
    "l2": lambda n: SGD(0.1, l2=0.3 if n is None else [0.3, 0.0, 0.1][:n]),
    "momentum": lambda n: SGD(0.1, momentum=0.9, l2=0.01),
    "nesterov": lambda n: SGD(0.1, momentum=0.8, nesterov=True),
    # The usual eps makes a full step of what is left where gradients cancel.
    "adam": lambda n: Adam(0.01, eps=1e-3),
    "adam l2": lambda n: Adam(0.01, l2=0.1, eps=1e-3),
}
LOSSES = (
    *("softmax_cross_entropy", "softmax_cross_entropy:0.1"),
    *("sigmoid_cross_entropy", "sigmoid_cross_entropy:0.2"),
    *("squared_error", "half_squared_error", "mean_squared_error"),
)
FUNCTIONS = ("relu", "leaky_relu:0.1", "sigmoid", "tanh", "identity")


def data(kind, sparse, weighted, n=48):
    x, t = table(n, 4, 3)
    if sparse:
        x[x < 0.7] = 0.0
    rng = np.random.default_rng(5)
    targets = np.eye(3)[t] * 0.7 + 0.1 if kind == "targets" else t
    return Dataset(x, targets, rng.random(n) + 0.1 if weighted else None)


def job(
    engine,
    rows,
    *,
    sizes=(4, 7, 3),
    batch=10,
    optimizer=None,
    steps=1,
    shuffle="per_member",
    **own,
):
    net = mlp(list(sizes), **own)
    more = {"batch_size": batch, "optimizer": optimizer or SGD(0.1), "shuffle": shuffle}
    return trainer(net, rows, epochs=50, max_steps=steps, engine=engine, **more)


def far(a, b):
    """Return the largest difference, in parts of the largest number of its kind.

    A bias whose gradients cancel is rounding alone: its own size says nothing. Nor
    does the largest gradient where all cancel, as behind a dead layer: what cancelled
    were slopes of up to 1, of which memories take a tenth.
    """
    kinds = {name: name.split(".")[0] + name.rpartition(".")[2][1:] for name in a}
    top = {kind: 0.01 if "slots" in kind else 1e-30 for kind in kinds.values()}
    for name, kind in kinds.items():
        top[kind] = max(top[kind], np.max(np.abs(a[name])))
    return max(np.max(np.abs(a[n] - b[n])) / top[kinds[n]] for n in a)


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(FUNCTIONS),
    st.sampled_from(LOSSES),
    st.sampled_from(tuple(OPTIMIZERS)),
    st.lists(st.sampled_from((1, 5, 16, 17, 40, 64, 70, 128)), max_size=3),
    st.sampled_from((1, 3, 10, 48)),
    st.sampled_from((None, 1, 3)),
    st.sampled_from(("float32", "float64")),
    st.sampled_from(("labels", "targets")),
    st.tuples(st.booleans(), st.booleans()),
    st.sampled_from((0.0, 0.3)),
    st.sampled_from(("per_member", "shared", False)),
)
def test_step_equals_the_loop(
    act, loss, optimizer, hidden, batch, crowd, dtype, kind, ways, drop, shuffle
):
    rows = data(kind, *ways)
    own = {"activation": act, "loss": loss, "population": crowd, "dtype": dtype}
    own |= {
        "shuffle": shuffle,
        "dropout": drop,
        "seed": 3,
        "sizes": (4, *hidden, 3),
        "batch": batch,
    }
    found = []
    for name in ("loop", "compiled"):
        one = job(name, rows, optimizer=OPTIMIZERS[optimizer](crowd), **own)
        assert one.engine.name == name
        one.run()
        found.append((one, one.tensors()))
    (loop, a), (fast, b) = found
    assert loop.step == fast.step == 1
    assert loop.optimizer.n_steps == fast.optimizer.n_steps
    sums = {name: (a.pop(name), b.pop(name)) for name in sorted(a) if "sums" in name}
    assert far(a, b) < (1e-6 if dtype == "float32" else 1e-13)
    assert np.array_equal(*sums["sums.correct"])
    for name in ("sums.loss", "sums.grad_norm"):
        assert np.allclose(*sums[name], rtol=1e-5 if dtype == "float32" else 1e-12)


def fast(rows=None, steps=37, **own):
    """Return a run of a small network by the compiled engine, at its end."""
    own = {"sizes": (4, 70, 17, 3), "dropout": 0.2, "seed": 3} | own
    one = job("compiled", rows or data("labels", True, False), steps=steps, **own)
    one.run()
    return one


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_repeated_run_leaves_the_same_bits(name):
    a, b = (fast(optimizer=OPTIMIZERS[name](None)) for _ in range(2))
    assert same(a.tensors(), b.tensors())
    assert not same(a.tensors(), fast(seed=4).tensors())


@pytest.mark.parametrize("sparse", [True, False])
@pytest.mark.parametrize("batch", [3, 10, 48])
def test_team_of_threads_leaves_the_bits_of_one(monkeypatch, sparse, batch):
    rows = data("labels", sparse, True)
    alone = fast(rows, batch=batch, optimizer=Adam(0.01), steps=9)
    monkeypatch.setattr(threads, "usable_threads", lambda: 3)
    monkeypatch.setattr(threads, "_MIN_WORK", 0)
    monkeypatch.setattr(threads, "_MIN_BATCH", 1)
    team = fast(rows, batch=batch, optimizer=Adam(0.01), steps=9)
    assert (alone.steppers[0]._n_threads, team.steppers[0]._n_threads) == (1, 3)
    assert same(alone.tensors(), team.tensors())


@pytest.mark.parametrize("shuffle", ["per_member", "shared"])
def test_member_is_the_single_network_bit_for_bit(shuffle):
    crowd = fast(population=5, shuffle=shuffle)
    for i in (0, 4):
        alone = fast(seed=3 + i)
        mine = host(crowd.net.member(i))
        assert same(mine, host(alone.net)) == (shuffle == "per_member" or i == 0)


class Spans(Callback):
    """Ends a span after every few steps."""

    def __init__(self, every):
        self.every_steps = every


def test_ends_of_spans_leave_no_trace():
    rows = data("labels", True, True)
    found = []
    for callbacks in ((), (Spans(3),)):
        net = mlp([4, 9, 3], dropout=0.2)
        one = trainer(
            net,
            rows,
            epochs=4,
            batch_size=10,
            optimizer=Adam(0.01),
            engine="compiled",
            callbacks=callbacks,
            max_steps=18,
        )
        one.run()
        found.append(one.tensors())
    assert same(*found)


@pytest.mark.parametrize("then", ["compiled", "loop"])
def test_resumed_run_equals_the_uninterrupted_one(then):
    def go_on(engine, steps):
        own = {"sizes": (4, 9, 3), "dropout": 0.2, "optimizer": Adam(0.01, eps=1e-3)}
        return job(engine, data("labels", True, True), steps=steps, **own)

    whole, first, second = go_on("compiled", 18), go_on("compiled", 7), go_on(then, 18)
    whole.run()
    first.run()
    restore(second, *capture(first), "here")
    second.run()
    a, b = whole.tensors(), second.tensors()
    assert same(a, b) == (then == "compiled")
    assert far(host(whole.net), host(second.net)) < 1e-4


def test_divergence_is_found_at_the_step_of_the_loop():
    found = []
    for name in ("loop", "compiled"):
        one = job(name, table(), optimizer=SGD(1e30), steps=30, sizes=(4, 7, 3))
        with pytest.raises(Diverged) as error:
            one.run()
        found.append((str(error.value), one.step, one.optimizer.n_steps))
        assert all(np.isfinite(p).all() for p in one.net.params.values())
    assert found[0] == found[1]


def test_member_that_diverges_leaves_the_others_alone():
    rates = [0.1, 1e30, 0.05]
    crowd = fast(population=3, optimizer=SGD(rates), dropout=0.0)
    assert crowd.active == [True, False, True]
    for i in (0, 2):
        alone = fast(seed=3 + i, optimizer=SGD(rates[i]), dropout=0.0)
        assert same(host(crowd.net.member(i)), host(alone.net))


def test_thread_that_fails_lets_the_others_go(monkeypatch):
    monkeypatch.setattr(threads, "usable_threads", lambda: 2)
    monkeypatch.setattr(threads, "_MIN_WORK", 0)
    monkeypatch.setattr(threads, "_MIN_BATCH", 1)
    one = job("compiled", table(), batch=10, steps=9)
    part, true = one.steppers[0], one.steppers[0]._kernel

    def fails(*task):
        if task[-2] == 0:
            raise KeyboardInterrupt
        return true(*task)

    part._kernel = fails
    before = host(one.net)
    with pytest.raises(KeyboardInterrupt):
        one.run()
    assert same(host(one.net), before)
    part._kernel = true
    one.run()
    assert one.step == 9
