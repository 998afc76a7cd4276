"""The map of words."""

import numpy as np
import pytest

from gpunet.show.style import to_png
from gpunet.show.words import draw_map, place_labels


def overlaps(corners, sizes):
    low, high = corners, corners + sizes
    both = np.minimum(high[:, None], high) - np.maximum(low[:, None], low)
    area = np.maximum(both, 0).prod(axis=-1)
    np.fill_diagonal(area, 0)
    return area.sum() / 2


def test_names_of_a_crowd_do_not_overlap():
    rng = np.random.Generator(np.random.PCG64(0))
    points = rng.uniform(0, [800, 600], (60, 2))
    sizes = np.tile([50.0, 12.0], (60, 1))
    right = points + np.array([4, -6])
    placed = place_labels(points, sizes, (0, 0, 800, 600))
    assert overlaps(right, sizes) > 500
    assert overlaps(placed, sizes) == 0


def test_lone_name_stands_right_of_its_point():
    corners = place_labels(
        np.array([[50.0, 50]]), np.array([[20.0, 10]]), (0, 0, 99, 99)
    )
    assert corners.tolist() == [[54, 45]]


def test_name_at_the_edge_stays_inside():
    points, sizes = np.array([[95.0, 50], [50, 97]]), np.array([[20.0, 10], [20, 10]])
    corners = place_labels(points, sizes, (0, 0, 100, 100))
    assert (corners >= 0).all() and (corners + sizes <= 100).all()


def test_one_place_for_too_many_names_still_ends():
    points, sizes = np.full((40, 2), 50.0), np.tile([20.0, 10.0], (40, 1))
    corners = place_labels(points, sizes, (0, 0, 100, 100))
    assert len({tuple(c) for c in corners.tolist()}) >= 8


def test_map_is_a_png_that_shows_every_word():
    pytest.importorskip("matplotlib")
    names = ["king", "queen", "cost$", "x_1", "^&{}\\", "ß"]
    points = np.random.Generator(np.random.PCG64(0)).standard_normal((6, 2))
    content, again = (to_png(draw_map(names, points, title="6")) for _ in "ab")
    assert content.startswith(b"\x89PNG") and len(content) > 5_000
    assert again == content


def test_map_of_equal_points_is_drawn():
    pytest.importorskip("matplotlib")
    assert to_png(draw_map(["a", "b"], np.zeros((2, 2))))
