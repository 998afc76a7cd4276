"""The pencil's networks, by hand and by the library."""

import ast
import math
from pathlib import Path

import pytest
from lab_results import assert_pictures, holds

from gpunet.errors import Diverged
from gpunet.lab.by_hand import floats, library
from gpunet.lab.by_hand.library import CHAIN_B, CHAIN_W, POINTS, B, W

DIAGRAM = [
    *(0.03601173, 0.01800587, 0.03781385, 0.01890693, -0.06268988, -0.04567059),
    *(-0.01800587, -0.01890693, -0.14731237),
]
FORMULAS = [
    *(0.04316786, 0.02158393, 0.01512018, 0.03024036, -0.04253517, -0.06262283),
    *(-0.02158393, -0.01512018, -0.14715482),
]


def test_by_hand_needs_nothing_but_math():
    source = Path(floats.__file__).read_text("utf-8")
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            assert node.module in ("math", "random")
    assert len(source.splitlines()) <= 140


@pytest.mark.parametrize("name", ["features", "line", "by_hand", "chain", "alice"])
def test_library_agrees_to_the_last_digit(bk, name):
    short = {"rounds": 100} if name == "alice" else {}
    result = holds(getattr(library, name)(device=bk.name, **short))
    (gap,) = (c for c in result["checks"] if c["what"] == "by hand against the library")
    assert gap["found"] <= 1e-12


def test_sigmoid_has_both_ends():
    assert floats.sigmoid(0.0) == 0.5
    assert floats.sigmoid(-1000.0) == 0.0
    assert floats.sigmoid(1000.0) == 1.0
    assert floats.sigmoid(-3.0) == pytest.approx(1 - floats.sigmoid(3.0), abs=1e-15)


def test_linear_regression_step_by_step():
    w, b = [-0.017, -0.048], 0.0
    assert floats.predict(w, b, (4, 1)) == pytest.approx(-0.116, abs=1e-15)
    assert (floats.predict(w, b, (4, 1)) - 2) ** 2 == pytest.approx(4.477, abs=5e-4)
    w1, b1 = floats.learn_line(POINTS[:1], w, b, 0.05, 1)
    assert w1 == pytest.approx([0.8294, 0.1636], abs=1e-12)
    assert b1 == pytest.approx(0.2116, abs=1e-12)
    w2, b2 = floats.learn_line(POINTS, w, b, 0.01, 1000)
    assert [*w2, b2] == pytest.approx([1.0, -2.0, 0.0], abs=1e-9)


def test_points_in_turn_at_the_first_rate_diverge():
    w, _ = floats.learn_line(POINTS, [-0.017, -0.048], 0.0, 0.05, 10)
    assert abs(w[0]) > 1e6
    with pytest.raises(Diverged):
        library.line(rate=0.05)


def test_parabola_is_a_straight_sum_of_its_features():
    learned = library.features()["learned"]
    assert learned == pytest.approx([2.0, -3.0, 1.0], abs=1e-6)


def test_the_two_sets_of_labels():
    a = floats.forward(W, B, (-2, -1))[2]
    assert a == pytest.approx(0.6679203440, abs=1e-10)
    assert (1 - a) ** 2 == pytest.approx(0.1102768980, abs=1e-10)
    assert floats.forward(floats.swap(W), B, (-2, -1))[2] == pytest.approx(
        0.6681566737, abs=1e-10
    )
    assert floats.swap(floats.swap(W)) == W


def test_nine_gradients():
    rows = library.by_hand()["gradients"]
    assert [row["by_hand"] for row in rows] == pytest.approx(DIAGRAM, abs=6e-9)
    assert [r["by_hand_(formulas)"] for r in rows] == pytest.approx(FORMULAS, abs=6e-9)
    nudged = [row["by_a_nudge_(formulas)"] for row in rows]
    assert nudged != pytest.approx(DIAGRAM, abs=1e-3)


def test_slope_is_the_quotient_of_the_notes():
    for z in range(-20, 21):
        quotient = math.exp(-z) / (1 + math.exp(-z)) ** 2
        assert floats.slope(floats.sigmoid(z)) == pytest.approx(quotient, abs=1e-15)


def test_alice_to_the_last_digit():
    ones, zeros = [1.0] * 6, [0.0] * 3
    h1, h2, a1 = floats.forward(ones, zeros, (-2, -1))
    assert h1 == h2 == pytest.approx(0.04742587, abs=5e-9)
    assert a1 == pytest.approx(0.52369517, abs=5e-9)
    dw, db = floats.gradients(ones, zeros, (-2, -1), 1)
    assert dw == pytest.approx(
        [
            *(0.0214695353, 0.0107347676, 0.0214695353, 0.0107347676),
            *(-0.0112692202, -0.0112692202),
        ],
        abs=1e-10,
    )
    assert db == pytest.approx([-0.0107347676, -0.0107347676, -0.2376175595], abs=1e-10)
    found = library.alice()
    assert found["loss"] == pytest.approx(0.0023927078, abs=1e-10)
    assert found["scores"]["Emily"] == pytest.approx(0.9467883893, abs=1e-10)
    assert found["scores"]["Frank"] == pytest.approx(0.0397587605, abs=1e-10)


def test_chain():
    a = floats.chain_forward(CHAIN_W, CHAIN_B, 0.6)
    assert a[1:] == pytest.approx([0.598687660, 0.401627684, 0.623224049], abs=1e-9)
    dw, db = floats.chain_gradients(CHAIN_W, CHAIN_B, 0.6, 1)
    assert dw == pytest.approx([0.0122602619, -0.0509173724, -0.0710663793], abs=1e-10)
    assert db == pytest.approx([0.0204337699, -0.0850483078, -0.1769459178], abs=1e-10)


def test_line_is_drawn():
    assert_pictures(library.draw_line, library.line())
