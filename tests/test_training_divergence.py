"""Divergence: found at its step, undone, named; others go on as if without it."""

import json

import numpy as np
import pytest
from tiny import host, same, table, trainer

import gpunet
from gpunet import SGD, Adam, Callback, EarlyStopping, mlp
from gpunet.errors import Diverged
from gpunet.losses import Loss
from gpunet.training import loop, steppers

X, T = table()
K = 7  # the step that goes wrong: the second of the second epoch
BIG = 1e38  # a rate that float32 does not survive


def watched(job):
    """Return all that a step depends on or changes."""
    bk = job.net.backend
    tensors = {name: bk.to_host(p).copy() for name, p in job.tensors().items()}
    counters = (job.epoch, job.step_in_epoch, job.step, job.optimizer.n_steps)
    return tensors, counters


class Poison(Callback):
    """Spoils one gradient at step K, however often that step is taken."""

    def __init__(self, name, value):
        self.name, self.value = name, value

    def on_start(self, trainer):
        self.trainer = trainer

    def on_gradients(self, grads):
        if self.trainer.optimizer.n_steps == K - 1:
            g = grads[self.name]
            flat = g.copy().reshape(-1)
            flat[-1] = self.value
            grads = grads | {self.name: flat.reshape(g.shape)}
        return grads


def cliff(at):
    """Return a squared error whose slope, or cost, is infinite at a target of 9."""
    inf = np.float64("inf")

    def cost(y, t):
        c = np.sum((y - t) ** 2, axis=-1)
        return np.where(t[..., 0] == 9, inf, c) if at == "cost" else c

    def slope(y, t):
        dy = 2.0 * (y - t)
        return np.where(t == 9, inf, dy) if at == "slope" else dy

    return Loss("cliff", cost, slope)


def on_cliff(at):
    """Return the cure-less case: order none, the 9 in the batch of step K."""

    def make(optimizer, **options):
        t = X[:, :1].copy()
        t[13] = 9.0  # in batches of 10, the second of an epoch
        good = t.copy()
        good[13] = 0.0
        net = mlp([4, 6, 1], "tanh", loss=cliff(at), dtype="float64")
        # The first epoch must not see it: its answer is put in afterwards.
        job = trainer(net, (X, good), optimizer=optimizer, shuffle=False, **options)
        return job, lambda: job.data.t.__setitem__((13, 0), 9.0)

    return make


class AtEpoch(Callback):
    def __init__(self):
        self.act = lambda: None

    def on_epoch(self, trainer, record):
        if record["epoch"] == 1:
            self.act()


def by_hook(name, value):
    def make(optimizer, callbacks=(), **options):
        net = mlp([4, 6, 3], "tanh", dtype="float32")
        hooks = [Poison(name, value), *callbacks]
        job = trainer(net, (X, T), optimizer=optimizer, callbacks=hooks, **options)
        return job, lambda: None

    return make


CASES = {
    "loss": (on_cliff("cost"), "loss"),
    "inf slope, finite loss": (on_cliff("slope"), "gradient of 2.W"),
    "nan in a bias": (by_hook("0.b", np.nan), "gradient of 0.b"),
    "inf in a weight": (by_hook("2.W", np.inf), "gradient of 2.W"),
    "square too large": (by_hook("0.b", 1e25), "slots.0.b.square"),
}


def job_of(case, optimizer, max_steps=None, compute_metrics=True):
    later = AtEpoch()
    job, later.act = CASES[case][0](
        optimizer,
        callbacks=[later],
        epochs=3,
        batch_size=10,
        max_steps=max_steps,
        compute_metrics=compute_metrics,
    )
    return job


@pytest.mark.parametrize("seconds", [0.0, 1e9])
@pytest.mark.parametrize("track", [True, False])
@pytest.mark.parametrize("name", ["sgd", "momentum", "adam"])
@pytest.mark.parametrize("case", CASES)
def test_run_that_diverges_stands_at_the_step_before(
    monkeypatch, case, name, track, seconds
):
    if (case, track) == ("loss", False):
        pytest.skip("a loss that is not computed cannot diverge")
    if case == "square too large" and name != "adam":
        pytest.skip("only Adam squares the gradient")
    monkeypatch.setattr(loop, "_SPAN_SECONDS", seconds)
    make = {
        "sgd": lambda: SGD(0.125),
        "momentum": lambda: SGD(0.125, momentum=0.5),
        "adam": lambda: Adam(0.125),
    }[name]
    job = job_of(case, make(), compute_metrics=track)
    with pytest.raises(Diverged) as caught:
        job.run()
    until = job_of(case, make(), max_steps=K - 1, compute_metrics=track)
    until.run()
    (tensors, counters), (wanted, at) = watched(job), watched(until)
    assert counters == at == (1, 1, K - 1, K - 1)
    assert same(tensors, wanted)
    assert all(np.isfinite(p).all() for p in tensors.values())
    text = str(caught.value)
    for word in ("epoch 2,", f"step {K}:", "learning rate 0.125", "step before it"):
        assert word in text
    assert f": {CASES[case][1]} is not finite" in text
    assert caught.value.exit_code == 7 and isinstance(caught.value, RuntimeError)
    assert "\n" not in text and len(text) < 400
    assert job.history.outcome in text and len(job.history) == 1


