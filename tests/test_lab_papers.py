"""The papers in small: random labels are learned, wide networks end close together."""

import numpy as np
import pytest
from helpers import normal
from lab_results import assert_pictures, missed, public

from gpunet.errors import ConfigError
from gpunet.lab.papers.memorization import (
    draw_memorization,
    memorization,
    random_labels,
)
from gpunet.lab.papers.surfaces import draw_surfaces, shrunk, surfaces


def test_random_labels_are_memorized_and_real_ones_sooner():
    result = memorization(n_train=400, noise=(0.0, 1.0), n_seeds=2)
    assert missed(result) == []
    real, random = result["labels"]
    assert random["training_accuracy"] == real["training_accuracy"] == 1
    assert 0.06 < random["test_accuracy"] < 0.15 < 0.8 < real["test_accuracy"]
    assert real["epochs_to_99_percent"] * 2 < random["epochs_to_99_percent"]
    assert_pictures(draw_memorization, result)


def test_random_labels_change_the_share_asked_for():
    t = np.full(10_000, 3)
    assert np.array_equal(random_labels(t, 0.0, 1), t)
    half, every = random_labels(t, 0.5, 1), random_labels(t, 1.0, 1)
    assert abs((half != 3).mean() - 0.45) < 0.02
    assert np.abs(np.bincount(every) - 1000).max() < 150
    assert not np.array_equal(every, random_labels(t, 1.0, 2)) and (t == 3).all()


def test_too_little_training_misses_the_target(bk):
    result = memorization(
        device=bk.name, n_train=60, hidden_neurons=4, n_seeds=2, epochs=1
    )
    assert public(result)
    assert "random share 100%: training digits learned" in missed(result)
    with pytest.raises(ConfigError, match="noise"):
        memorization(n_train=60, noise=(1.5,), epochs=1)


def test_losses_of_wide_networks_end_close_together():
    settings = {"widths": (5, 25), "n_starts": 60, "n_train": 500, "n_test": 1000}
    result = surfaces(**settings, epochs=25)
    assert missed(result) == []
    narrow, wide = result["widths"]
    assert wide["test_sd"] < 0.3 * narrow["test_sd"]
    assert wide["correlation"] < narrow["correlation"] - 0.1
    assert_pictures(draw_surfaces, result)


def test_shrunk_averages_over_areas():
    x = np.abs(normal(0, 3, 784))
    for side in (1, 4, 10, 28):
        small = shrunk(x, side)
        assert small.shape == (3, side * side)
        assert np.allclose(small.mean(axis=1), x.mean(axis=1))
    assert np.allclose(shrunk(x, 28), x)
    quarters = x.reshape(3, 14, 2, 14, 2).mean(axis=(2, 4)).reshape(3, -1)
    assert np.allclose(shrunk(x, 14), quarters)
    dot = np.zeros((1, 784))
    dot[0, 2] = 1.0  # the third pixel: 0.8 of it in the first cell, 0.2 in the next
    assert np.allclose(shrunk(dot, 10)[0, :3] * 2.8**2, [0.8, 0.2, 0.0])


def test_surfaces_runs_on_every_device(bk):
    tiny = {"widths": (2, 3), "n_train": 60, "n_test": 60, "epochs": 1}
    result = surfaces(device=bk.name, n_starts=3, **tiny)
    assert public(result) and len(result["checks"]) == 4
    with pytest.raises(ConfigError):
        surfaces(n_starts=2, **tiny)
    with pytest.raises(ConfigError):
        surfaces(side=29, **tiny)
