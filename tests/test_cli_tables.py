"""Tables from outside: what training on one reports, keeps and repeats."""

import json

import numpy as np
import pytest
from table_runs import rows, train, trained, write
from tiny import command, error_line, timeless, write_set

from gpunet.storage import load_network, read_tensors


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    return write(tmp_path_factory.mktemp("data") / "table.csv", rows())


@pytest.fixture(scope="module")
def done(table, tmp_path_factory):
    return trained(table, tmp_path_factory.mktemp("done"), "kind", "--drop", "price")


@pytest.fixture(scope="module")
def priced(table, tmp_path_factory):
    return trained(table, tmp_path_factory.mktemp("priced"), "price")


def test_classifier_reports_each_class(done):
    out, process = done
    result = json.loads((out / "result.json").read_text())
    assert [c["class"] for c in result["classes"]] == ['big, "very"', "small"]
    table = np.array(result["confusion"])
    for k, c in enumerate(result["classes"]):
        assert c["recall"] == table[k, k] / table[k].sum() and c["n"] == table[k].sum()
        assert c["precision"] == table[k, k] / table[:, k].sum()
        both = 1 / c["precision"] + 1 / c["recall"]
        assert c["f1"] == pytest.approx(2 / both)
        row = next(
            r for r in process.stdout.splitlines() if r.startswith(f"  {c['class']}")
        )
        assert f"{c['f1']:.3f}" in row and f"{c['recall']:.3f}" in row
    assert result["test_accuracy"] == np.trace(table) / table.sum()
    assert f"test accuracy: {result['test_accuracy']:.2%} (n = 18)" in process.stdout
    config = json.loads((out / "config.json").read_text())
    assert config["task"] == "classify" and config["sizes"] == [5, 8, 2]
    assert "5-8-2 relu, softmax_cross_entropy" in process.stderr
    said = 'target: kind: 2 classes (big, "very", small); rows: 65 to train, 7 to'
    assert f"{said} validate, 18 to test\n" in process.stderr


def test_regression_reports_and_draws(priced):
    out, process = priced
    result = json.loads((out / "result.json").read_text())
    assert (out / "residuals.png").read_bytes().startswith(b"\x89PNG")
    assert f"test R2: {result['r2']:.4f}, mean absolute error " in process.stdout
    assert 0 < result["mae"] < result["rmse"] and result["n_test"] == 18
    config = json.loads((out / "config.json").read_text())
    assert (config["task"], config["loss"]) == ("regress", "half_squared_error")
    assert "target: price: a number (mean 1" in process.stderr
    assert config["sizes"] == [7, 8, 1]


@pytest.fixture(scope="module")
def noise(tmp_path_factory):
    """A table whose target has nothing to do with its columns: any fit overfits."""
    rng = np.random.Generator(np.random.PCG64(3))
    lines = np.round(rng.normal(5, 2, (300, 4)), 3).tolist()
    folder = tmp_path_factory.mktemp("noise")
    return write(folder / "noise.csv", lines, ["a", "b", "c", "y"])


def train_by_default(table, out, *args):
    """Train with the preset's epochs and patience."""
    base = ["--target", "y", "--device", "cpu", "--batch-size", 16]
    process = command("train", "--data", table, "--out", out, *base, *args)
    assert process.returncode == 0, process.stderr
    return process, json.loads((out / "result.json").read_text())


def test_table_stops_early_and_keeps_the_best_weights_by_default(noise, tmp_path):
    out = tmp_path / "run"
    process, result = train_by_default(noise, out)
    losses = [record["val_loss"] for record in timeless(out / "history.jsonl")]
    best = int(np.argmin(losses)) + 1
    assert len(losses) == result["epochs"] == best + 10 < 60
    assert (result["best_epoch"], result["best_weights_kept"]) == (best, True)
    model, kept = (
        read_tensors(out / f"{name}.safetensors")[0] for name in ("model", "best")
    )
    assert all(np.array_equal(model[k], kept[k]) for k in kept)
    said = f"validation loss: best at epoch {best} of {best + 10}, whose weights are"
    assert f"{said} kept\n" in process.stdout
    assert f"ended: early stopping after step {result['steps']}" in process.stdout
    assert "member 0" not in process.stdout
    assert "60 epochs, early stopping 10\n" in process.stderr


