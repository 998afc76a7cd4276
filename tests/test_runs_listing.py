"""Run folders side by side: their settings, states and scores, whatever lies there."""

import contextlib
import json
import os

import numpy as np
import pytest
from tiny import carry, settings, table, write_set

import gpunet
from gpunet.errors import ConfigError, ModelFileError
from gpunet.runs.listing import Runs, comparison
from gpunet.storage import RunFolder
from gpunet.training.metrics import summary

X, T = table(n=60)
PARTS = gpunet.Splits(
    *(gpunet.Dataset(X[rows], T[rows]) for rows in (slice(48), slice(48, 60))),
    *(gpunet.Dataset(X[48:], T[48:]), 3, "parts"),
)


def train(folder, population=None, **changes):
    net = gpunet.mlp([4, 6, 3], "tanh", population=population)
    how = {"epochs": 3, "batch_size": 10, "learning_rate": 0.02, "folder": folder}
    return gpunet.fit(net, PARTS, **how | changes)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """Runs of every kind of end, a folder of another program and a damaged one."""
    root = tmp_path_factory.mktemp("runs")
    data = write_set(tmp_path_factory.mktemp("data"))
    train(root / "slow", learning_rate=0.0001)
    train(root / "three", population=3)
    train(root / "some", max_steps=7)
    carry(settings(data, epochs=1, schedule="cosine"), root / "command")
    with pytest.raises(gpunet.GpunetError):
        train(root / "far", optimizer="sgd", learning_rate=1e38)
    with pytest.raises(KeyboardInterrupt):
        train(root / "cut", callbacks=[_interrupt])
    (root / "other" / "deep").mkdir(parents=True)
    (root / ".hidden").mkdir()
    (root / "refused" / "checkpoints").mkdir(parents=True)  # a misspelled setting
    (root / "refused" / ".lock").touch()
    (root / "damaged").mkdir()
    (root / "damaged" / "config.json").write_text('{"sizes": ')
    (root / "a file").write_text("no run")
    return root


def _interrupt(record):
    if record["epoch"] == 2:
        raise KeyboardInterrupt


def test_states_say_how_each_run_ended(root):
    runs = gpunet.list_runs(root)
    assert {run.name: run.state for run in runs} == {
        **{"slow": "done", "three": "done", "command": "done"},
        **{"some": "stopped at step 7", "cut": "interrupted at step 10"},
        "far": "diverged at epoch 1, step 3",
    }
    assert len(runs.problems) == 2 and all("\n" not in x for x in runs.problems)
    assert "damaged/config.json: is damaged" in runs.problems[0]
    assert "other: has no config.json" in runs.problems[1]


def test_run_at_work_is_running_until_its_process_leaves(tmp_path):
    train(tmp_path / "p")
    (run,) = gpunet.list_runs(tmp_path)
    assert run.state == "done" and "test_accuracy" in run.numbers
    with RunFolder(tmp_path / "p"):
        (run,) = gpunet.list_runs(tmp_path)
        assert run.state == "running" and "test_accuracy" not in run.numbers
        assert run.numbers["epochs_done"] == 3
    (run,) = gpunet.list_runs(tmp_path)
    assert run.state == "done"


def test_resumed_and_interrupted_run_is_not_done(tmp_path):
    train(tmp_path / "p", epochs=1)
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path / "p", resume=True, callbacks=[_interrupt])
    (run,) = gpunet.list_runs(tmp_path / "p")
    assert run.state == "interrupted at step 10" and not run.result


