"""Tables from outside: train, predict and export, and what a stranger gets wrong."""

import csv
import json
import os
import subprocess
import sys

import numpy as np
import pytest
from helpers import run_python
from tiny import command, environment, error_line, timeless, write_set

from gpunet.storage import load_network, read_tensors, write_tensors

COLORS = ["red", "green", "blue"]
HEADER = ["size", "weight", "color", "kind", "price"]


def rows(n=90, seed=0):
    rng = np.random.Generator(np.random.PCG64(seed))
    for k in range(n):
        size, weight = np.round(rng.normal(5, 2, 2), 3).tolist()
        color = COLORS[k % 3]
        kind = "small" if size + COLORS.index(color) < 6 else 'big, "very"'
        yield [size, weight, color, kind, round(1000 + 40 * size - 9 * weight, 3)]


def write(path, lines, header=HEADER):
    with open(path, "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *lines])
    return path


def train(table, out, *args, **more):
    base = ["--epochs", 4, "--device", "cpu", "--hidden", "8", "--batch-size", 8]
    return command("train", "--data", table, "--out", out, *base, *args, **more)


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    return write(tmp_path_factory.mktemp("data") / "table.csv", rows())


@pytest.fixture(scope="module")
def done(table, tmp_path_factory):
    out = tmp_path_factory.mktemp("done") / "run"
    process = train(table, out, "--target", "kind", "--drop", "price", "--epochs", 30)
    assert process.returncode == 0, process.stderr
    return out, process


@pytest.fixture(scope="module")
def priced(table, tmp_path_factory):
    out = tmp_path_factory.mktemp("priced") / "run"
    process = train(table, out, "--target", "price", "--epochs", 30)
    assert process.returncode == 0, process.stderr
    return out, process


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


def read_csv(text):
    return list(csv.reader(text.splitlines()))


def test_predict_answers_raw_rows_with_and_without_the_target(done, table, tmp_path):
    out, _ = done
    process = command("predict", out, table, "-o", tmp_path / "y.csv")
    assert process.returncode == 0 and process.stdout == ""
    answers = read_csv((tmp_path / "y.csv").read_text())
    assert answers[0] == ["kind"] and len(answers) == 91
    right = np.mean([a[0] == r[3] for a, r in zip(answers[1:], rows(), strict=True)])
    assert f"90 rows, in {tmp_path / 'y.csv'}; accuracy {right:.2%}" in process.stderr
    assert right > 0.8
    bare = [[r[2], r[1], r[0]] for r in rows()]  # other order, no target
    write(tmp_path / "raw.csv", bare, ["color", "weight", "size"])
    process = command("predict", out / "model.safetensors", tmp_path / "raw.csv")
    assert read_csv(process.stdout) == answers
    assert process.stderr == "predicted: 90 rows\n"
    for name in ("best.safetensors", "checkpoints"):
        file = out / name
        file = file if file.is_file() else sorted(file.iterdir())[-1]
        process = command("predict", file, tmp_path / "raw.csv")
        assert process.returncode == 0 and len(read_csv(process.stdout)) == 91


def test_predict_gives_probabilities(done, table):
    process = command("predict", done[0], table, "--probabilities")
    head, *answers = read_csv(process.stdout)
    assert head == ["kind", 'p(big, "very")', "p(small)"]
    p = np.array([row[1:] for row in answers], float)
    assert np.allclose(p.sum(1), 1, atol=1e-4)
    names = ['big, "very"', "small"]
    assert [row[0] for row in answers] == [names[k] for k in p.argmax(1)]


def test_predict_gives_numbers_in_the_targets_unit(priced, table):
    process = command("predict", priced[0], table)
    answers = np.array(read_csv(process.stdout)[1:], float)[:, 0]
    prices = np.array([row[4] for row in rows()])
    off = float(np.mean(np.abs(answers - prices)))
    assert f"mean absolute error {off:.6g}" in process.stderr
    assert np.corrcoef(answers, prices)[0, 1] > 0.9 and abs(answers.mean() - 1150) < 50
    line = error_line(command("predict", priced[0], table, "--probabilities"), 2)
    assert "the model predicts numbers" in line


def test_population_predicts_its_mean_or_a_member(table, tmp_path):
    out = tmp_path / "crowd"
    process = train(table, out, "--target", "price", "--population", 3)
    assert process.returncode == 0, process.stderr
    assert "test R2: mean " in process.stdout and "3 networks" in process.stdout
    answers = []
    for args in ([], *(["--member", k] for k in range(3))):
        done = command("predict", out, table, *args)
        answers.append(np.array(read_csv(done.stdout)[1:], float))
    assert np.allclose(answers[0], np.mean(answers[1:], 0), rtol=1e-6)
    assert not np.allclose(answers[1], answers[2])
    line = error_line(command("export", out, "--format", "json"), 2)
    assert "contains 3 networks; name one with --member, 0 to 2" in line
    line = error_line(command("predict", out, table, "--member", 3), 2)
    assert "expected 0 to 2" in line


def test_export_answers_as_predict(done, table, tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    out, _ = done
    path = tmp_path / "net.onnx"
    process = command("export", out, "--format", "onnx", "-o", path)
    assert process.returncode == 0 and str(path) in process.stdout
    session = onnxruntime.InferenceSession(
        str(path), providers=["CPUExecutionProvider"]
    )
    names = session.get_modelmeta().custom_metadata_map["inputs"].split("\n")
    assert names == ["size", "weight", *(f"color={c}" for c in sorted(COLORS))]
    x = [[r[0], r[1], *(r[2] == c for c in sorted(COLORS))] for r in rows()]
    (y,) = session.run(["y"], {"x": np.array(x, float)})
    process = command("predict", out, table, "--probabilities")
    wanted = np.array([r[1:] for r in read_csv(process.stdout)[1:]], float)
    assert np.max(np.abs(y - wanted)) < 1e-5
    for kind in ("json", "c"):  # beside the model
        assert command("export", out, "--format", kind).returncode == 0
        assert (out / f"model.{kind}").stat().st_size > 500


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


STRANGER = [
    (["--target", "kinds"], 2, "choose from size, weight, color, kind, price"),
    ([], 2, "target must be the column"),
    (["--target", "kind", "--task", "guess"], 2, "--task"),
    (["--target", "kind", "--task", "regress"], 3, "is a text; classify it"),
    (["--target", "price", "--task", "classify"], 3, "is not a whole number"),
    (["--target", "kind", "--drop", "x"], 2, "drop: 'x'"),
    (["--target", "kind", "--test", "none.csv"], 3, "none.csv"),
    (["--target", "kind", "--test", "none.txt"], 2, "none.txt"),
    (["--target", "kind", "--test-size", "90"], 2, "90"),
    (
        ["--test-size", "9", "--test", "t.csv"],
        2,
        "not allowed with argument --test-size",
    ),
    (["--target", "kind", "--test-size", "1.5"], 2, "--test-size"),
    (["--target", "kind", "--validation", "nielsen"], 2, "no Nielsen split"),
    (["--target", "kind", "--impute", "zero"], 2, "--impute"),
    (["--target", "kind", "--unknown", "x"], 2, "--unknown"),
    (["--target", "kind", "--hidden", "0"], 2, "--hidden"),
    (["--target", "kind", "--drop", "price", "--sizes", "5-3"], 2, "sizes with 2"),
    (["--target", "kind", "--data-dir", "x"], 2, "no --data-dir"),
    (["--target", "price", "--loss", "softmax_cross_entropy"], 2, "single output"),
    (["--target", "price", "--class-weight", "balanced"], 2, "not labels"),
    (["--target", "kind", "--data", "x.txt"], 2, "is not a .csv, .tsv, .csv.gz"),
    (["--target", "kind", "--data", "none.csv"], 3, "No such file"),
    (["--target", "kind", "--data", "."], 2, "is not a .csv"),
]


@pytest.mark.parametrize(("args", "code", "why"), STRANGER, ids=range(len(STRANGER)))
def test_stranger_is_told_what_to_do(table, tmp_path, args, code, why):
    words = ["--data", str(table), "--out", str(tmp_path / "run"), "--device", "cpu"]
    process = run_python(
        "import sys; from gpunet.cli import main\n"
        f"sys.exit(main(['train', *{words!r}, *{args!r}]))",
        OPENBLAS_NUM_THREADS="1",
    )
    line = error_line(process, code)
    assert why in line and process.stdout == ""
    assert not (tmp_path / "run" / "config.json").exists()


def test_target_without_a_table_is_refused(tmp_path):
    process = run_python(
        "import sys; from gpunet.cli import main\n"
        f"sys.exit(main(['train', '--target', 'x', '--out', {str(tmp_path / 'r')!r}]))",
    )
    assert "--target and --test are for a table" in error_line(process, 2)


def test_predict_refuses_with_place_and_cure(done, priced, table, tmp_path):
    out, _ = done
    bad = {
        "none.csv": (None, 3, "No such file"),
        "x.txt": ("a", 2, "is not a .csv, .tsv, .csv.gz, .npz or .npy file"),
        "lacks.csv": ("size,color\n1,red\n", 3, "lacks the column weight"),
        "unseen.csv": (
            "size,weight,color\n1,2,pink\n",
            3,
            ":2:3: 1 cell is of categories not seen in",
        ),
        "missing.csv": (
            "size,weight,color\n1,,red\n",
            3,
            ":2:2: 1 cell is missing (weight 1)",
        ),
        "texts.csv": (
            "size,weight,color\nbig,2,red\n",
            3,
            ":2:1: 1 cell is not a number (size: 'big' 1)",
        ),
        "far.csv": ("size,weight,color\n1e39,2,red\n", 3, ":2:1: 1e+39 is beyond"),
        "one.csv": ("size\n1\n", 3, "lacks the columns weight, color"),
        "rows.csv": ("size,weight,color\n", 3, "contains a header and no rows"),
    }
    for name, (content, code, why) in bad.items():
        path = tmp_path / name
        if content is not None:
            path.write_text(content)
        words = [str(out), str(path), "-o", str(tmp_path / "y.csv")]
        process = run_python(
            "import sys; from gpunet.cli import main\n"
            f"sys.exit(main(['predict', *{words!r}]))",
        )
        assert why in error_line(process, code), name
    np.save(tmp_path / "x.npy", np.zeros((3, 3)))
    line = error_line(command("predict", out, tmp_path / "x.npy"), 2)
    assert "has a matrix, the model was trained on columns with names" in line
    assert not (tmp_path / "y.csv").exists()
    for model, code in ((tmp_path / "none", 4), (table, 4), (tmp_path, 4)):
        error_line(command("predict", model, table), code)
    line = error_line(command("predict", out, table, "--member", 0), 2)
    assert "holds one network" in line
    line = error_line(command("predict", out, table, "-o", tmp_path / "no" / "y"), 8)
    assert "cannot write" in line
    error_line(command("predict", out, table, "--device", "gpu"), 2)


def test_predict_does_not_score_a_target_that_is_unfit(done, tmp_path):
    path = write(tmp_path / "t.csv", [[5, 5, "red", "huge"]], HEADER[:4])
    process = command("predict", done[0], path)
    assert process.returncode == 0 and len(read_csv(process.stdout)) == 2
    assert "not scored, as the target is unfit" in process.stderr


def test_model_of_no_table_reads_none(table, tmp_path):
    import gpunet

    gpunet.mlp([5, 3]).save(tmp_path / "m.safetensors")
    line = error_line(command("predict", tmp_path / "m.safetensors", table), 4)
    assert "was not trained on a table" in line
    process = command("export", tmp_path / "m.safetensors", "--format", "c")
    assert process.returncode == 0 and (tmp_path / "m.c").exists()


@pytest.mark.parametrize(
    ("part", "change"),
    [
        ("target", {"classes": ["small"]}),
        ("target", {"classes": ["a", "b", "c"]}),
        ("categories", {"color": ["red", "green"]}),
    ],
)
def test_table_of_another_network_is_refused(done, table, tmp_path, part, change):
    tensors, state = read_tensors(done[0] / "model.safetensors")
    state["table"][part] |= change
    path = tmp_path / "m.safetensors"
    write_tensors(path, tensors, state)
    for words in (["predict", path, table], ["export", path, "--format", "c"]):
        line = error_line(command(*words), 4)
        assert "other inputs or outputs than its network has" in line
    assert not (tmp_path / "m.c").exists()


def test_export_refuses_what_cannot_be(done, tmp_path):
    out, _ = done
    model = out / "model.safetensors"
    line = error_line(command("export", model, "--format", "c", "-o", model), 2)
    assert "is the model itself" in line
    assert "--format" in error_line(command("export", model), 2)
    assert "--format" in error_line(command("export", model, "--format", "tf"), 2)
    error_line(command("export", tmp_path / "none", "--format", "c"), 4)
    error_line(command("export", model, "--format", "c", "--member", 0), 2)
    error_line(command("export", model, "--format", "c", "-o", tmp_path), 8)
    load_network(model)


@pytest.mark.parametrize("name", ["predict", "export"])
def test_help_needs_no_numpy(name):
    process = run_python(
        "import sys; from gpunet.cli import main\n"
        f"code = main([{name!r}, '--help'])\n"
        "sys.exit(code or len({'numpy', 'rich', 'onnx'} & set(sys.modules)))"
    )
    assert process.returncode == 0 and "--member" in process.stdout


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX only")
def test_predictions_go_through_a_closed_pipe_in_one_line(done, table):
    reader, writer = os.pipe()
    os.close(reader)
    code = (
        "import sys; from gpunet.cli import main\n"
        f"sys.exit(main(['predict', {str(done[0])!r}, {str(table)!r}]))"
    )
    process = subprocess.run(
        [sys.executable, "-c", code],
        stdout=writer,
        stderr=subprocess.PIPE,
        text=True,
        env=environment([os.getcwd()]),
    )
    os.close(writer)
    assert process.returncode == 8 and "Traceback" not in process.stderr


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


def test_files_that_lie_leave_with_3_and_nothing_trained(tmp_path):
    head = b"{'descr': '<f8', 'fortran_order': False, 'shape': (65536, 65536)}"
    lie = b"\x93NUMPY\x01\x00" + (118).to_bytes(2, "little") + head.ljust(117) + b"\n"
    np.savez_compressed(tmp_path / "bomb.npz", x=np.zeros((10**6, 10)), t=np.zeros(3))
    np.save(tmp_path / "object.npy", np.array([[{}]], object), allow_pickle=True)
    files = {
        "lie.npy": (lie, "claims 34,359,738,368 bytes"),
        "lie.npz": (lie, "is not a sound npz"),
        "bomb.npz": (None, "inflates to 80,000"),
        "object.npy": (None, "objects are never unpickled"),
        "wide.csv": ("a,y\n1,2\n".encode("utf-16"), ":1:1: begins as UTF-16"),
        "empty.csv": (b"", "is empty (0 bytes)"),
    }
    for name, (content, why) in files.items():
        path = tmp_path / name
        if content is not None:
            path.write_bytes(content)
        words = ["--data", str(path), "--target", "t", "--out", str(tmp_path / "run")]
        process = run_python(
            "import sys; from gpunet.cli import main\n"
            f"sys.exit(main(['train', '--device', 'cpu', *{words!r}]))",
        )
        assert why in error_line(process, 3), name
        assert not (tmp_path / "run" / "config.json").exists()
