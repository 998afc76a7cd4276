"""Threads: what they may share gives the same bits, what they may not is refused."""

import copy
import pickle
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Barrier, Event

import numpy as np
import pytest
from helpers import normal, run_python
from tiny import host, same

import gpunet
from gpunet import Callback, Dense, Embedding, Layer, Network, mlp
from gpunet.errors import ConfigError

THREADS, TIMES = 6, 150
X = normal(0, 300, 12)
T = np.arange(300) % 3
NETS = {
    "small": lambda **o: mlp([12, 6, 3], "gelu", seed=3, **o),
    "wide": lambda **o: mlp([12, 200, 3], dropout=0.3, dtype="float64", **o),
    "population": lambda **o: mlp([12, 6, 3], population=4, **o),
    "embedding": lambda **o: Network([Embedding(7, 2), Dense(24, 3)], **o),
}


def at_once(*actions):
    """Run actions in a thread each, begun together; return what they return."""
    ready = Barrier(len(actions))

    def run(action):
        ready.wait(timeout=60)
        return action()

    with ThreadPoolExecutor(len(actions)) as pool:
        return [
            job.result(timeout=300) for job in [pool.submit(run, a) for a in actions]
        ]


def over_and_over(predict, pieces, wanted, first):
    """Predict piece after piece, each many times; return how often it was wrong."""
    wrong = 0
    for k in range(first, first + TIMES):
        i = k % len(pieces)
        wrong += not np.array_equal(predict(pieces[i]), wanted[i])
    return wrong


def shared(predict, x):
    """Let threads share a function; its answers must be those it gives alone."""
    pieces = [x, x[:1], x[5:77], x[100:], x[:64]]
    wanted = [predict(piece) for piece in pieces]
    threads = [
        lambda k=k: over_and_over(predict, pieces, wanted, k) for k in range(THREADS)
    ]
    assert at_once(*threads) == [0] * THREADS


@pytest.mark.parametrize("kind", NETS)
def test_threads_may_predict_with_one_network(bk, kind):
    net = NETS[kind](device=bk)
    x = np.abs(X * 10).astype(int) % 7 if kind == "embedding" else X
    shared(net.predict, x)
    shared(net.classify, x)


@pytest.mark.parametrize("parts", [1, 2])
def test_threads_may_share_a_compiled_predictor(monkeypatch, parts):
    pytest.importorskip("numba")
    from gpunet.fast.cpu import inference

    monkeypatch.setattr(inference, "usable_threads", lambda: parts)
    monkeypatch.setattr(inference, "_MIN_WORK", 5_000)
    predict = gpunet.predictor(NETS["wide"]())
    shared(predict, X)
    one = [predict(x) for x in X]
    again = at_once(*[lambda: [predict(x) for x in X]] * THREADS)
    assert all(np.array_equal(rows, one) for rows in again)
    other = pickle.loads(pickle.dumps(predict))
    assert np.array_equal(other(X), predict(X)) and np.array_equal(other(X[0]), one[0])
    assert np.array_equal(copy.deepcopy(predict)(X), predict(X))


def test_threads_may_meet_numba_together():
    pytest.importorskip("numba")
    code = (
        "from concurrent.futures import ThreadPoolExecutor\n"
        "import numpy as np, gpunet\n"
        "net, x = gpunet.mlp([4, 3]), np.ones((5, 4), 'float32')\n"
        "with ThreadPoolExecutor(4) as pool:\n"
        "    jobs = [pool.submit(lambda: gpunet.predictor(net)(x)) for _ in range(4)]\n"
        "print(all(np.array_equal(jobs[0].result(), j.result()) for j in jobs))\n"
    )
    done = run_python(code, timeout=300)
    assert (done.stdout, done.stderr) == ("True\n", "")


def test_threads_may_train_networks_of_their_own():
    def train(seed):
        net = mlp([12, 6, 3], seed=seed, dropout=0.2)
        gpunet.fit(net, (X, T), epochs=3)
        return host(net)

    alone = [train(seed) for seed in range(4)]
    together = at_once(*[lambda seed=seed: train(seed) for seed in range(4)])
    assert all(same(a, b) for a, b in zip(alone, together, strict=True))


class Elsewhere(Callback):
    """Calls something in another thread after each epoch, and keeps the errors."""

    def __init__(self, call):
        self.call, self.errors = call, []

    def on_epoch(self, trainer, record):
        with ThreadPoolExecutor(1) as pool:
            self.errors.append(pool.submit(self.call, trainer.net).exception())


class Here(Callback):
    """Calls something in the training thread after each epoch."""

    def __init__(self, call):
        self.call = call

    def on_epoch(self, trainer, record):
        self.call(trainer.net)


CALLS = {
    "predict": lambda net: net.predict(X),
    "classify": lambda net: net.classify(X),
    "evaluate": lambda net: gpunet.evaluate(net, (X, T)),
    "to": lambda net: net.to("cpu"),
    "member": lambda net: net.member(0),
    "copy": copy.deepcopy,
    "pickle": pickle.dumps,
    "save": lambda net: net.save("m"),
}


