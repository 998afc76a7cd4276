"""Members in lanes of vectors: each is the single compiled network, bit for bit."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_fast_cpu import FUNCTIONS, LOSSES, OPTIMIZERS, data, far, job
from tiny import host, same, table

from gpunet import SGD, Adam, mlp
from gpunet.fast import cpu
from gpunet.fast.cpu import lanes

pytest.importorskip("numba")


too_few = lanes.too_few


@pytest.fixture(autouse=True, scope="module")
def always():
    """Let members train in lanes however few they are."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lanes, "too_few", lambda net: not net.population)
        yield


def crowd(rows, members=5, steps=9, **how):
    """Return a run of members in lanes at its end."""
    how = {"sizes": (4, 9, 6, 3), "seed": 3} | how
    run = job("compiled", rows, population=members, steps=steps, **how)
    assert type(run.steppers[0]) is lanes.LaneStepper
    run.run()
    return run


def alone(rows, i, steps=9, **how):
    """Return a run of the single network that member i is, at its end."""
    how = {"sizes": (4, 9, 6, 3), "seed": 3} | how
    run = job("compiled", rows, steps=steps, **how | {"seed": how["seed"] + i})
    run.run()
    return run


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(FUNCTIONS),
    st.sampled_from(LOSSES),
    st.sampled_from(tuple(OPTIMIZERS)),
    st.lists(st.sampled_from((1, 2, 5, 7, 16, 32)), max_size=3),
    st.sampled_from((8, 11, 48)),  # 11: the last batch has 4
    st.sampled_from(("float32", "float64")),
    st.sampled_from(("labels", "targets")),
    st.booleans(),
)
def test_member_is_the_single_network(
    act, loss, optimizer, hidden, batch, dtype, kind, weighted
):
    rows, n = data(kind, False, weighted), 17 if dtype == "float32" else 9
    how = {"activation": act, "loss": loss, "dtype": dtype, "batch": batch}
    how["sizes"] = (4, *hidden, 3)
    many = crowd(rows, n, optimizer=OPTIMIZERS[optimizer](None), **how)
    for i in (0, 3, n - 1):
        single = alone(rows, i, optimizer=OPTIMIZERS[optimizer](None), **how)
        of_member = {
            name: np.asarray(tensor)[i] for name, tensor in many.tensors().items()
        }
        assert same(of_member, single.tensors())


@pytest.mark.parametrize("name", ["sgd", "adam l2"])
@pytest.mark.parametrize("batch", [10, 48])
def test_step_in_lanes_equals_the_loop(name, batch):
    rows, how = data("labels", False, True), {"population": 20, "batch": batch}
    found = []
    for engine in ("loop", "compiled"):
        run = job(engine, rows, optimizer=OPTIMIZERS[name](None), **how)
        run.run()
        found.append(run.tensors())
    assert far(*({k: v for k, v in f.items() if "sums" not in k} for f in found)) < 1e-6
    for key in ("sums.loss", "sums.grad_norm", "sums.correct"):
        assert np.allclose(found[0][key], found[1][key], rtol=1e-5)


def test_every_member_has_settings_of_its_own():
    rows = data("labels", False, False)
    rates, l2 = np.linspace(0.01, 0.3, 5).tolist(), [0.0, 0.1, 0.0, 0.3, 0.2]
    momentum = [0.0, 0.9, 0.5, 0.1, 0.2]
    for more in ({}, {"momentum": momentum}):
        many = crowd(rows, optimizer=SGD(rates, l2=l2, **more))
        for i in range(5):
            mine = {name: values[i] for name, values in more.items()}
            single = alone(rows, i, optimizer=SGD(rates[i], l2=l2[i], **mine))
            # momentum 0 among others: the single network has plain SGD's kernel
            assert same(host(many.net.member(i)), host(single.net)) or (i == 0 and more)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("n_in", [15, 16, 20])
def test_rows_longer_than_a_vector_are_read_whole(n_in, dtype):
    rows, how = table(48, n_in, 3), {"sizes": (n_in, 6, 3), "dtype": dtype}
    many = crowd(rows, 18, **how)
    for i in (0, 17):
        assert same(host(many.net.member(i)), host(alone(rows, i, **how).net))


