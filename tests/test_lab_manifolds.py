"""Olah's disc in a ring, clouds of points and their borders."""

import numpy as np
import pytest
from lab_results import assert_pictures, missed, public

from gpunet import SGD, mlp
from gpunet.errors import ConfigError
from gpunet.lab.manifolds import bending, clouds
from gpunet.lab.tools import descend


@pytest.fixture(scope="module")
def result():
    return bending.disc_in_ring()


def test_disc_leaves_the_ring_with_three_neurons(result):
    assert missed(result) == []
    one, two, three, four = result["widths"]
    assert abs(one["best"] - 0.720) < 0.05 and one["all_points_right"] == 0
    assert abs(two["best"] - 0.925) < 0.04 and two["all_points_right"] == 0
    assert three["all_points_right"] == four["all_points_right"] == 10
    assert result["on_a_line_1_unit"] < 1 == result["on_a_line_2_units"]


def test_pictures_of_the_bent_plane(result):
    assert_pictures(bending.draw_disc_in_ring, result)


def test_lifted_points_are_parted_by_a_flat_cut(result):
    net, (x, t) = result["_gentle"][3], result["_points"]
    points = bending.hidden(net, x)
    view, cut = bending._side_view(net, points)
    height = view(points)[:, 1]
    assert np.array_equal(height > cut[0, 1], net.classify(x) == 1)
    assert cut[0, 1] == cut[1, 1] and (net.classify(x) == t).all()


def test_borders_of_moons_spirals_and_blobs():
    result = bending.boundaries(n_seeds=3)
    assert missed(result) == []
    assert_pictures(bending.draw_boundaries, result)


def test_clouds_have_their_shapes():
    x, t = clouds.ring(200, 0)
    r = np.linalg.norm(x, axis=1)
    assert r[t == 1].max() <= 1 / 3 and 2 / 3 <= r[t == 0].min() <= r.max() <= 1
    # Even over the area: half of the disc's points within 1/sqrt(2) of its radius.
    assert abs((r[t == 1] < 1 / 3 / 2**0.5).mean() - 0.5) < 0.1
    x, t = clouds.ring(200, 0, dimensions=1)
    assert x.shape == (400, 1) and np.abs(x[t == 1]).max() <= 1 / 3
    for make, kinds in ((clouds.moons, 2), (clouds.spirals, 2), (clouds.blobs, 3)):
        x, t = make(30, 1)
        assert x.shape == (30 * kinds, 2) and np.bincount(t).tolist() == [30] * kinds
        assert np.abs(x).max() < 1.6
        assert np.array_equal(x, make(30, 1)[0]) and (x != make(30, 2)[0]).any()


def test_descend_takes_the_step_of_the_formula(bk):
    net = mlp([2, 3], seed=1, device=bk, dtype="float64")
    W = bk.to_host(net.params["0.W"]).copy()
    x, t = np.array([[1.0, 2.0], [0.5, -1.0]]), np.array([2, 0])
    y = x @ W
    p = np.exp(y) / np.exp(y).sum(axis=1, keepdims=True)
    descend(net, x, t, SGD(0.5), 1)
    expected = W - 0.5 * x.T @ (p - np.eye(3)[t]) / 2
    assert np.allclose(bk.to_host(net.params["0.W"]), expected, atol=1e-12)


def test_grid_and_region_cover_the_square():
    lines = bending.grid(1.0, 5)
    assert len(lines) == 10 and all(line.shape == (60, 2) for line in lines)
    assert {tuple(np.ptp(line, axis=0).round(9)) for line in lines} == {(0, 2), (2, 0)}
    net = mlp([2, 2], weight_init=np.array([[0.0, 1.0], [0.0, 0.0]]))
    x, y, labels = bending.region(net, 2.0, 20)
    assert labels.shape == (20, 20) and np.array_equal(labels[0], x > 0)
    assert np.array_equal(labels[0], labels[-1]) and len(y) == 20


def test_runs_on_every_device(bk):
    tiny = {"n_seeds": 2, "n_steps": 6, "n_points": 10}
    for result in (
        bending.disc_in_ring(device=bk.name, **tiny),
        bending.boundaries(device=bk.name, **tiny),
    ):
        assert public(result) and missed(result)


def test_too_few_points_are_refused():
    with pytest.raises(ConfigError):
        bending.disc_in_ring(n_points=2)
    with pytest.raises(ConfigError):
        bending.boundaries(n_points=0)