@pytest.mark.parametrize("name", ["sgd", "adam"])
def test_rate_too_large_stops_with_finite_weights(bk, name):
    net = mlp([4, 6, 3], "relu", device=bk)
    log = []

    class Stop(Callback):
        def on_stop(self, trainer):
            log.append(trainer.step)

    optimizer = SGD(BIG) if name == "sgd" else Adam(BIG)
    with pytest.raises(Diverged, match=r"epoch 1, step \d: .*rate 1e\+38"):
        gpunet.fit(net, (X, T), optimizer=optimizer, callbacks=[Stop()])
    assert all(np.isfinite(p).all() for p in host(net).values())
    until = mlp([4, 6, 3], "relu", device=bk)
    if log[0]:
        optimizer = SGD(BIG) if name == "sgd" else Adam(BIG)
        gpunet.fit(until, (X, T), optimizer=optimizer, max_steps=log[0])
    assert same(host(net), host(until))


def test_nan_in_the_validation_loss_alone_stops_the_run():
    far = (np.full((6, 4), 1e30), np.arange(6) % 3)
    net = mlp([4, 6, 3], "relu", weight_init=1e10)
    job = trainer(
        net,
        (X, T),
        epochs=5,
        batch_size=10,
        validation=far,
        optimizer=SGD(1e-9),
        early_stopping=EarlyStopping(3),
    )
    why = f"epoch 1, step {job.steps_per_epoch}: validation loss is not finite"
    with pytest.raises(Diverged, match=why):
        job.run()
    assert job.history["val_loss"] == [None] and job.best.state["loss"] == [None]
    assert all(np.isfinite(p).all() for p in host(net).values())
    json.dumps(job.history.records, allow_nan=False)


MEMBERS = {
    "sgd": lambda r: SGD(r),
    "momentum": lambda r: SGD(r, momentum=0.9),
    "adam": lambda r: Adam(r),
    "clip norm": lambda r: SGD(r, clip_norm=0.5),
    "max norm": lambda r: SGD(r, max_norm=1e30),
    "l2": lambda r: SGD(r, l2=0.1),
}


def crowd(name, rates, seeds, **more):
    net = mlp([4, 6, 3], "relu", population=len(seeds), seed=seeds, dropout=0.2)
    options = {"epochs": 3, "batch_size": 10, "validation": table(9, seed=2), **more}
    optimizer = MEMBERS[name](rates)
    return net, gpunet.fit(net, (X, T), optimizer=optimizer, **options)


@pytest.mark.parametrize("block", [1, 2, 99])
@pytest.mark.parametrize("track", [True, False])
@pytest.mark.parametrize("name", MEMBERS)
def test_member_that_diverges_leaves_the_others_alone(monkeypatch, name, track, block):
    monkeypatch.setattr(steppers, "BLOCK", block)
    net, h = crowd(name, [0.1, BIG, 0.2, BIG], [3, 8, 5, 1], compute_metrics=track)
    without, other = crowd(name, [0.1, 0.2], [3, 5], compute_metrics=track)
    for mine, theirs in ((0, 0), (2, 1)):
        assert same(host(net.member(mine)), host(without.member(theirs)))
        for column in other.last.keys() - {"epoch", "step", "seconds"}:
            rows = [row[mine] for row in h[column]]
            assert rows == [row[theirs] for row in other[column]]
    assert h.stopped.keys() == {1, 3} and h.outcome == "all epochs done"
    assert "diverged at epoch 1, step" in h.stopped[1] and "1e+38" in h.stopped[1]
    assert all(np.isfinite(p).all() for p in host(net).values())
    assert all(row[1] is None and row[0] is not None for row in h["grad_norm"])
    json.dumps(h.records, allow_nan=False)


@pytest.mark.parametrize("seconds", [0.0, 1e9])
@pytest.mark.parametrize("block", [1, 99])
def test_frozen_member_stands_at_its_last_good_step(monkeypatch, block, seconds):
    monkeypatch.setattr(steppers, "BLOCK", block)
    monkeypatch.setattr(loop, "_SPAN_SECONDS", seconds)
    rates = [0.1, 3e18, 0.2]
    net, h = crowd("momentum", rates, [3, 8, 5])
    words = h.stopped[1].replace(":", "").split()
    step = int(words[words.index("step") + 1])
    assert step > 1  # else there is nothing to see
    alone = mlp([4, 6, 3], "relu", seed=8, dropout=0.2)
    optimizer = MEMBERS["momentum"](rates[1])
    gpunet.fit(
        alone, (X, T), epochs=3, batch_size=10, optimizer=optimizer, max_steps=step - 1
    )
    assert same(host(net.member(1)), host(alone))


def test_population_of_which_none_is_left_diverges():
    net = mlp([4, 6, 3], "relu", population=3)
    job = trainer(net, (X, T), epochs=3, batch_size=10, optimizer=SGD([BIG, 1e37, BIG]))
    with pytest.raises(Diverged, match="all 3 members diverged; the last diverged at"):
        job.run()
    assert all(np.isfinite(p).all() for p in host(net).values())
    assert job.step == job.step_in_epoch == job.optimizer.n_steps < 5
