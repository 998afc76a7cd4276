"""Downhill in one, two and 13,002 dimensions."""

import pytest
from lab_results import assert_pictures, holds

from gpunet.errors import ConfigError
from gpunet.lab.descent import importance, landscapes

ALL = [
    landscapes.curve,
    landscapes.surface,
    landscapes.paths,
    importance.importance,
    importance.quiz,
]


@pytest.mark.parametrize("experiment", ALL)
def test_experiment_holds_on_every_backend(bk, experiment):
    holds(experiment(device=bk.name))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_seeds_do_not_matter(seed):
    for experiment in (landscapes.paths, importance.importance, importance.quiz):
        holds(experiment(seed=seed))


def test_the_start_decides_the_minimum():
    balls = {(b["curve"], b["start"]): b for b in landscapes.curve()["balls"]}
    wanted = {
        ("three valleys", -3.0): (-2.0131, 0.49803),
        ("three valleys", -0.7): (0.9196, 1.3878),
        ("three valleys", 0.0): (0.9196, 1.3878),
        ("three valleys", 2.2): (0.9196, 1.3878),
        ("three valleys", 4.0): (2.9679, 1.99529),
        ("two valleys", -4.2): (-2.9733, 1.2092),
        ("two valleys", 4.2): (2.6569, 2.90363),
    }
    for key, (w, cost) in wanted.items():
        assert balls[key]["end"] == pytest.approx(w, abs=1e-4)
        assert balls[key]["cost"] == pytest.approx(cost, abs=1e-4)


@pytest.mark.parametrize(("x", "y"), [(1.0, 1.0), (-2.0, 0.5), (0.1, -3.0)])
def test_gradient_is_the_steepest_ascent(x, y):
    found = holds(landscapes.surface(x=x, y=y))
    assert found["gradient"] == [3 * x, y]
    direction = found["its_direction_in_degrees"]
    apart = (found["steepest_of_360_ways"] - direction + 180) % 360 - 180
    assert abs(apart) <= 1


def test_nudging_x_moves_the_cost_three_times_as_much():
    found = landscapes.surface()
    ratio = found["rise_by_a_nudge_of_x"] / found["rise_by_a_nudge_of_y"]
    assert ratio == pytest.approx(3.0, abs=1e-5)


def test_large_slopes_move_the_cost_most():
    found = importance.importance(examples=50)
    falls = [row["measured_fall"] for row in found["tenths_by_rank"]]
    assert falls[0] > 3 * falls[1] > 9 * falls[3] > 0
    assert found["parameters"] == 13_002
    for row in found["single_parameters"]:
        assert row["measured_fall"] == pytest.approx(row["foretold_fall"], rel=1e-3)


def test_equal_batches_average_to_the_whole_gradient():
    for size in (1, 4, 32, 64):
        found = landscapes.paths(batch_size=size)
        assert {c["what"]: c["ok"] for c in found["checks"]}[
            "mean of the batches' gradients - the whole"
        ]
    assert (
        max(landscapes.paths(batch_size=64)["degrees_between_batch_and_whole"]) < 1e-4
    )


def test_biases_of_the_target_rise_alone():
    rows = importance.quiz()["output_biases"]
    assert [row["biases_that_rise"] for row in rows] == [[k] for k in range(10)]


@pytest.mark.parametrize(
    "call",
    [
        lambda: landscapes.curve(rate=0.5),
        lambda: landscapes.curve(steps=0),
        lambda: landscapes.surface(x=0.0, y=0.0),
        lambda: landscapes.paths(batch_size=5),
        lambda: landscapes.paths(rate=0.0),
        lambda: importance.importance(examples=0),
        lambda: importance.importance(nudge=1.0),
    ],
)
def test_bad_options_are_refused(call):
    with pytest.raises(ConfigError):
        call()


@pytest.mark.parametrize(
    ("module", "name"),
    [
        (landscapes, "curve"),
        (landscapes, "surface"),
        (landscapes, "paths"),
        (importance, "importance"),
    ],
)
def test_pictures_are_drawn(module, name):
    result = getattr(module, name)()
    assert_pictures(getattr(module, f"draw_{name}"), result)
