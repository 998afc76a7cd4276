"""The file config.json: it repeats its run, and a wrong one is refused unread."""

import io
from types import SimpleNamespace

import pytest
from tiny import assert_same_run, carry, left_behind, settings, write_set

from gpunet.errors import ConfigError
from gpunet.runs.config import load_config


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_set(tmp_path_factory.mktemp("data"))


@pytest.mark.parametrize(
    "changes",
    [
        {"optimizer": "sgd", "learning_rate": 0.3, "momentum": 0.9, "nesterov": True},
        {"population": 2, "learning_rate": [0.1, 0.02], "dropout": 0.2, "seed": [5, 3]},
        {"layer_rates": {"0": 2.0}, "frozen": ["2.b"], "schedule": "warmup:1+cosine"},
    ],
)
def test_config_json_repeats_its_run(data, tmp_path, changes):
    carry(settings(data, **changes), tmp_path / "first")
    config = load_config(tmp_path / "first" / "config.json")
    assert config == settings(data, **changes)
    carry(config, tmp_path / "second")
    assert_same_run(tmp_path / "second", left_behind(tmp_path / "first"))


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "is damaged"),
        (b'{"epochs": 3', "is damaged"),
        (b"[" * 100_000, "is nested too deeply"),
        (b'{"epochs": "\xff"}', "is damaged"),
        (b"3", "must be a JSON object, got int"),
        (b'{"epochs": 3, "epoch": 4}', "no such setting"),
        (b'{"learning_rate": "1e-3x"}', "learning_rate: must be int"),
    ],
)
def test_config_file_that_is_none_is_refused(tmp_path, content, why):
    path = tmp_path / "config.json"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=f"config.json: .*{why}") as caught:
        load_config(path)
    assert len(str(caught.value)) < 480


def test_huge_config_file_is_refused_unread(tmp_path):
    path = tmp_path / "config.json"
    with path.open("wb") as file:
        file.truncate(2**32)  # sparse: it takes no room on the disk
    with pytest.raises(
        ConfigError, match=r"has 4,294,967,296 bytes, more than the limit"
    ):
        load_config(path)


def test_config_file_that_is_not_there_is_refused(tmp_path):
    for path, why in (
        (tmp_path / "none.json", "give a config.json"),
        (tmp_path, r"config\.json: No such file"),
    ):
        with pytest.raises(ConfigError, match=why):
            load_config(path)


def test_run_folder_stands_for_its_config(tmp_path):
    (tmp_path / "config.json").write_text('{"epochs": 3}')
    assert load_config(tmp_path)["epochs"] == load_config(str(tmp_path))["epochs"] == 3


def test_config_can_come_from_standard_input(monkeypatch):
    def read(content, terminal=False):
        stream = SimpleNamespace(buffer=io.BytesIO(content), isatty=lambda: terminal)
        monkeypatch.setattr("sys.stdin", stream)
        return load_config("-")

    assert read(b'{"epochs": 3}')["epochs"] == 3
    with pytest.raises(ConfigError, match="config: standard input: is damaged"):
        read(b"{")
    with pytest.raises(ConfigError, match="is a terminal; pipe a file into it"):
        read(b"", terminal=True)
    with pytest.raises(ConfigError, match="has more than"):
        read(b" " * 10**8)
    monkeypatch.setattr("sys.stdin", None)
    with pytest.raises(ConfigError, match="config: standard input: cannot be read"):
        load_config("-")