def test_numbers_are_those_of_result_and_history(root):
    runs = gpunet.list_runs(root)
    result = json.loads((root / "three" / "result.json").read_text())
    told, numbers = summary(result["test_accuracy"]), runs["three"].numbers
    assert numbers["test_accuracy"] == told["mean"] and numbers["members"] == 3
    assert numbers["test_accuracy_sd"] == told["sd"]
    seconds = [record["seconds"] for record in runs["three"].history]
    assert numbers["seconds"] == pytest.approx(sum(seconds))
    assert numbers["epochs_done"] == 3 and runs["cut"].numbers["epochs_done"] == 2
    assert numbers["best_epoch"] == pytest.approx(np.mean(result["best_epoch"]))
    assert runs["three"].history.outcome == "all epochs done"
    assert runs["cut"].history.outcome == "interrupted at step 10"
    cut = runs["cut"]
    assert cut.numbers["val_loss"] == cut.history.last["val_loss"]


def test_scores_are_of_the_epoch_whose_weights_were_kept(tmp_path):
    history = train(tmp_path / "p", early_stopping=2, learning_rate=0.5, epochs=12)
    (run,) = gpunet.list_runs(tmp_path)
    assert run.result["best_epoch"] < len(history)
    assert run.numbers["val_loss"] == min(history["val_loss"])
    assert run.numbers["best_epoch"] == run.result["best_epoch"]


def test_settings_that_differ_are_the_columns(root):
    runs = gpunet.list_runs(root / "slow", root / "some")
    assert runs.differing == ["learning_rate"]
    assert gpunet.list_runs(root / "slow").differing == []
    columns, rows, note = gpunet.list_runs(root / "three", root / "some").table()
    assert columns[:4] == ["name", "modified", "seed", "state"] and not note
    assert sorted((row[2] for row in rows), reverse=True) == ["[0, 1, 2]", "0"]
    runs = gpunet.list_runs(root)
    assert "network" not in runs.differing  # the command's run has sizes in its place


def test_best_is_first_and_runs_without_a_score_last(root):
    runs = gpunet.list_runs(root)
    scores = [run.numbers.get("test_accuracy") for run in runs]
    scored = [score for score in scores if score is not None]
    assert (
        scored == sorted(scored, reverse=True) and scores[len(scored) :] == [None] * 2
    )
    names = [run.name for run in gpunet.list_runs(root, sort="learning_rate")]
    assert names[0] == "slow" and names[-1] == "far"
    losses = [
        run.numbers["val_loss"] for run in gpunet.list_runs(root, sort="val_loss")[:4]
    ]
    assert losses == sorted(losses)
    by_name = [run.name for run in gpunet.list_runs(root, sort="name")]
    assert by_name == sorted(by_name)
    with pytest.raises(ConfigError, match=r"no such column; .*learning_rate"):
        gpunet.list_runs(root, sort="lerning_rate")


def test_runs_are_a_sequence_with_a_frame_and_a_page(root):
    runs = gpunet.list_runs(root)
    assert runs["far"] is runs[str(root / "far")] and len(runs[:2]) == 2
    with pytest.raises(KeyError, match="no run is called 'nothing'"):
        runs["nothing"]
    text, page = repr(runs), runs._repr_html_()
    assert text.splitlines()[0].startswith("name") and "<td>far</td>" in page
    assert "diverged at epoch 1, step 3" in text and "is damaged" in text
    assert repr(gpunet.list_runs(root / "other" / "deep")) == "no runs"
    frame = pytest.importorskip("pandas") and runs.to_frame()
    assert list(frame["name"]) == [run.name for run in runs]
    assert frame["test_accuracy"][0] == runs[0].numbers["test_accuracy"]
    assert str(frame["modified"].dtype).endswith("UTC]")


def test_text_and_page_stay_short(root):
    many = Runs([gpunet.list_runs(root)["slow"]] * 23)
    assert repr(many).endswith("... 3 more") and repr(many).count("\n") == 21
    assert many._repr_html_().count("<tr>") == 21 and len(many.table()[1]) == 23


