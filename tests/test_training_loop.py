"""The training loop: its steps by hand, its history, its callbacks."""

import numpy as np
import pytest
from helpers import error
from tiny import host, same, table, trainer

import gpunet
from gpunet import SGD, Adam, Callback, Dataset, mlp, schedule
from gpunet.random import epoch_order
from gpunet.training import loop

X, T = table()
HELD_OUT = table(20, seed=1)


class Still(Callback):
    """Keeps the gradients and lets no weight move."""

    def __init__(self, bk):
        self.bk, self.seen = bk, []

    def on_gradients(self, grads):
        self.seen.append({name: self.bk.to_host(g) for name, g in grads.items()})
        return {name: g * 0.0 for name, g in grads.items()}


def net_of(bk="cpu", dtype="float64", **more):
    return mlp([4, 6, 3], "tanh", device=bk, dtype=dtype, **more)


def by_hand(net, optimizer, epochs, batch, plan="constant", shuffle="per_member"):
    """Take the six steps of the learning cycle one by one; return the gradients."""
    bk, factor, seen = net.backend, schedule(plan), []
    optimizer.start(net.params, bk)
    for epoch in range(epochs):
        rows = epoch_order(net.seeds[0], epoch, len(X), bool(shuffle))
        starts = range(0, len(X), batch)
        for k, a in enumerate(starts):
            x, t = (bk.array(q[rows[a : a + batch]]) for q in (X, T))
            y, caches = net.forward(x, train=True)
            dy = net.loss.slope(y, t)
            grads = net.backward(caches, dy)
            seen.append({name: bk.to_host(g) for name, g in grads.items()})
            done = epoch + k / len(starts)
            optimizer.step(net.params, grads, float(factor(done, epochs)))
    return seen


@pytest.mark.parametrize("plan", ["constant", "one_cycle", "exponential:0.5"])
@pytest.mark.parametrize(
    "make",
    [
        lambda: SGD(0.5),
        lambda: SGD(0.1, momentum=0.9, nesterov=True),
        lambda: Adam(0.01, l2=0.1),
    ],
    ids=["sgd", "momentum", "adam"],
)
def test_training_takes_the_six_steps_in_order(bk, make, plan):
    net, hand = net_of(bk), net_of(bk)
    # 48 examples in batches of 10: the last batch of each epoch has 8
    gpunet.fit(net, (X, T), epochs=2, batch_size=10, optimizer=make(), schedule=plan)
    by_hand(hand, make(), 2, 10, plan)
    for name, p in host(hand).items():
        assert error(host(net)[name], p) < 1e-12


def test_full_batch_is_gradient_descent(bk):
    net, hand = net_of(bk), net_of(bk)
    # Gradient descent sees the data as they lie: no shuffle can matter.
    for size in (None, 48, 1000):
        net = net_of(bk)
        h = gpunet.fit(net, (X, T), epochs=3, batch_size=size, optimizer=SGD(0.5))
        assert [r["step"] for r in h] == [1, 2, 3]
        hand = net_of(bk)
        by_hand(hand, SGD(0.5), 3, 48, shuffle=False)
        for name, p in host(hand).items():
            assert error(host(net)[name], p) < 1e-12


@pytest.mark.parametrize("size", [12, 10, 7, 1])
def test_mean_of_the_batches_gradients_is_the_full_gradient(bk, size):
    net, still = net_of(bk), Still(bk)
    before, whole = host(net), by_hand(net_of(bk), SGD(1.0), 1, 48)[0]
    h = gpunet.fit(net, (X, T), epochs=1, batch_size=size, callbacks=[still])
    counts = [min(size, 48 - a) for a in range(0, 48, size)]
    assert len(still.seen) == len(counts) == h.last["step"]
    for name, g in whole.items():
        mine = sum(n * s[name] for n, s in zip(counts, still.seen, strict=True)) / 48
        assert error(mine, g) < 1e-12
    assert same(host(net), before)  # the hook's zeros were what was applied
    # each batch counts by its true size in the epoch's means, too
    whole = gpunet.evaluate(net, (X, T))
    assert h.last["loss"] == pytest.approx(whole["loss"], rel=1e-6)
    assert h.last["accuracy"] == pytest.approx(whole["accuracy"], rel=1e-6)