@pytest.mark.parametrize("shuffle", ["shared", False])
def test_members_that_share_their_order_read_the_same_examples(shuffle):
    rows = data("labels", False, True)
    many = crowd(rows, 18, shuffle=shuffle, optimizer=Adam(0.01))
    single = alone(rows, 0, shuffle=shuffle, optimizer=Adam(0.01))
    assert same(host(many.net.member(0)), host(single.net))
    assert not same(host(many.net.member(17)), host(single.net))


def test_histories_tell_of_each_member_what_its_own_run_does():
    rows = data("labels", False, True)
    many, single = crowd(rows, steps=10), alone(rows, 3, steps=10)
    records = zip(many.history, single.history, strict=True)
    for of_all, own in records:
        for name in ("loss", "accuracy", "grad_norm"):
            assert of_all[name][3] == own[name]


def test_batches_of_several_blocks_add_up_in_the_order_of_examples(monkeypatch):
    rows = data("labels", False, True)
    whole = crowd(rows, batch=48, steps=4)
    monkeypatch.setattr(lanes, "_BLOCK", 8)
    parts = crowd(rows, batch=48, steps=4)
    assert (whole.steppers[0]._block, parts.steppers[0]._block) == (24, 8)
    assert same(whole.tensors(), parts.tensors())


def test_member_that_diverges_disturbs_no_lane():
    rows, rates = data("labels", False, False), [0.1, 1e30, 0.05, 0.1, 0.1]
    many = crowd(rows, optimizer=SGD(rates), steps=12)
    assert many.active == [True, False, True, True, True]
    for i in (0, 2, 4):
        single = alone(rows, i, optimizer=SGD(rates[i]), steps=12)
        assert same(host(many.net.member(i)), host(single.net))


def test_threads_and_spans_leave_no_trace(monkeypatch):
    rows = data("labels", False, False)
    monkeypatch.setattr("gpunet.fast.cpu.stepper.usable_threads", lambda: 1)
    one = crowd(rows, 40, optimizer=Adam(0.01), steps=20)
    monkeypatch.setattr("gpunet.fast.cpu.stepper.usable_threads", lambda: 3)
    several = crowd(rows, 40, optimizer=Adam(0.01), steps=20)
    assert len(several.steppers[0]._memories) == 3
    assert same(one.tensors(), several.tensors())


def test_the_rule_says_why_members_train_one_by_one():
    dense, zeros = np.ones((50, 4), "f4"), np.zeros((50, 4), "f4")

    def why(net, batch=10, x=dense):
        return cpu.why_alone(net, batch, x)

    assert why(mlp([4, 9, 3], population=20)) == ""
    assert "few" in why(mlp([4, 9, 3]))
    assert "wide" in why(mlp([4, 9, 70], population=20))
    assert "wide" in why(mlp([4, 9, 40], population=20, dtype="float64"))
    assert why(mlp([4, 70, 3], population=20)) == ""  # nothing goes back through it
    assert "dropout" in why(mlp([4, 9, 3], population=20, dropout=0.1))
    assert "0" in why(mlp([4, 9, 3], population=20), x=zeros)
    assert why(mlp([4, 9, 3], population=20), batch=7) != ""
    assert "large" in why(mlp([64, 200, 10], population=20))
    assert "large" in why(mlp([784, 10], population=20))


@pytest.mark.parametrize(
    ("sizes", "members", "threads", "few"),
    [
        *(([2, 8, 2], 4, 1, False), ([2, 8, 2], 3, 1, True), ([2, 8, 2], 7, 2, False)),
        *(([64, 32, 10], 10, 1, False), ([64, 32, 10], 10, 2, True)),
        *(([64, 32, 10], 17, 1, True), ([64, 32, 10], 20, 2, False)),
        *(([64, 32, 10], 100, 2, False), ([64, 32, 10], 100, 16, True)),
    ],
)
def test_idle_lanes_must_not_cost_more_than_lanes_save(
    monkeypatch, sizes, members, threads, few
):
    monkeypatch.setattr(lanes, "usable_threads", lambda: threads)
    assert too_few(mlp(sizes, population=members)) == few
