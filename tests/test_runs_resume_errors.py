"""Resuming refuses what would not be the same run."""

import json
import os

import numpy as np
import pytest
from tiny import (
    STEPS,
    assert_same_run,
    carry,
    checkpoint_paths,
    left_behind,
    settings,
    stopped,
    write_set,
)

from gpunet.errors import ConfigError, DataError, ModelFileError
from gpunet.runs import run as run_module
from gpunet.storage import read_tensors, write_tensors


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_set(tmp_path_factory.mktemp("data"))


@pytest.mark.parametrize(
    "change",
    [
        {"epoch": "1"},
        {"epoch": 1.0},
        {"loss": "x"},
        {"loss": True},
        {"loss": {}},
        {"loss": [0.1]},
        {"val_loss": 10**400},
        {"accuracy": [[0.1]]},
    ],
)
def test_history_of_another_run_is_refused(data, tmp_path, change):
    config = stopped(data, tmp_path / "p", 2 * STEPS)
    path = tmp_path / "p" / "history.jsonl"
    first, *rest = map(json.loads, path.read_text().splitlines())
    lines = [json.dumps(record) for record in (first | change, *rest)]
    path.write_text("\n".join(lines) + "\n")
    (name,) = change
    why = f"history: the record of step 5 has the {name} .*; repair or remove that line"
    with pytest.raises(ModelFileError, match=why):
        carry(config, tmp_path / "p", resume="auto")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("sizes", [16, 9, 3]),
        ("learning_rate", 0.02),
        ("batch_size", 11),
        ("seed", 1),
        ("optimizer", "sgd"),
        ("validation", 13),
        ("dtype", "float64"),
    ],
)
def test_changed_option_is_refused_when_resuming(data, tmp_path, key, value):
    stopped(data, tmp_path / "p")
    wanted = left_behind(tmp_path / "p")
    changed = settings(data, **{key: value})
    with pytest.raises(ConfigError, match=f"resume: {key}: the run was started with"):
        carry(changed, tmp_path / "p", resume="auto", given={key})
    assert_same_run(tmp_path / "p", wanted)
    # not given on the command line, it comes from the checkpoint
    carry(changed, tmp_path / "p", resume="auto", given={"epochs"})
    kept = json.loads((tmp_path / "p" / "config.json").read_text())
    assert kept == settings(data)


def test_config_of_a_folder_without_checkpoint_counts(data, tmp_path):
    begun = settings(data, epochs=1, seed=5)
    (tmp_path / "p").mkdir()
    (tmp_path / "p" / "config.json").write_text(json.dumps(begun))
    carry(settings(data), tmp_path / "p", resume="auto")  # killed before a checkpoint
    carry(begun, tmp_path / "whole")
    assert_same_run(tmp_path / "p", left_behind(tmp_path / "whole"))


def test_other_data_are_refused(data, tmp_path):
    config = stopped(data, tmp_path / "p")
    wanted = left_behind(tmp_path / "p")
    other = config | {"data_dir": str(write_set(tmp_path / "other", seed=1))}
    with pytest.raises(DataError, match="started with other training data"):
        carry(other, tmp_path / "p", resume="auto", given={"data_dir"})
    assert_same_run(tmp_path / "p", wanted)
    moved = config | {"data_dir": str(write_set(tmp_path / "moved"))}
    carry(moved, tmp_path / "p", resume="auto", given={"data_dir"})
    carry(config, tmp_path / "whole")
    assert_same_run(tmp_path / "p", left_behind(tmp_path / "whole"))


def test_other_machine_warns_and_strict_resume_refuses(data, tmp_path, monkeypatch):
    config = stopped(data, tmp_path / "p")
    wanted = left_behind(tmp_path / "p")

    def elsewhere(*args):
        return true(*args) | {"threads": "77", "library": "numpy 9"}

    true = run_module.fingerprint
    monkeypatch.setattr(run_module, "fingerprint", elsewhere)
    with pytest.raises(ModelFileError, match="leave `strict_resume` out"):
        carry(config, tmp_path / "p", resume="auto", strict_resume=True)
    assert_same_run(tmp_path / "p", wanted)
    *_, notes = carry(config, tmp_path / "p", resume="auto", max_steps=STEPS + 3)
    warned = [note for note in notes if note.startswith("warning: resume:")]
    assert len(warned) == 2 and "'77'" in " ".join(warned)


def test_checkpoint_of_another_network_is_refused(data, tmp_path):
    config = stopped(data, tmp_path / "p")
    (_, newest) = checkpoint_paths(tmp_path / "p")
    tensors, state = read_tensors(newest)
    write_tensors(
        newest, tensors | {"params.0.b": np.zeros(9, np.float32)}, state
    )  # its digests are right
    before = newest.read_bytes()
    with pytest.raises(ModelFileError, match=r"\(9,\).*\(8,\)"):
        carry(config, tmp_path / "p", resume="auto")
    assert newest.read_bytes() == before


def test_what_cannot_be_resumed_is_refused(data, tmp_path):
    config = settings(data)
    carry(config, tmp_path / "p")
    with pytest.raises(ConfigError, match=r"holds a run already; .*resume='auto'"):
        carry(config, tmp_path / "p")
    with pytest.raises(ModelFileError, match="no such file or folder"):
        carry(config, None, resume=tmp_path / "q")
    with pytest.raises(ModelFileError, match="is a model, not a checkpoint"):
        carry(config, tmp_path / "q", resume=tmp_path / "p" / "model.safetensors")
    before = sorted(tmp_path.iterdir())
    for path in (tmp_path / "p" / "model.safetensors", os.devnull):
        with pytest.raises(ModelFileError, match="not in the checkpoints folder"):
            carry(config, None, resume=path)
    assert sorted(tmp_path.iterdir()) == before  # no folder was claimed there
    (tmp_path / "empty").mkdir()
    with pytest.raises(ModelFileError, match="holds no checkpoint"):
        carry(config, None, resume=tmp_path / "empty")
    for path in checkpoint_paths(tmp_path / "p"):
        path.write_bytes(b"x" * 100)
    with pytest.raises(ModelFileError, match="none of its 2 checkpoints is sound"):
        carry(config, tmp_path / "p", resume="auto")