def test_every_epoch_is_measured_anew(bk):
    net = net_of(bk)
    h = gpunet.fit(net, (X, T), epochs=3, batch_size=10, callbacks=[Still(bk)])
    whole = gpunet.evaluate(net, (X, T))
    for column in ("loss", "accuracy"):
        assert h[column] == pytest.approx([whole[column]] * 3, rel=1e-6)


@pytest.mark.parametrize("make", [lambda: SGD(0.5), Adam], ids=["sgd", "adam"])
def test_grad_norm_is_the_last_batchs_length(bk, make):
    net = net_of(bk)
    h = gpunet.fit(net, (X, T), epochs=2, batch_size=10, optimizer=make())
    seen = by_hand(net_of(bk), make(), 2, 10)
    for record, grads in zip(h, (seen[4], seen[9]), strict=True):
        length = np.sqrt(sum((g**2).sum() for g in grads.values()))
        assert record["grad_norm"] == pytest.approx(length, rel=1e-6)


def test_grad_norm_of_members_does_not_depend_on_their_rates():
    crowd = net_of(population=3, seed=[5, 5, 6])
    h = gpunet.fit(crowd, (X, T), epochs=1, batch_size=None, optimizer=SGD([0.5, 2, 1]))
    a, b, c = h.last["grad_norm"]
    one = gpunet.fit(
        net_of(seed=6), (X, T), epochs=1, batch_size=None, optimizer=SGD(1.0)
    )
    assert a == pytest.approx(b, rel=1e-6) and c == one.last["grad_norm"] != a


def test_warm_up_from_zero_is_no_divergence():
    net = net_of()
    h = gpunet.fit(
        net,
        (X, T),
        epochs=2,
        batch_size=None,
        optimizer=SGD(0.5),
        schedule="warmup:1+constant",
    )
    assert h["learning_rate"] == [0.0, 0.5] and h.last["grad_norm"] > 0


def test_schedule_reaches_the_optimizer_at_every_step():
    class Spy(SGD):
        def step(self, params, grads, factor=1.0):
            factors.append(factor)
            super().step(params, grads, factor)

    for text in ("one_cycle", "exponential:0.9", "warmup:1+cosine"):
        factors = []
        h = gpunet.fit(
            net_of(), (X, T), epochs=3, batch_size=10, optimizer=Spy(2.0), schedule=text
        )
        wanted = [schedule(text)(e + k / 5, 3) for e in range(3) for k in range(5)]
        assert factors == wanted
        assert h["learning_rate"] == pytest.approx(
            [2.0 * f for f in wanted[4::5]], rel=1e-6
        )


def test_plateau_cuts_after_the_validation_loss_stalls():
    net = net_of()
    far = (HELD_OUT[0], 1 - HELD_OUT[1] % 2)  # answers nobody could learn from X
    h = gpunet.fit(
        net,
        (X, T),
        epochs=8,
        optimizer=SGD(0.5),
        validation=far,
        schedule="plateau:0.5,2",
    )
    best, bad, now, wanted = float("inf"), 0, 1.0, []
    for loss in h["val_loss"]:
        wanted.append(0.5 * now)
        best, bad = (loss, 0) if loss < best else (best, bad + 1)
        if bad > 2:
            now, bad = now * 0.5, 0
    assert h["learning_rate"] == wanted and wanted[-1] < 0.5


COLUMNS = {"epoch", "step", "seconds", "learning_rate", "grad_norm"}


def test_history_has_its_columns_and_lengths(bk):
    for population in (None, 3):
        net = net_of(bk, population=population)
        h = gpunet.fit(
            net, (X, T), epochs=2, batch_size=10, validation=HELD_OUT, optimizer="sgd"
        )
        assert h.last.keys() == COLUMNS | {
            *("loss", "accuracy", "val_loss", "val_accuracy")
        }
        assert h["epoch"] == [1, 2] and h["step"] == [5, 10] and len(h) == 2
        judged = gpunet.evaluate(net, HELD_OUT)
        for name in ("loss", "accuracy"):
            shown = h.last["val_" + name]
            assert shown == pytest.approx(judged[name], rel=1e-6)
        for column in h.last.keys() - {"epoch", "step", "seconds"}:
            values = h.last[column]
            assert len(values) == 3 if population else type(values) is float
        assert h.outcome == "all epochs done" and not h.stopped


