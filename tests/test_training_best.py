"""The best weights so far, and when training stops for want of better ones."""

import numpy as np
import pytest
from tiny import host, same, table

import gpunet
from gpunet import SGD, Callback, EarlyStopping, mlp
from gpunet.errors import ConfigError
from gpunet.training.members import Best

NAN = float("nan")
X, T = table()
# Answers that have nothing to do with X: the validation loss soon rises.
HELD_OUT = (table(20, seed=1)[0], np.arange(20) % 3)


def told(losses, rule=None):
    """Return what a Best of one network says to a row of losses, and itself."""
    best = Best(mlp([2, 2]), rule)
    return [best.update([v], k, [True]) for k, v in enumerate(losses, 1)], best


def test_patience_counts_epochs_without_a_new_best():
    said, best = told([3.0, 2.0, 2.5, 1.0, 1.5, 1.0, 2.0], EarlyStopping(3))
    assert said == [[], [], [], [], [], [], [0]]
    assert best.state == {"loss": [1.0], "epoch": [4], "bad": [3]}
    said, _ = told([1.0, 1.0], EarlyStopping(1))
    assert said == [[], [0]]  # an equal loss is no better one


def test_min_delta_is_how_much_lower_a_best_must_be():
    said, best = told([1.0, 0.75, 0.8], EarlyStopping(2, min_delta=0.25))
    assert said == [[], [], [0]] and best.state["epoch"] == [1]
    _, best = told([1.0, 0.7], EarlyStopping(2, min_delta=0.25))
    assert best.state["epoch"] == [2]


def test_nan_is_never_best_and_never_hides_a_later_one():
    _, best = told([NAN, 2.0, NAN, 1.0, NAN])
    assert best.state == {"loss": [1.0], "epoch": [4], "bad": [1]}
    _, best = told([float("inf"), NAN])
    assert best.state["loss"] == [None] and best.params == {}
    said, _ = told([NAN, NAN], EarlyStopping(2))
    assert said == [[], [0]]


def test_without_a_rule_nothing_stops():
    said, best = told([1.0, *[2.0] * 50])
    assert said == [[]] * 51 and best.state["epoch"] == [1]


def test_members_keep_their_own_best(bk):
    net = mlp([2, 3, 2], population=3, device=bk)
    best = Best(net, EarlyStopping(2))
    rows = [[1.0, 1.0, NAN], [0.5, 2.0, 1.0], [0.9, 0.9, 0.5], [0.8, 1.0, 2.0]]
    kept, said = [], []
    for epoch, losses in enumerate(rows, 1):
        for p in net.params.values():
            p += 1.0
        said.append(best.update(losses, epoch, [True] * 3))
        kept.append(host(net))
    assert said == [[], [], [], [0]]
    assert best.state["epoch"] == [2, 3, 3] and best.state["loss"] == [0.5, 0.9, 0.5]
    for name, p in best.params.items():
        for member, epoch in enumerate((2, 3, 3)):
            assert np.array_equal(bk.to_host(p)[member], kept[epoch - 1][name][member])
    arrays = dict(net.params)
    assert not best.restored
    best.restore()
    assert best.restored
    assert all(net.params[name] is p for name, p in arrays.items())  # in place
    for name, p in host(net).items():
        assert np.array_equal(p, bk.to_host(best.params[name]))


def test_frozen_members_are_not_judged():
    best = Best(mlp([2, 2], population=2), EarlyStopping(1))
    best.update([1.0, 1.0], 1, [True, True])
    assert best.update([2.0, 0.5], 2, [True, False]) == [0]
    assert best.state["epoch"] == [1, 1] and best.state["bad"] == [1, 0]


def test_best_weights_are_copies():
    net = mlp([2, 2])
    best = Best(net, None)
    best.update([1.0], 1, [True])
    before = host(net)
    net.params["0.W"] += 1.0
    assert np.array_equal(best.params["0.W"], before["0.W"])
    best.restore()  # no rule: the newest weights stay
    assert not best.restored
    assert not np.array_equal(net.params["0.W"], before["0.W"])


class Album(Callback):
    """Keeps the weights after each epoch."""

    def __init__(self):
        self.pages = []

    def on_epoch(self, trainer, record):
        self.pages.append(host(trainer.net))


def overfit(population=None, epochs=40, rule=4, held_out=HELD_OUT, seed=0):
    net = mlp([4, 16, 3], "tanh", population=population, seed=seed)
    album = Album()
    h = gpunet.fit(
        net,
        (X, T),
        epochs=epochs,
        batch_size=8,
        optimizer=SGD(0.3),
        validation=held_out,
        early_stopping=rule,
        callbacks=[album],
    )
    return net, h, album.pages


def test_early_stopping_ends_after_its_patience_with_the_best_weights():
    net, h, pages = overfit()
    best = int(np.argmin(h["val_loss"]))
    assert len(h) == best + 1 + 4 < 40
    assert h.outcome == "early stopping"
    assert h.stopped == {0: f"stopped early after epoch {len(h)}"}
    assert same(host(net), pages[best]) and not same(host(net), pages[-1])


def test_best_weights_come_back_when_all_epochs_are_done():
    net, h, pages = overfit(epochs=6, rule=50)
    best = int(np.argmin(h["val_loss"]))
    assert h.outcome == "all epochs done" and best < 5
    assert same(host(net), pages[best])


def test_last_weights_stay_if_the_rule_says_so():
    net, h, pages = overfit(rule=EarlyStopping(4, restore_best=False))
    assert h.outcome == "early stopping" and same(host(net), pages[-1])
    net, h, pages = overfit(epochs=6, rule=None)
    assert len(h) == 6 and same(host(net), pages[-1])


def test_members_stop_for_themselves_and_keep_their_best():
    net, h, pages = overfit(4, rule=2, held_out=table(20, seed=1))
    ends = []
    for i in range(4):
        losses = [row[i] for row in h["val_loss"]]
        end = len([v for v in losses if v is not None])
        assert all(v is None for v in losses[end:])
        best = int(np.argmin(losses[:end]))
        assert end == best + 1 + 2
        assert h.stopped[i] == f"stopped early after epoch {end}"
        for name, p in host(net).items():
            assert np.array_equal(p[i], pages[best][name][i])
            for page in pages[end:]:  # once stopped, never moved
                assert np.array_equal(page[name][i], pages[end - 1][name][i])
        ends.append(end)
    assert len(h) == max(ends) > min(ends)


@pytest.mark.parametrize("patience", [0, -1, 1.5, True, None])
def test_early_stopping_refuses_a_patience_that_is_no_count(patience):
    with pytest.raises(ConfigError, match="patience"):
        EarlyStopping(patience)


@pytest.mark.parametrize("min_delta", [-0.1, NAN, float("inf")])
def test_early_stopping_refuses_a_min_delta_that_is_no_amount(min_delta):
    with pytest.raises(ConfigError, match="min_delta"):
        EarlyStopping(3, min_delta=min_delta)
