"""The predict and export commands on tables."""

import csv
import json
import os
import subprocess
import sys

import numpy as np
import pytest
from helpers import run_python
from table_runs import HEADER, rows, train, trained, write
from tiny import command, environment, error_line

from gpunet.storage import load_network, read_tensors, write_tensors


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    return write(tmp_path_factory.mktemp("data") / "table.csv", rows())


@pytest.fixture(scope="module")
def done(table, tmp_path_factory):
    return trained(table, tmp_path_factory.mktemp("done"), "kind", "--drop", "price")


@pytest.fixture(scope="module")
def priced(table, tmp_path_factory):
    return trained(table, tmp_path_factory.mktemp("priced"), "price")


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


def test_predictions_as_json_are_those_of_the_csv(done, priced, table):
    words = ("predict", done[0], table, "--probabilities")
    head, *answers = read_csv(command(*words).stdout)
    process = command(*words, "--json")
    record = json.loads(process.stdout)
    assert process.stderr.startswith("predicted: 90 rows; accuracy ")
    assert (record["target"], record["networks"]) == ("kind", 1)
    assert record["predictions"] == [row[0] for row in answers]
    assert [f"p({name})" for name in record["classes"]] == head[1:]
    wanted = np.array([row[1:] for row in answers], float)
    np.testing.assert_allclose(record["probabilities"], wanted, rtol=1e-5)
    words = ("predict", priced[0], table)
    answers = read_csv(command(*words).stdout)[1:]
    record = json.loads(command(*words, "--json").stdout)
    assert record["predictions"] == [float(row[0]) for row in answers]
    assert "classes" not in record


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
    names = session.get_modelmeta().custom_metadata_map
    assert names["inputs"].split("\n") == ["size", "weight"]
    assert names["texts"] == "color"
    x = np.array([[r[0], r[1]] for r in rows()], float)
    colors = np.array([[r[2]] for r in rows()], object)
    (y,) = session.run(["y"], {"x": x, "texts": colors})
    process = command("predict", out, table, "--probabilities")
    wanted = np.array([r[1:] for r in read_csv(process.stdout)[1:]], float)
    assert np.max(np.abs(y - wanted)) < 1e-5
    for kind in ("json", "c", "js", "py"):  # beside the model
        assert command("export", out, "--format", kind).returncode == 0
        assert (out / f"model.{kind}").stat().st_size > 500
    process = command("export", out, "-o", tmp_path / "net.js", "--json")
    size = (tmp_path / "net.js").stat().st_size
    record = {"path": str(tmp_path / "net.js"), "format": "js", "bytes": size}
    assert json.loads(process.stdout) == record and process.stderr == ""


BAD_TABLES = {
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


def test_predict_refuses_with_place_and_cure(done, tmp_path):
    out, _ = done
    for name, (content, code, why) in BAD_TABLES.items():
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


def test_predict_refuses_models_and_options_that_do_not_fit(done, table, tmp_path):
    out, _ = done
    for model, code in ((tmp_path / "none", 4), (table, 4), (tmp_path, 4)):
        error_line(command("predict", model, table), code)
    line = error_line(command("predict", out, table, "--member", 0), 2)
    assert "holds one network" in line
    line = error_line(command("predict", out, table, "-o", tmp_path / "no" / "y"), 8)
    assert "cannot write" in line
    error_line(command("predict", out, table, "--device", "gpu"), 2)


def test_model_of_a_table_reads_no_picture_and_one_table(done, table):
    line = error_line(command("predict", done[0], "seven.png"), 2)
    assert "table: seven.png: is a picture" in line
    line = error_line(command("predict", done[0], table, table), 2)
    assert "got 2 of them; give one" in line


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
    line = error_line(command("export", out, "--format", "c", "-o", "-", "--json"), 2)
    assert "--json: standard output holds the model" in line
    line = error_line(command("export", model), 2)
    assert "--format" in line and "end --out with one of .onnx, .json" in line
    assert "--format" in error_line(command("export", model, "--format", "tf"), 2)
    error_line(command("export", tmp_path / "none", "--format", "c"), 4)
    error_line(command("export", model, "--format", "c", "--member", 0), 2)
    error_line(command("export", model, "--format", "c", "-o", tmp_path), 8)
    load_network(model)


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