@pytest.mark.parametrize(("rows_to_validate", "patience"), [(20, 10), (19, None)])
def test_few_rows_to_validate_stop_nothing(noise, tmp_path, rows_to_validate, patience):
    args = ["--validation", rows_to_validate, "--epochs", 1]
    train_by_default(noise, tmp_path / "run", *args)
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    assert config["early_stopping"] == patience


@pytest.mark.parametrize("never", ["none", "0"])
def test_early_stopping_can_be_left_out(noise, tmp_path, never):
    args = ["--early-stopping", never, "--epochs", 20]
    process, result = train_by_default(noise, tmp_path / "run", *args)
    best = result["best_epoch"]
    assert result["epochs"] == 20 > best and not result["best_weights_kept"]
    said = f"best at epoch {best} of 20; the newest weights are kept (--early-stopping"
    assert said in process.stdout and "early stopping" not in process.stderr
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    assert config["early_stopping"] is None


def test_no_validation_part_means_no_early_stopping(noise, tmp_path):
    args = ["--validation", 0, "--epochs", 2]
    process, result = train_by_default(noise, tmp_path / "run", *args)
    assert "best_epoch" not in result and "validation loss" not in process.stdout
    args += ["--early-stopping", 3, "--target", "y"]
    line = error_line(train(noise, tmp_path / "b", *args), 2)
    assert "no validation data to judge by" in line


def test_run_begun_without_early_stopping_resumes_without(noise, tmp_path):
    args = ["--early-stopping", "none", "--epochs", 25]
    train_by_default(noise, tmp_path / "whole", *args)
    train_by_default(noise, tmp_path / "cut", *args, "--max-steps", 30)
    process = command("train", "--out", tmp_path / "cut", "--resume", "auto")
    assert process.returncode == 0, process.stderr
    (a, _), (b, _) = (
        read_tensors(tmp_path / name / "model.safetensors") for name in ("whole", "cut")
    )
    assert all(np.array_equal(a[k], b[k]) for k in a)
    results = [
        json.loads((tmp_path / name / "result.json").read_text())
        for name in ("whole", "cut")
    ]
    assert results[0] == results[1] and results[0]["epochs"] == 25
    again = ["train", "--out", tmp_path / "cut", "--resume", "auto"]
    line = error_line(command(*again, "--early-stopping", 10), 2)
    assert "early_stopping: the run was started with None" in line


def test_network_no_better_than_the_baseline_is_warned_of(noise, tmp_path):
    process, result = train_by_default(noise, tmp_path / "run", "--quiet")
    found = result["baseline"]
    assert result["rmse"] > found["rmse"] and not result["better_than_baseline"]
    said = (
        f"baseline (always predicting {found['predicts']:.6g}, the training mean): R2"
    )
    assert said in process.stdout and f"{found['rmse']:.6g}\n" in process.stdout
    warning = "warning: the network is not better than the baseline\n"
    assert process.stderr == warning


def test_report_compares_with_the_baseline(done, priced):
    out, process = done
    result = json.loads((out / "result.json").read_text())
    kinds = [row[3] for row in rows()]
    common = max(set(kinds), key=kinds.count)
    found = result["baseline"]
    assert found["predicts"] == common and result["better_than_baseline"]
    assert found["test_accuracy"] == max(c["n"] for c in result["classes"]) / 18
    said = f"baseline (always predicting {common}, the most frequent class): accuracy"
    assert f"{said} {found['test_accuracy']:.2%}\n" in process.stdout
    assert "warning" not in process.stderr
    out, process = priced
    found = json.loads((out / "result.json").read_text())["baseline"]
    said = f"baseline (always predicting {found['predicts']:.6g}, the training mean)"
    assert said in process.stdout and abs(found["predicts"] - 1150) < 50


