"""Random labels are learned to the last digit, and teach nothing."""

import json

import numpy as np
import pytest

from gpunet.errors import ConfigError
from gpunet.lab.papers.memorization import (
    draw_memorization,
    memorization,
    random_labels,
)


def missed(result):
    return [check["what"] for check in result["checks"] if not check["ok"]]


def test_random_labels_are_memorized_and_real_ones_sooner(tmp_path):  # S3.16 S3.18
    result = memorization(n_train=400, noise=(0.0, 1.0), n_seeds=2)
    assert missed(result) == []
    real, random = result["labels"]
    assert random["training_accuracy"] == real["training_accuracy"] == 1
    assert 0.06 < random["test_accuracy"] < 0.15 < 0.8 < real["test_accuracy"]
    assert real["epochs_to_99_percent"] * 2 < random["epochs_to_99_percent"]
    pytest.importorskip("matplotlib")
    (path,) = draw_memorization(result, tmp_path)
    assert path.read_bytes()[:4] == b"\x89PNG"


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
    public = {k: v for k, v in result.items() if not k.startswith("_")}
    assert json.dumps(public, allow_nan=False)
    assert "random share 100%: training digits learned" in missed(result)
    with pytest.raises(ConfigError, match="noise"):
        memorization(n_train=60, noise=(1.5,), epochs=1)
