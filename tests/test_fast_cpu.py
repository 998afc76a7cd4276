"""The compiled engine on the CPU: the loop's numbers, bit for bit its own."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny import table

from gpunet import SGD, Adam, mlp
from gpunet.data import Dataset
from gpunet.training import trainer

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


def job(engine, rows, *, sizes=(4, 7, 3), batch=10, optimizer=None, steps=1, **own):
    net = mlp(list(sizes), **own)
    more = {"batch_size": batch, "optimizer": optimizer or SGD(0.1)}
    return trainer(net, rows, epochs=50, max_steps=steps, engine=engine, **more)


def far(a, b):
    """Return the largest difference, in parts of the largest number of its kind.

    A bias whose gradients cancel is rounding alone: its own size says nothing.
    """
    kinds = {name: name.split(".")[0] + name.rpartition(".")[2][1:] for name in a}
    top = dict.fromkeys(kinds.values(), 1e-30)
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
    st.sampled_from(("own", "shared", "none")),
)
def test_step_equals_the_loop(
    act, loss, optimizer, hidden, batch, crowd, dtype, kind, ways, drop, order
):
    rows = data(kind, *ways)
    own = {"activation": act, "loss": loss, "population": crowd, "dtype": dtype}
    own |= {"dropout": drop, "seed": 3, "sizes": (4, *hidden, 3), "batch": batch}
    found = []
    for engine in ("loop", "compiled"):
        one = job(engine, rows, optimizer=OPTIMIZERS[optimizer](crowd), **own)
        assert one.engine.name == engine
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
