"""Resuming: a run in pieces leaves, bit for bit, what the whole run leaves."""

import json

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
    timeless,
    write_set,
)

from gpunet.errors import Diverged
from gpunet.storage import RunFolder, read_tensors
from gpunet.training import steppers


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_set(tmp_path_factory.mktemp("data"))


CASES = {
    "sgd": {"optimizer": "sgd", "learning_rate": 0.3},
    "momentum": {"optimizer": "sgd", "learning_rate": 0.1, "momentum": 0.9},
    "adam": {"dropout": 0.3, "schedule": "one_cycle"},
    "rmsprop": {"optimizer": "rmsprop", "l2": 0.01, "schedule": "cosine"},
    "plateau": {"schedule": "plateau:0.5,1", "learning_rate": 0.3, "epochs": 8},
    "stopping": {"early_stopping": 1, "learning_rate": 0.3, "epochs": 8},
    "population": {"population": 3, "dropout": 0.2, "learning_rate": [0.1, 0.01, 0.3]},
    "blocks": {"population": 5, "seed": [4, 1, 9, 2, 2]},
    "members stop": {"population": 4, "early_stopping": 1, "epochs": 9},
    "member diverges": {
        "population": 3,
        "optimizer": "sgd",
        "learning_rate": [0.1, 1e38, 0.2],
    },
    "untracked": {"compute_metrics": False, "momentum": 0.0, "validation": 0},
    "shared": {"population": 2, "shuffle": "shared"},
    "weights": {"class_weight": [1.0, 3.0, 0.5], "dtype": "float64"},
}


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    monkeypatch.setattr(steppers, "BLOCK", 4)


@pytest.mark.parametrize("case", CASES)
def test_run_in_pieces_equals_the_whole_run(data, tmp_path, case):
    config = settings(data, **CASES[case])
    carry(config, tmp_path / "whole")
    wanted = left_behind(tmp_path / "whole")
    out = tmp_path / "pieces"
    # in the first epoch, at its end, one step on, and in the middle again
    for k, step in enumerate((2, STEPS, STEPS + 1, 2 * STEPS - 1, None)):
        resume = "auto" if k else None
        _, history, _, _ = carry(config, out, max_steps=step, resume=resume)
        if step:
            assert history.outcome in ("step limit reached", "early stopping")
    assert_same_run(out, wanted)


@pytest.mark.parametrize("case", ["adam", "plateau"])
def test_run_stopped_after_every_step_equals_the_whole_run(data, tmp_path, case):
    config = settings(data, **CASES[case])
    carry(config, tmp_path / "whole")
    for step in range(1, config["epochs"] * STEPS + 1):
        carry(config, tmp_path / "p", max_steps=step, resume="auto")
    carry(config, tmp_path / "p", resume="auto")
    assert_same_run(tmp_path / "p", left_behind(tmp_path / "whole"))


def test_same_seed_gives_the_same_files_wherever_they_lie(data, tmp_path):
    for name in ("a", "b"):
        carry(settings(data, population=2), tmp_path / name)
    a, b = (RunFolder(tmp_path / name) for name in ("a", "b"))
    assert timeless(a.history) == timeless(b.history)
    assert a.best.read_bytes() == b.best.read_bytes()
    assert a.config.read_bytes() == b.config.read_bytes()
    for one, other in zip(
        sorted(a.checkpoints.iterdir()), sorted(b.checkpoints.iterdir()), strict=True
    ):
        assert one.name == other.name and one.read_bytes() == other.read_bytes()
    assert a.model.read_bytes() == b.model.read_bytes()


