"""Presets: each builds, learns, and says what its source says."""

import numpy as np
import pytest
from tiny import carry, write_set

from gpunet.errors import ConfigError
from gpunet.runs.config import (
    check_config,
    data_from_config,
    network_from_config,
    optimizer_from_config,
)
from gpunet.runs.presets import DEFAULTS, PRESETS, preset
from gpunet.runs.progress import brief


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_set(tmp_path_factory.mktemp("data"), side=28)


@pytest.mark.parametrize("name", PRESETS)
def test_preset_takes_three_steps(data, tmp_path, name):
    config = preset(name) | {"data_dir": str(data), "validation": 12, "device": "cpu"}
    assert check_config(config) == config
    outputs = config["sizes"][-1]
    assert outputs == 10
    net, _, result, _ = carry(config, tmp_path / "out", max_steps=3)
    start = network_from_config(config)
    assert result["steps"] == 3 and result["outcome"] == "step limit reached"
    assert any(not np.array_equal(net.params[k], start.params[k]) for k in net.params)


def test_presets_are_known_settings_only():
    for name, changes in PRESETS.items():
        assert changes.keys() <= DEFAULTS.keys()
        assert preset(name) == {**DEFAULTS, **changes}
    before = dict(DEFAULTS)
    preset("default")["sizes"] = []
    assert before == DEFAULTS


def test_presets_say_what_their_sources_say():
    book, l2 = preset("nielsen"), preset("nielsen-l2")
    assert book["sizes"] == [784, 30, 10] and book["learning_rate"] == 3.0
    assert (book["batch_size"], book["epochs"]) == (10, 30)
    assert (l2["l2"], l2["learning_rate"]) == (1e-4, 0.5)  # lambda / n = 5 / 50,000
    video = network_from_config(preset("3b1b"))
    assert video.n_parameters == 13_002
    talk = preset("albahari")
    assert (talk["batch_size"], talk["schedule"]) == (1, "exponential:0.9")
    stops = {name: preset(name)["early_stopping"] for name in PRESETS}
    assert stops.pop("table") == "auto" and set(stops.values()) == {None}
    for name in PRESETS:
        rate = preset(name)["learning_rate"]
        assert optimizer_from_config(preset(name)).learning_rate == rate


def test_nielsens_split_is_of_the_full_mnist():
    splits = data_from_config(preset("nielsen"))
    assert len(splits.train) == 50_000 and len(splits.validation) == 10_000


def test_unknown_preset_is_refused():
    with pytest.raises(ConfigError, match="'nielson': no such preset; choose from"):
        preset("nielson")


def test_brief_shows_a_number_or_the_mean_of_the_known_ones():
    assert brief(0.12345) == "0.1235" and brief([0.25, None, 0.75], 2) == "0.50"
    assert brief(None) == brief([None]) == "-"
