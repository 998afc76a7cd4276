"""Schedules: factors by hand, texts, and the plateau's memory."""

from math import inf, nan

import pytest

from gpunet import schedule
from gpunet.errors import ConfigError
from gpunet.training.schedules import SCHEDULES, ReduceOnPlateau

# text -> (epochs done, epochs in all) -> factor
BY_HAND = {
    "constant": {(0, 10): 1, (7.5, 10): 1},
    "step:2": {(0, 9): 1, (1.99, 9): 1, (2, 9): 0.5, (3.9, 9): 0.5, (4, 9): 0.25},
    "step:10,0.1": {(9, 30): 1, (10, 30): 0.1, (29.5, 30): 0.01},
    "exponential:0.9": {(0, 5): 1, (0.7, 5): 1, (1, 5): 0.9, (2.5, 5): 0.81},
    "inverse_time:0.5": {(0, 5): 1, (1, 5): 2 / 3, (2, 5): 0.5},
    "cosine": {(0, 8): 1, (4, 8): 0.5, (2, 6): 0.75, (8, 8): 0, (9, 8): 0},
    "cosine:0.2": {(0, 8): 1, (4, 8): 0.6, (8, 8): 0.2},
    "one_cycle": {(0, 10): 0.04, (1.5, 10): 0.52, (3, 10): 1, (10, 10): 1e-4},
    "one_cycle:0.5,0.2,0.1": {(0, 8): 0.2, (2, 8): 0.6, (4, 8): 1, (6, 8): 0.55},
    "warmup:2": {(0, 9): 0, (1, 9): 0.5, (2, 9): 1, (8, 9): 1},
    "warmup:2+cosine": {(0, 10): 0, (1, 10): 0.5, (2, 10): 1, (6, 10): 0.5},
    "warmup:0.5+exponential:0.5": {(0.25, 4): 0.5, (0.5, 4): 1, (1.5, 4): 0.5},
    "plateau": {(3, 9): 1},
    "plateau:0.1,2": {(3, 9): 1},
}


@pytest.mark.parametrize("text", BY_HAND)
def test_schedule_gives_the_numbers_by_hand(text):
    factor = schedule(text)
    for (done, total), wanted in BY_HAND[text].items():
        assert factor(done, total) == pytest.approx(wanted, rel=1e-12, abs=1e-12)


def test_every_schedule_has_a_number_by_hand():
    assert {text.partition(":")[0].partition("+")[0] for text in BY_HAND} == set(
        SCHEDULES
    )


def test_schedule_of_no_epochs_is_at_its_end():
    assert schedule("cosine")(0, 0) == 0
    assert schedule("one_cycle")(0, 0) == pytest.approx(1e-4)


def test_one_cycle_with_its_peak_at_the_end_works_or_is_refused():
    try:
        factor = schedule("one_cycle:1")
    except ConfigError:
        return
    assert [factor(k, 8) for k in (0, 4)] == pytest.approx([0.04, 0.52])
    assert 0 < factor(8, 8) <= 1


def test_a_function_is_its_own_schedule():
    def mine(done, total):
        return 0.5

    assert schedule(mine) is mine


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("cosin", r"'cosin': no such schedule; choose from constant"),
        ("", "no such schedule"),
        (None, "no such schedule"),
        ("constant:1", "constant takes 0 positive number"),
        ("step", r"step takes 1 to 2 positive number"),
        ("step:1,2,3", "step takes 1 to 2"),
        ("step:0", "step takes 1 to 2"),
        ("step:-1", "step takes 1 to 2"),
        ("exponential:x", "exponential takes 1"),
        ("exponential:nan", "exponential takes 1"),
        ("exponential:inf", "exponential takes 1"),
        ("exponential:0.9,0.8", "exponential takes 1"),
        ("plateau:1,2,3", "plateau takes 0 to 2"),
        ("inverse_time:1,2", "inverse_time takes 1 "),
        ("inverse_time", "inverse_time takes 1 "),
        ("cosine:1,2", "cosine takes 0 to 1"),
        ("one_cycle:1,2,3,4", "one_cycle takes 0 to 3"),
        ("warmup:1,2", "warmup takes 1 "),
        ("warmup", "warmup takes 1"),
        ("cosine+warmup:1", "only warmup:EPOCHS can stand before a plus sign"),
        ("warmup:1+plateau", "plateau stands alone"),
        ("warmup:1+", "no such schedule"),
    ],
)
def test_schedule_refuses_other_texts(text, why):
    with pytest.raises(ConfigError, match=why):
        schedule(text)


def test_warm_up_hands_over_without_a_jump():
    factor = schedule("warmup:2+exponential:0.5")
    assert [factor(k, 9) for k in (0, 1.5, 2, 2.5, 3, 4)] == [0, 0.75, 1, 1, 0.5, 0.25]


def test_plateau_cuts_after_its_patience():
    plateau = ReduceOnPlateau(0.5, 2)
    seen = []
    for value in (1.0, 0.9, 0.9, 1.2, 0.95, 0.8, 0.8, 0.8, 0.8):
        plateau.update([value])
        seen.append(plateau(0, 9))
    assert seen == [1, 1, 1, 1, 0.5, 0.5, 0.5, 0.5, 0.25]


def test_plateau_never_takes_nan_for_a_best():
    plateau = ReduceOnPlateau(0.5, 2)
    for value, best, bad in (
        *((nan, None, 1), (1.0, 1.0, 0), (nan, 1.0, 1), (inf, 1.0, 2)),
        *((0.5, 0.5, 0), (0.5, 0.5, 1)),
    ):
        plateau.update([value])
        assert plateau.state == {"best": [best], "bad": [bad], "now": [1.0]}


def test_plateau_keeps_a_factor_for_each_member():
    plateau = ReduceOnPlateau(0.1, 1)
    for losses in ([1.0, 1.0, nan], [0.5, 1.0, nan], [0.4, 2.0, 3.0]):
        plateau.update(losses)
    assert plateau(0, 9) == [1.0, 0.1, 0.1]
    kept = plateau(0, 9)
    plateau.update([0.3, 9.0, 9.0])
    plateau.update([0.2, 9.0, 9.0])
    assert kept == [1.0, 0.1, 0.1]
    assert plateau(0, 9) == pytest.approx([1.0, 0.01, 0.01])
