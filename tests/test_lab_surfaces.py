"""Many starts of one network: the wider, the closer their losses end."""

import json

import numpy as np
import pytest
from helpers import normal

from gpunet.errors import ConfigError
from gpunet.lab.papers.surfaces import draw_surfaces, shrunk, surfaces


def missed(result):
    return [check["what"] for check in result["checks"] if not check["ok"]]


def test_losses_of_wide_networks_end_close_together(tmp_path):  # S3.17
    settings = {"widths": (5, 25), "n_starts": 60, "n_train": 500, "n_test": 1000}
    result = surfaces(**settings, epochs=25)
    assert missed(result) == []
    narrow, wide = result["widths"]
    assert wide["test_sd"] < 0.3 * narrow["test_sd"]
    assert wide["correlation"] < narrow["correlation"] - 0.1
    pytest.importorskip("matplotlib")
    for path in draw_surfaces(result, tmp_path):
        assert path.read_bytes()[:4] == b"\x89PNG"


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


def test_runs_on_every_device(bk):
    tiny = {"widths": (2, 3), "n_train": 60, "n_test": 60, "epochs": 1}
    result = surfaces(device=bk.name, n_starts=3, **tiny)
    public = {k: v for k, v in result.items() if not k.startswith("_")}
    assert json.dumps(public, allow_nan=False) and len(result["checks"]) == 4
    with pytest.raises(ConfigError):
        surfaces(n_starts=2, **tiny)
    with pytest.raises(ConfigError):
        surfaces(side=29, **tiny)