def test_settings_of_older_versions_have_the_names_of_this_one(tmp_path):
    old = {"order": "own", "order_seed": None, "track": True}
    new = {"shuffle": "shared", "shuffle_seed": None, "compute_metrics": True}
    for name, config in (("a", old), ("b", new)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.json").write_text(json.dumps(config))
    runs = gpunet.list_runs(tmp_path)
    assert runs.differing == ["shuffle"]
    assert runs["a"].settings["shuffle"] == "per_member"


def test_loss_is_a_score_and_the_function_a_setting(tmp_path):
    for name, loss in (("a", "softmax_cross_entropy"), ("b", "hinge")):
        net = gpunet.mlp([4, 6, 3], "tanh", loss=loss)
        gpunet.fit(net, PARTS.train, epochs=1, folder=tmp_path / name)
    result = tmp_path / "b" / "history.jsonl"
    result.write_text("")  # no score: the function must not stand in for it
    runs = gpunet.list_runs(tmp_path)
    assert runs.differing == ["loss_function"]
    a, b = (runs[name] for name in "ab")
    rows = {row["name"]: row for row in runs.rows()}
    assert rows["b"]["loss_function"] == "hinge" and "loss" not in rows["b"]
    assert rows["a"]["loss"] == a.history.last["loss"]
    assert "hinge" in str(runs) and comparison(a, b)[0][2][0][0] == "loss function"


def test_two_runs_of_one_name_are_told_by_their_paths(tmp_path):
    for part in "ab":
        train(tmp_path / part / "p", epochs=1)
    train(tmp_path / "a" / "q", epochs=1)
    runs = gpunet.list_runs(tmp_path / "a", tmp_path / "b")
    assert sorted(row["name"] for row in runs.rows()) == ["a/p", "b/p", "q"]
    assert runs["b/p"].path == tmp_path / "b" / "p"
    assert comparison(runs["b/p"], runs["a/p"])[1][1] == ["result", "b/p", "a/p"]


def test_comparison_shows_settings_results_and_last_epochs(root):
    slow, three = gpunet.list_runs(root)["slow"], gpunet.list_runs(root)["three"]
    settings, results, epochs = comparison(slow, three)
    assert ["learning rate", "0.0001", "0.02"] in settings[2]
    assert ["state", "done", "done"] in results[2]
    assert [row[0] for row in epochs[2]] == ["1", "2", "3"]
    k = epochs[1].index("val loss: three")
    means = [np.mean(record["val_loss"]) for record in three.history]
    assert [float(row[k]) for row in epochs[2]] == pytest.approx(means, rel=1e-3)


HOSTILE = {
    "config.json": [b"[1]", b"\xff", b"", b'{"layers": 3, "seeds": 4}', b'{"a": NaN}'],
    "result.json": [b"[", b"[1]", b'{"outcome": 3, "steps": "x"}', b'{"r2": {}}'],
    "history.jsonl": [
        b"\xff\n",
        b"[]\n",
        b"{}\n",
        b'{"epoch": 1, "loss": "x"}\n{"epoch": []}\n',
        b'{"seconds"',
    ],
}


@pytest.mark.parametrize("name", HOSTILE)
def test_damaged_files_cost_a_line_at_most(tmp_path, name):
    train(tmp_path / "p", epochs=1)
    for content in HOSTILE[name]:
        (tmp_path / "p" / name).write_bytes(content)
        runs = gpunet.list_runs(tmp_path)
        assert len(runs) + len(runs.problems) == 1
        assert repr(runs) and runs._repr_html_() and len(runs.rows()) == len(runs)
        for run in runs:
            with contextlib.suppress(ModelFileError):
                assert len(comparison(run, run)) == 3


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no FIFO here")
def test_what_is_no_file_hangs_nothing(tmp_path):
    train(tmp_path / "p", epochs=1)
    for name in ("history.jsonl", "result.json", "config.json"):
        (tmp_path / "p" / name).unlink()
        os.mkfifo(tmp_path / "p" / name)
        runs = gpunet.list_runs(tmp_path)
        assert len(runs) + len(runs.problems) == 1 and repr(runs)


def test_missing_folder_is_one_sentence(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=r"^runs: runs: No such file"):
        gpunet.list_runs()
    (tmp_path / "runs").mkdir()
    assert list(gpunet.list_runs()) == []