@pytest.mark.parametrize("kind", CALLS)
def test_network_in_training_is_read_by_its_own_thread_alone(
    monkeypatch, tmp_path, kind
):
    monkeypatch.chdir(tmp_path)
    net, call = mlp([12, 3], population=2), CALLS[kind]
    elsewhere = Elsewhere(call)
    gpunet.fit(net, (X, T), epochs=2, callbacks=[elsewhere, Here(call)])
    for error in elsewhere.errors:
        assert isinstance(error, ConfigError)
        assert "another thread is training this network" in str(error)
    assert len(elsewhere.errors) == 2
    at_once(lambda: call(net))  # and by anyone once it is done


def test_compiled_predictor_is_not_made_in_the_middle_of_training():
    pytest.importorskip("numba")
    elsewhere = Elsewhere(gpunet.predictor)
    callbacks = [elsewhere, Here(gpunet.predictor)]
    gpunet.fit(mlp([12, 3]), (X, T), epochs=1, callbacks=callbacks)
    assert "another thread is training" in str(elsewhere.errors[0])


def test_copy_made_before_serves_while_the_network_is_trained():
    net, answers = mlp([12, 6, 3]), []
    before = copy.deepcopy(net)
    wanted = before.predict(X)
    elsewhere = Elsewhere(lambda _: answers.append(before.predict(X)))
    gpunet.fit(net, (X, T), epochs=2, callbacks=[elsewhere])
    assert elsewhere.errors == [None, None]
    assert all(np.array_equal(y, wanted) for y in answers) and len(answers) == 2


def test_network_is_trained_by_one_thread_at_a_time():
    net, alone = mlp([12, 6, 3]), mlp([12, 6, 3])
    elsewhere = Elsewhere(lambda net: gpunet.fit(net, (X, T), epochs=1))
    gpunet.fit(net, (X, T), epochs=3, callbacks=[elsewhere])
    for error in elsewhere.errors:
        assert "fit: another thread is training this network" in str(error)
    assert len(elsewhere.errors) == 3
    gpunet.fit(alone, (X, T), epochs=3)
    assert same(host(net), host(alone))
    gpunet.fit(net, (X, T), epochs=1)


@dataclass(frozen=True)
class Gate(Layer):
    """Stops at its first call, after the weights before it were used."""

    reached: Event
    opened: Event

    def forward(self, params, x, *, train=False, rng=None):
        if not self.reached.is_set():
            self.reached.set()
            assert self.opened.wait(timeout=60)
        return x, None

    def backward(self, params, cache, dy, *, need_dx=True):
        return dy, {}


def test_prediction_that_training_overtakes_is_refused():
    gate = Gate(Event(), Event())
    net = Network([Dense(12, 5), gate, Dense(5, 3)])
    with ThreadPoolExecutor(1) as pool:
        job = pool.submit(net.predict, X)
        assert gate.reached.wait(timeout=60)
        gpunet.fit(net, (X, T), epochs=1)  # begins and ends in the middle of it
        gate.opened.set()
        error = job.exception(timeout=60)
    assert "predict: another thread is training" in str(error)
    assert net.predict(X).shape == (300, 3)


def test_predictions_during_training_are_old_new_or_refused():
    net, answers, refused, done = mlp([12, 60, 3]), [], Event(), Event()
    before = net.predict(X)

    def watch():
        while not done.is_set():
            try:
                answers.append(net.predict(X))
            except ConfigError as error:
                assert "another thread is training" in str(error)
                refused.set()

    def train():
        try:
            waits = Here(lambda net: refused.wait(timeout=60))
            gpunet.fit(net, (X, T), epochs=20, callbacks=[waits])
        finally:
            done.set()

    at_once(watch, watch, train)
    after = net.predict(X)
    assert refused.is_set() and not np.array_equal(before, after)
    for answer in answers:
        assert np.array_equal(answer, before) or np.array_equal(answer, after)


def test_training_that_fails_lets_the_network_go():
    def stop(trainer):
        raise KeyError("mine")

    net, bad = mlp([12, 3]), Callback()
    bad.on_span = stop
    with pytest.raises(KeyError):
        gpunet.fit(net, (X, T), epochs=1, callbacks=[bad])
    assert at_once(lambda: net.predict(X).shape) == [(300, 3)]


def estimator(**more):
    sklearn = pytest.importorskip("gpunet.sklearn")
    settings = {"max_iter": 200, "random_state": 0, "tol": 1.0}
    return sklearn.MLPClassifier((9,), **settings, **more)


@pytest.mark.parametrize(
    "more", [{}, {"n_members": 2}, {"dropout": 0.1}, {"device": "strict:1"}]
)
def test_threads_may_predict_with_one_estimator(more):
    shared(estimator(**more).fit(X, T).predict_proba, X)


FITTING = {
    "predict": lambda est: est.predict(X),
    "fit": lambda est: est.fit(X, T),
    "pickle": pickle.dumps,
}


@pytest.mark.parametrize("kind", FITTING)
def test_estimator_in_fitting_is_read_by_its_own_thread_alone(kind):
    est = estimator()
    elsewhere = Elsewhere(lambda _: FITTING[kind](est))
    est.set_params(callbacks=[elsewhere]).fit(X, T)
    for error in elsewhere.errors:
        assert "another thread is fitting this estimator" in str(error)
    assert len(elsewhere.errors) == est.n_iter_
    est.set_params(callbacks=[])
    at_once(lambda: FITTING[kind](est))
    assert est.predict(X).shape == (300,) and "_thread" not in vars(est)