def test_config_repeats_the_run_and_resume_goes_on(done, table, tmp_path):
    out, _ = done
    config = ["--config", out / "config.json", "--quiet"]
    process = command("train", *config, "--out", tmp_path / "a")
    assert process.returncode == 0, process.stderr
    process = command("train", *config, "--out", tmp_path / "b", "--max-steps", 9)
    assert process.returncode == 0, process.stderr
    process = command("train", "--out", tmp_path / "b", "--resume", "auto")
    assert process.returncode == 0, process.stderr
    first, state = read_tensors(out / "model.safetensors")
    for again in (tmp_path / "a", tmp_path / "b"):
        tensors, other = read_tensors(again / "model.safetensors")
        assert all(np.array_equal(tensors[k], first[k]) for k in first)
        assert other["table"] == state["table"]
        assert timeless(again / "history.jsonl") == timeless(out / "history.jsonl")
    checked = command("verify", tmp_path / "b")
    assert checked.returncode == 0 and checked.stdout.count("sha256") >= 3


def test_table_that_changed_does_not_resume(table, tmp_path):
    path = tmp_path / "table.csv"
    path.write_bytes(table.read_bytes())
    process = train(path, tmp_path / "run", "--target", "kind", "--max-steps", 2)
    assert process.returncode == 0, process.stderr
    path.write_text(path.read_text().replace("red", "blue", 1))
    line = error_line(
        command("train", "--out", tmp_path / "run", "--resume", "auto"), 3
    )
    assert "started with other training data" in line


def test_training_settings_work_with_a_table(table, tmp_path):
    args = ["--target", "kind", "--class-weight", "balanced", "--early-stopping", 1]
    args += ["--population", 2, "--validation", 0.2, "--diagnose", "--l2", 0.1, 0.01]
    process = train(table, tmp_path / "run", *args)
    assert process.returncode == 0, process.stderr
    assert "2 networks" in process.stdout


def test_sizes_may_be_given_whole(table, tmp_path):
    base = ["--data", table, "--target", "kind", "--device", "cpu", "--epochs", 1]
    out = ["--out", tmp_path / "run"]
    process = command("train", *base, *out, "--sizes", "7-4-2")
    assert process.returncode == 1 or "features" in process.stderr  # 6 inputs
    assert "rows of 7 features" in error_line(process, 2)
    process = command("train", *base, "--out", tmp_path / "b", "--sizes", "6-4-2")
    assert process.returncode == 0, process.stderr
    line = error_line(command("train", *base, "--sizes", "6-2", "--hidden", "3"), 2)
    assert "--hidden: not allowed with argument --sizes" in line


def test_hidden_fits_pictures_too(tmp_path):
    data = write_set(tmp_path / "data")
    words = ["--data-dir", data, "--out", tmp_path / "run", "--hidden", "5,4"]
    words += ["--device", "cpu", "--validation", 12, "--max-steps", 1]
    process = command("train", *words)
    assert process.returncode == 0, process.stderr
    net = load_network(tmp_path / "run" / "model.safetensors")
    assert [p.shape for n, p in net.params.items() if n.endswith("W")] == [
        (16, 5),
        (5, 4),
        (4, 3),
    ]


def test_rare_class_may_be_absent_from_the_held_out_parts(tmp_path):
    lines = [[k, 2 * k, "rare" if k in (3, 50) else "common"] for k in range(60)]
    path = write(tmp_path / "t.csv", lines, ["a", "b", "kind"])
    process = train(path, tmp_path / "run", "--target", "kind")
    assert process.returncode == 0, process.stderr
    row = next(r for r in process.stdout.splitlines() if r.startswith("  rare"))
    assert row.split()[:5] == ["rare", "-", "-", "-", "0"]


def test_member_of_a_regression_that_diverged_is_named(table, tmp_path):
    args = ["--target", "price", "--population", 2, "--optimizer", "sgd"]
    process = train(table, tmp_path / "run", *args, "--lr", 0.01, 1e38)
    assert process.returncode == 0, process.stderr
    result = json.loads((tmp_path / "run" / "result.json").read_text())
    assert result["r2"][1] is result["mae"][1] is None and result["r2"][0] > -9
    assert result["summary"]["missing"] == [1]
    assert "member 1: diverged" in process.stdout


def test_gradcheck_takes_the_config_of_a_table(done):
    process = command("gradcheck", "--config", done[0] / "config.json")
    assert process.returncode == 0, process.stderr