def test_damaged_newest_checkpoint_costs_one_warning_and_nothing_else(data, tmp_path):
    config = stopped(data, tmp_path / "p")
    older, newest = checkpoint_paths(tmp_path / "p")
    content = bytearray(newest.read_bytes())
    content[len(content) // 2] ^= 4
    newest.write_bytes(content)
    *_, notes = carry(config, tmp_path / "p", resume="auto")
    (warning,) = [note for note in notes if note.startswith("warning")]
    assert str(newest)[-40:] in warning and str(older)[-40:] in warning
    carry(config, tmp_path / "whole")
    assert_same_run(tmp_path / "p", left_behind(tmp_path / "whole"))


def killed_before_pruning(folder):
    """Put an older checkpoint back, as a kill before its removal leaves it."""
    _, tensors, state = folder.newest_checkpoint()
    with folder:
        folder.save_checkpoint(1, tensors, state, keep=9)
    assert len(checkpoint_paths(folder.path)) == 3


def test_checkpoint_that_a_kill_left_too_many_goes_on_resume(data, tmp_path):
    config = settings(data)
    carry(config, tmp_path / "p")
    folder, wanted = RunFolder(tmp_path / "p"), left_behind(tmp_path / "p")
    kept, best = checkpoint_paths(tmp_path / "p"), folder.best.read_bytes()
    killed_before_pruning(folder)
    carry(config, tmp_path / "p", resume="auto", keep=3)
    assert len(checkpoint_paths(tmp_path / "p")) == 3
    carry(config, tmp_path / "p", resume="auto")  # nothing is left to train or save
    assert checkpoint_paths(tmp_path / "p") == kept
    assert folder.best.read_bytes() == best
    assert_same_run(tmp_path / "p", wanted)


def test_older_checkpoint_may_be_named(data, tmp_path):
    config = stopped(data, tmp_path / "p")
    older, newest = checkpoint_paths(tmp_path / "p")
    carry(config, None, resume=older, max_steps=STEPS + 2)
    # what lay beyond it is written anew, not kept
    assert checkpoint_paths(tmp_path / "p")[-1] == newest
    carry(config, None, resume=tmp_path / "p")
    carry(config, tmp_path / "whole")
    assert_same_run(tmp_path / "p", left_behind(tmp_path / "whole"))


def test_history_torn_at_any_byte_is_mended(data, tmp_path):
    config = stopped(data, tmp_path / "p", 2 * STEPS)
    carry(config, tmp_path / "whole")
    wanted = left_behind(tmp_path / "whole")
    history = tmp_path / "p" / "history.jsonl"
    text = history.read_bytes()
    extra = b'{"epoch": 3, "step": 15, "loss": 0.25}\n'
    for cut in (1, 2, len(extra) // 2, len(extra) - 1, len(extra)):
        kept = [(p, p.read_bytes()) for p in checkpoint_paths(tmp_path / "p")]
        history.write_bytes(text + extra[:cut])
        carry(config, tmp_path / "p", resume="auto")
        assert_same_run(tmp_path / "p", wanted)
        for path in checkpoint_paths(tmp_path / "p"):
            path.unlink()
        for path, content in kept:  # back to the end of the second epoch
            path.write_bytes(content)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"early_stopping": 1, "learning_rate": 0.3, "epochs": 30},
        {"early_stopping": 9},
        {"population": 3, "early_stopping": 1, "epochs": 30},
    ],
    ids=["all epochs", "stopped early", "best restored", "members stopped early"],
)
def test_resuming_a_finished_run_changes_nothing(data, tmp_path, changes):
    config, out = settings(data, **changes), tmp_path / "p"
    net, first, result, _ = carry(config, out)
    wanted, files = left_behind(out), {p.name for p in out.iterdir()}
    again, second, repeated, _ = carry(config, out, resume="auto")
    assert_same_run(out, wanted)
    assert first.outcome == second.outcome and result == repeated
    assert first.records == second.records
    assert {p.name for p in out.iterdir()} == files
    for name, p in net.params.items():
        assert np.array_equal(p, again.params[name])


def test_resuming_a_run_that_diverged_diverges_again(data, tmp_path):
    config = settings(data, optimizer="sgd", learning_rate=1e38)
    with pytest.raises(Diverged):
        carry(config, tmp_path / "p")
    wanted = left_behind(tmp_path / "p")
    with pytest.raises(Diverged):
        carry(config, tmp_path / "p", resume="auto")
    assert_same_run(tmp_path / "p", wanted)


def test_step_limit_already_reached_takes_no_step(data, tmp_path):
    config = stopped(data, tmp_path / "p", 7)
    wanted = left_behind(tmp_path / "p")
    for limit in (7, 3):
        _, history, result, _ = carry(
            config, tmp_path / "p", resume="auto", max_steps=limit
        )
        assert result["steps"] == 7 and history.outcome == "step limit reached"
        assert_same_run(tmp_path / "p", wanted)


def test_more_epochs_go_on_as_if_asked_for_at_once(data, tmp_path):
    carry(settings(data, early_stopping=9), tmp_path / "p")
    longer = settings(data, early_stopping=9, epochs=5)
    carry(longer, tmp_path / "p", resume="auto", given={"epochs"})
    carry(longer, tmp_path / "whole")
    assert_same_run(tmp_path / "p", left_behind(tmp_path / "whole"))
    assert json.loads((tmp_path / "p" / "config.json").read_text())["epochs"] == 5


def test_resume_auto_of_nothing_starts(data, tmp_path):
    config = settings(data)
    carry(config, tmp_path / "p", resume="auto")
    carry(config, tmp_path / "whole")
    assert_same_run(tmp_path / "p", left_behind(tmp_path / "whole"))


@pytest.mark.parametrize("there_and_back", [("strict:1", "cpu"), ("cpu", "strict:1")])
@pytest.mark.parametrize("population", [None, 2])
def test_checkpoint_of_one_device_resumes_on_another(
    data, tmp_path, there_and_back, population
):
    pytest.importorskip("array_api_strict")
    first, second = there_and_back
    config = settings(data, device=first, population=population, dtype="float64")
    carry(config, tmp_path / "p", max_steps=4)
    saved = read_tensors(checkpoint_paths(tmp_path / "p")[-1])[0]
    config["device"] = second
    _, _, result, notes = carry(
        config, tmp_path / "p", resume="auto", given={"device"}, max_steps=8
    )
    assert any("device was" in note for note in notes) and result["steps"] == 8
    carry(settings(data, population=population, dtype="float64"), tmp_path / "w")
    wanted, _, _ = left_behind(tmp_path / "w")
    assert saved.keys() <= {name.removeprefix("checkpoint ") for name in wanted}
    carry(config, tmp_path / "p", resume="auto", given={"device"})
    mine, _, _ = left_behind(tmp_path / "p")
    for name, a in mine.items():
        assert np.max(np.abs(a - wanted[name]), initial=0) < 1e-9
