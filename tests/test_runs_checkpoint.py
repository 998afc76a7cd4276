"""The state of a run as tensors and JSON: whole, exact, all or nothing."""

import copy
import json

import numpy as np
import pytest
from tiny import host, same, table, trainer

from gpunet import SGD, Adam, Dataset, mlp
from gpunet.errors import ModelFileError
from gpunet.runs.checkpoint import capture, data_digest, restore
from gpunet.training import EarlyStopping, steppers

X, T = table()
MAKERS = {
    "sgd": lambda: SGD(0.1),
    "momentum": lambda: SGD(0.1, momentum=0.9),
    "adam": lambda: Adam(0.02),
}


def job_of(max_steps=None, name="adam", sizes=(4, 6, 3), bk="cpu", **more):
    options = {"epochs": 3, "batch_size": 10, "validation": table(9, seed=1)}
    options |= {"schedule": "plateau:0.5,1", "early_stopping": EarlyStopping(9)}
    net = mlp(list(sizes), "tanh", device=bk, dropout=0.2, **more)
    return trainer(
        net, (X, T), optimizer=MAKERS[name](), max_steps=max_steps, **options
    )


def everything(job):
    tensors, state = capture(job)
    return {n: a.copy() for n, a in tensors.items()}, json.loads(json.dumps(state))


@pytest.mark.parametrize("population", [None, 3, 5])
@pytest.mark.parametrize("name", MAKERS)
@pytest.mark.parametrize("steps", [1, 5, 7])
def test_restored_run_goes_on_bit_for_bit(bk, monkeypatch, name, steps, population):
    monkeypatch.setattr(steppers, "BLOCK", 3)  # so that five members are two blocks
    begun = job_of(steps, name, bk=bk, population=population)
    begun.run()
    tensors, state = everything(begun)
    again = job_of(None, name, bk=bk, population=population)
    restore(again, tensors, state, "x")
    assert same(everything(again)[0], tensors) and everything(again)[1] == state
    again.run()
    whole = job_of(None, name, bk=bk, population=population)
    whole.run()
    (a, state_a), (b, state_b) = everything(again), everything(whole)
    assert same(a, b) and state_a == state_b


def test_state_counts_the_steps_of_every_block(monkeypatch):
    monkeypatch.setattr(steppers, "BLOCK", 2)
    job = job_of(7, population=5)
    job.run()
    assert everything(job)[1]["optimizer_steps"] == 7 == job.step


def test_state_holds_what_the_next_step_needs():
    job = job_of(7)
    job.run()
    tensors, state = everything(job)
    kinds = {name.split(".")[0] for name in tensors}
    assert kinds == {"params", "slots", "sums", "best"}
    assert {"sums.loss", "sums.correct", "slots.0.W.mean", "best.3.b"} <= set(tensors)
    assert (state["epoch"], state["at"], state["step"]) == (1, 2, 7)
    assert state["schedule"]["best"] == state["best"]["loss"] != [None]
    assert state["alive"] == [True] and state["frozen"] == {}
    assert state["network"]["seeds"] == [0] and state["network"]["dtype"] == "float32"


def damaged(change):
    """Return the state of a run with one thing spoiled."""
    job = job_of(7)
    job.run()
    tensors, state = copy.deepcopy(everything(job))
    change(tensors, state)
    return tensors, state


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda t, s: t.pop("params.0.W"), "lacks params.0.W"),
        (lambda t, s: t.pop("slots.0.W.mean"), "lacks slots.0.W.mean"),
        (lambda t, s: t.pop("best.0.W"), "lacks best.0.W"),
        (lambda t, s: t.update({"params.9.W": t["params.0.W"]}), "contains params.9.W"),
        (
            lambda t, s: t.update({"params.3.W": t["params.3.W"].T.copy()}),
            r"\(3, 6\), the network's is float32 of shape \(6, 3\)",
        ),
        (
            lambda t, s: t.update({"params.0.b": t["params.0.b"].astype("float64")}),
            "params.0.b is float64",
        ),
        (lambda t, s: s.pop("optimizer_steps"), "optimizer_steps"),
        (lambda t, s: s.pop("epoch"), "epoch"),
        (lambda t, s: s["best"].pop("bad"), "bad"),
        (lambda t, s: s.update(frozen=[1]), "lacks what a run needs"),
        (lambda t, s: s.update(optimizer_steps=None), "lacks what a run needs"),
        (lambda t, s: s.update(optimizer_steps=1.5), "'optimizer_steps': 1.5"),
        (lambda t, s: s.update(epoch="2"), "'epoch': '2'"),
        (lambda t, s: s.update(step=-1), "'step': -1"),
        (lambda t, s: s.update(at=10**6), "'at': 1000000"),
        (lambda t, s: s.update(alive=[]), r"alive is \[\]"),
        (lambda t, s: s.update(alive="x"), "alive is 'x'"),
        (lambda t, s: s["best"].update(loss=["0"]), "loss is"),
        (lambda t, s: s["best"].update(bad=[None]), "bad is"),
        (lambda t, s: s["best"].update(more=[0]), "'more'"),
        (lambda t, s: s.update(schedule=[1]), "lacks what a run needs"),
        (lambda t, s: s.update(schedule={}), "lacks what a run needs"),
        (lambda t, s: s.update(schedule={"best": [1.0], "bad": [0]}), "'now'"),
        (
            lambda t, s: s.update(schedule={"best": [1.0], "bad": [0], "now": ["1"]}),
            "schedule now is",
        ),
    ],
)
def test_state_that_does_not_fit_changes_nothing(change, why):
    job = job_of()
    before = everything(job)
    with pytest.raises(ModelFileError, match=why):
        restore(job, *damaged(change), "x")
    after = everything(job)
    assert same(after[0], before[0]) and after[1] == before[1]


@pytest.mark.parametrize(
    "other",
    [
        {"sizes": (4, 7, 3)},
        {"sizes": (4, 6, 6, 3)},
        {"name": "momentum"},
        {"population": 2},
        {"dtype": "float64"},
    ],
)
def test_state_of_another_run_is_refused(other):
    job, source = job_of(**other), job_of(7)
    source.run()
    before = host(job.net)
    with pytest.raises(ModelFileError, match="model file: x: "):
        restore(job, *everything(source), "x")
    assert same(host(job.net), before)
    assert (job.step, job.epoch, job.optimizer.n_steps) == (0, 0, 0)


def test_data_digest_tells_data_apart():
    def digest(x, t=T):
        return data_digest(Dataset(x, t))

    wanted = digest(X)
    assert digest(X.copy()) == digest(np.asfortranarray(X)) == wanted
    odd = X.copy()
    odd[-1, -1] = np.nextafter(odd[-1, -1], 9)
    other = T.copy()
    other[0] = (other[0] + 1) % 3
    different = [odd, X[:-1], X.astype("float32"), X[::-1], X.reshape(48, 2, 2)]
    digests = {wanted, digest(X, other), *map(digest, different)}
    assert len(digests) == 7
