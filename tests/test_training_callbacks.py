"""Callbacks: when they are called, and what a hook on the gradients may do."""

import numpy as np
import pytest
from helpers import error
from tiny import host, same, table, trainer

import gpunet
from gpunet import SGD, Callback, EarlyStopping, mlp
from gpunet.errors import ConfigError

X, T = table()


def net_of():
    return mlp([4, 6, 3], "tanh", dtype="float64")


def gradient(net):
    """Return the gradient of the whole data's mean loss."""
    y, caches = net.forward(X, train=True)
    return net.backward(caches, net.loss.slope(y, T))


class Still(Callback):
    """Keeps the gradients and lets no weight move."""

    def __init__(self):
        self.seen = []

    def on_gradients(self, grads):
        self.seen.append({name: g.copy() for name, g in grads.items()})
        return {name: np.zeros_like(g) for name, g in grads.items()}


def test_hook_sees_exact_gradients_and_hooks_are_chained():
    class Double(Callback):
        def on_gradients(self, grads):
            return {name: 2.0 * g for name, g in grads.items()}

    net, still = net_of(), Still()
    # plain SGD folds its rate into the slope, but never under a hook's eyes
    options = {"epochs": 1, "batch_size": None, "optimizer": SGD(100.0)}
    gpunet.fit(net, (X, T), callbacks=[still], **options)
    wanted = gradient(net_of())
    for name, g in wanted.items():
        assert error(still.seen[0][name], g) < 1e-13
    second = Still()
    gpunet.fit(net_of(), (X, T), callbacks=[Double(), second], **options)
    assert all(error(second.seen[0][n], 2 * g) < 1e-13 for n, g in wanted.items())
    twice, plain = net_of(), net_of()
    options["optimizer"] = SGD(0.25)
    gpunet.fit(twice, (X, T), callbacks=[Double()], **options)
    gpunet.fit(plain, (X, T), **options | {"optimizer": SGD(0.5)})
    assert all(error(host(twice)[n], p) < 1e-13 for n, p in host(plain).items())


class Diary(Callback):
    def __init__(self, log, name="", every=None):
        self.log, self.name, self.every_steps = log, name, every

    def note(self, event, trainer):
        self.log.append(
            (self.name + event, trainer.epoch, trainer.step_in_epoch, trainer.step)
        )

    def on_start(self, trainer):
        self.note("start", trainer)

    def on_pause(self, trainer):
        self.note("pause", trainer)

    def on_epoch(self, trainer, record):
        assert record is trainer.history.last
        self.note("epoch", trainer)

    def on_stop(self, trainer):
        self.note("stop", trainer)


def test_callbacks_are_called_in_order():
    log = []
    gpunet.fit(
        net_of(),
        (X, T),
        epochs=2,
        batch_size=10,
        callbacks=[Diary(log, every=3), Diary(log, "b ")],
    )
    assert log == [
        *(("start", 0, 0, 0), ("b start", 0, 0, 0)),
        ("pause", 0, 3, 3),
        *(("epoch", 1, 0, 5), ("b epoch", 1, 0, 5)),
        *(("pause", 1, 1, 6), ("pause", 1, 4, 9)),
        *(("epoch", 2, 0, 10), ("b epoch", 2, 0, 10)),
        *(("stop", 2, 0, 10), ("b stop", 2, 0, 10)),
    ]
    log.clear()
    gpunet.fit(net_of(), (X, T), epochs=1, batch_size=10, callbacks=[Diary(log, "", 5)])
    assert [event for event, *_ in log] == ["start", "epoch", "pause", "stop"]


def test_callback_may_ask_for_an_end():
    class Enough(Callback):
        def on_start(self, trainer):
            self.trainer = trainer

        def on_gradients(self, grads):
            if self.trainer.optimizer.n_steps == 2:
                self.trainer.stop("enough")
            return grads

    job = trainer(net_of(), (X, T), epochs=3, batch_size=10, callbacks=[Enough()])
    assert job.run().outcome == "enough" and job.step == 3  # that step was finished


def test_error_in_a_callback_still_tells_the_end():
    class Broken(Callback):
        def on_epoch(self, trainer, record):
            raise OSError("no")

    log = []
    broken = [Broken(), Diary(log)]
    job = trainer(net_of(), (X, T), epochs=3, batch_size=10, callbacks=broken)
    with pytest.raises(OSError, match="no"):
        job.run()
    assert [event for event, *_ in log] == ["start", "stop"]
    assert job.history.outcome == "stopped by an error"


@pytest.mark.parametrize("kind", [KeyboardInterrupt, MemoryError])
def test_what_breaks_into_a_span_leaves_whole_steps(kind):
    class Broken(Callback):
        def on_start(self, trainer):
            self.trainer = trainer

        def on_gradients(self, grads):
            if self.trainer.optimizer.n_steps == 8:
                raise kind
            return grads

    net = net_of()
    job = trainer(net, (X, T), epochs=3, batch_size=10, callbacks=[Broken()])
    with pytest.raises(kind):
        job.run()
    assert job.optimizer.n_steps == job.step < 9
    until = net_of()
    if job.step:
        gpunet.fit(until, (X, T), epochs=3, batch_size=10, max_steps=job.step)
    assert same(host(net), host(until))


def test_functions_are_called_with_each_epochs_record():
    records, pairs = [], []

    def stop_after_two(trainer, record):
        pairs.append((trainer.epoch, record["epoch"]))
        if record["epoch"] == 2:
            trainer.stop("enough")

    both = [records.append, stop_after_two, lambda *any_number: None]
    h = gpunet.fit(net_of(), (X, T), epochs=4, callbacks=both)
    assert records == h.records and pairs == [(1, 1), (2, 2)]
    assert h.outcome == "enough"


def test_functions_leave_every_number_as_it_was():
    plain, watched = net_of(), net_of()
    gpunet.fit(plain, (X, T), epochs=2)
    gpunet.fit(watched, (X, T), epochs=2, callbacks=(lambda record: record,))
    assert same(host(plain), host(watched))


@pytest.mark.parametrize(
    ("callbacks", "reason"),
    [
        ([3], "must be gpunet.Callback objects or functions of an epoch's record"),
        ([lambda: None], "must take .record. or .trainer, record."),
        ([lambda a, b, c: None], "must take .record. or .trainer, record."),
        ([Still], r"Still is a class; use Still\(\)"),
        ([EarlyStopping(3)], "EarlyStopping is a setting: early_stopping="),
        (print, "must be a list, got .*; put it in brackets"),
        ("abc", "must be a list, got 'abc'"),
    ],
)
def test_wrong_callbacks_are_a_sentence_before_training(callbacks, reason):
    net = net_of()
    before = host(net)
    with pytest.raises(ConfigError, match=f"^callbacks: .*{reason}"):
        gpunet.fit(net, (X, T), callbacks=callbacks)
    assert same(host(net), before)