def test_history_leaves_out_what_was_not_measured():
    h = gpunet.fit(net_of(), (X, T), epochs=1)
    assert h.last.keys() == COLUMNS | {"loss", "accuracy"}
    h = gpunet.fit(net_of(), (X, T), epochs=1, compute_metrics=False)
    assert h.last.keys() == COLUMNS
    line = mlp([4, 1], loss="squared_error")
    h = gpunet.fit(line, (X, X[:, 0]), epochs=1, validation=0.25)
    assert h.last.keys() == COLUMNS | {"loss", "val_loss", "val_accuracy"}
    assert h.last["val_accuracy"] is None


def test_max_steps_stops_wherever_that_is():
    job = trainer(net_of(), (X, T), epochs=3, batch_size=10, max_steps=7)
    h = job.run()
    assert (job.step, job.epoch, job.step_in_epoch, len(h)) == (7, 1, 2, 1)
    assert h.outcome == "step limit reached"
    assert job.optimizer.n_steps == 7
    job = trainer(net_of(), (X, T), epochs=3, batch_size=10, max_steps=5)
    assert len(job.run()) == 1 and (job.step, job.epoch, job.step_in_epoch) == (5, 1, 0)
    job = trainer(net_of(), (X, T), epochs=1, batch_size=10, max_steps=99)
    assert job.run().outcome == "all epochs done"


@pytest.mark.parametrize("population", [None, 2])
@pytest.mark.parametrize("name", ["sgd", "adam"])
def test_training_without_tracking_gives_the_same_bits(bk, name, population):
    nets = []
    for track in (True, False):
        net = net_of(bk, "float32", population=population, dropout=0.2)
        gpunet.fit(
            net, (X, T), epochs=2, batch_size=10, optimizer=name, compute_metrics=track
        )
        nets.append(host(net))
    assert same(*nets)


def test_spans_of_any_length_give_the_same_bits(monkeypatch):
    nets = []
    for seconds in (0.0, 0.25, 1e9):
        monkeypatch.setattr(loop, "_SPAN_SECONDS", seconds)
        net = net_of(dtype="float32", dropout=0.2)
        gpunet.fit(net, (X, T), epochs=9, batch_size=1)
        nets.append(host(net))
    assert same(nets[0], nets[1]) and same(nets[0], nets[2])


def test_training_leaves_its_inputs_alone():
    for dtype, scale in (("float64", 1.0), ("float64", 0.5), ("float32", 1.0)):
        x, t, w = X.copy(), T.copy(), np.arange(1.0, 49)
        for a in (x, t, w):
            a.flags.writeable = False  # so that writing would raise
        data = Dataset(x, t, w, scale)
        gpunet.fit(net_of(dtype=dtype), data, epochs=1)
        assert np.array_equal(x, X) and np.array_equal(t, T)


def test_scale_multiplies_the_features():
    a, b = net_of(), net_of()
    gpunet.fit(a, Dataset(X * 4, T, scale=0.25), epochs=1)
    gpunet.fit(b, (X, T), epochs=1)
    assert same(host(a), host(b))


TOLERANCE = {("float32", 1): 1e-5, ("float32", 10): 1e-4}
TOLERANCE |= {("float64", 1): 1e-11, ("float64", 10): 1e-9}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("steps", [1, 10])
def test_devices_agree_after_one_and_ten_steps(bk, dtype, steps):
    for make in (lambda: SGD(0.1, momentum=0.9), lambda: Adam(0.01, l2=0.01)):
        for more in ({}, {"population": 3}, {"dropout": 0.3}):
            nets = []
            for device in ("cpu", bk):
                net = net_of(device, dtype, **more)
                gpunet.fit(
                    net,
                    (X, T),
                    epochs=2,
                    batch_size=10,
                    optimizer=make(),
                    max_steps=steps,
                )
                nets.append(host(net))
            for name, p in nets[0].items():
                assert nets[1][name].dtype == p.dtype == np.dtype(dtype)
                assert error(nets[1][name], p) < TOLERANCE[dtype, steps]
