"""The train command: what a run leaves, prints and repeats."""

import argparse
import json
import os
import sys

import numpy as np
import pytest
from helpers import run_python
from tiny import (
    carry,
    command,
    error_line,
    settings,
    timeless,
    train,
    write_set,
)

from gpunet.cli.options import train as train_options
from gpunet.storage import load_network, verify

posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX only")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_set(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def done(data, tmp_path_factory):
    """Return a finished run's folder, what it printed and its log."""
    out = tmp_path_factory.mktemp("done") / "run"
    log = out.parent / "events.jsonl"
    process = train(data, out, "--log", log, "--checkpoint-every-steps", 4)
    assert process.returncode == 0, process.stderr
    return out, process, log


def test_run_leaves_all_its_files(done):
    out, process, _ = done
    wanted = {"config.json", "history.jsonl", "checkpoints", "best.safetensors"}
    wanted |= {"model.safetensors", "result.json", "curves.png", ".lock"}
    assert {path.name for path in out.iterdir()} == wanted
    names = sorted(path.name for path in (out / "checkpoints").iterdir())
    assert names == ["step-0000000012.safetensors", "step-0000000015.safetensors"]
    for path in out.rglob("*.safetensors"):
        verify(path)
    assert (out / "curves.png").read_bytes().startswith(b"\x89PNG")
    assert [r["step"] for r in timeless(out / "history.jsonl")] == [5, 10, 15]
    assert json.loads((out / "config.json").read_text())["sizes"] == [16, 8, 3]
    result = json.loads((out / "result.json").read_text())
    assert (result["epochs"], result["steps"], result["n_test"]) == (3, 15, 30)
    assert np.sum(result["confusion"]) == 30 and result["frozen"] == {}
    said = f"test accuracy: {result['test_accuracy']:.2%} (n = 30)"
    assert said in process.stdout and str(out) in process.stdout
    assert process.stderr.count("epoch ") == 3 and "device: cpu" in process.stderr


def test_model_of_a_run_answers_as_its_result_says(done, data):
    out, _, _ = done
    net, _, result, _ = carry(settings(data), out.parent / "again")
    again = load_network(out / "model.safetensors")
    for name, p in net.params.items():
        assert np.array_equal(again.params[name], p)
    told = json.loads((out / "result.json").read_text())
    assert told == json.loads(json.dumps(result))


def test_log_tells_every_event(done):
    out, _, log = done
    events = [json.loads(line) for line in log.read_text().splitlines()]
    saved = [e for e in events if e["event"] == "saved"]
    assert [e["step"] for e in saved] == [4, 5, 8, 10, 12, 15]
    assert saved[-1]["path"] == str(out / "checkpoints" / "step-0000000015.safetensors")
    epochs = [e for e in events if e["event"] == "epoch"]
    assert [e["epoch"] for e in epochs] == [1, 2, 3] and epochs[0]["loss"] > 0
    assert all(e["loss"] > 0 for e in events if e["event"] == "progress")
    assert {e["event"] for e in events} == {"saved", "epoch", "progress", "stopped"}
    assert events[-1]["event"] == "stopped" and events[-1]["why"] == "all epochs done"


def test_json_prints_the_result_and_nothing_else(data, tmp_path):
    process = train(data, tmp_path / "run", "--json")
    assert process.returncode == 0 and "epoch 3/3" in process.stderr
    quiet = train(data, tmp_path / "quiet", "--json", "--quiet")
    assert quiet.stderr == "" and json.loads(quiet.stdout)["epochs"] == 3
    result = json.loads(process.stdout)
    assert result.pop("folder") == str(tmp_path / "run")
    assert result == json.loads((tmp_path / "run" / "result.json").read_text())


def test_default_folder_lies_below_runs_and_is_always_new(data, tmp_path):
    folders = set()
    for _ in range(2):
        process = train(data, None, "--quiet", cwd=tmp_path)
        assert process.returncode == 0 and process.stderr == ""
        assert process.stdout.count("\n") <= 5
        folders |= set(os.listdir(tmp_path / "runs"))
    assert len(folders) == 2
    assert all(name.startswith("default-2") for name in folders)


def test_part_held_out_is_a_number_a_fraction_or_a_percentage():
    parser = argparse.ArgumentParser()
    train_options.add_arguments(parser)
    words = {"2": 2, "0.2": 0.2, "20%": 0.2, "7%": 0.07, "0": 0, "nielsen": "nielsen"}
    for text, value in words.items():
        found = parser.parse_args(["--validation", text]).validation
        assert found == value and type(found) is type(value)
    assert parser.parse_args(["--test-size", "12.5%"]).test_size == 0.125
    assert "20%" in parser.format_help()
    for text in ("100%", "-1%", "%", "2 %%", "x%"):
        with pytest.raises(SystemExit):
            parser.parse_args(["--validation", text])


def test_orders_are_chosen_by_name():
    parser = argparse.ArgumentParser()
    train_options.add_arguments(parser)
    names = {"per_member": "per_member", "shared": "shared", "none": False}
    for text, value in names.items():
        assert parser.parse_args(["--shuffle", text]).shuffle == value
    assert parser.parse_args(["--shared-order"]).shuffle == "shared"
    assert parser.parse_args(["--init", "shared"]).init == "shared"
    for words in (["--shuffle", "own"], ["--init", "none"]):
        with pytest.raises(SystemExit):
            parser.parse_args(words)


def test_part_of_a_population_names_the_order_of_the_whole(data, tmp_path):
    crowd = settings(data, population=3, seed=5, shuffle="shared", engine="loop")
    whole = carry(crowd, tmp_path / "whole")[0]
    options = ("--population", 2, "--seed", 6, "--engine", "loop", "--shared-order")
    process = train(data, tmp_path / "part", *options, "--order-seed", 5)
    assert process.returncode == 0, process.stderr
    part = load_network(tmp_path / "part" / "model.safetensors")
    for name, p in part.params.items():
        assert np.array_equal(p, whole.params[name][1:])
    line = error_line(train(data, tmp_path / "no", "--order-seed", 5), 2)
    assert "--shuffle-seed: " in line and not (tmp_path / "no").exists()


def test_population_is_summed_up(data, tmp_path):
    options = ("--population", 3, "--seed", 5, "--l2", 0.0, 0.1, 9.0)
    rates = ("--lr", 0.05, 0.01, 1e-9)
    process = train(data, tmp_path / "run", *options, *rates)
    assert process.returncode == 0, process.stderr
    result = json.loads((tmp_path / "run" / "result.json").read_text())
    s, accuracy = result["summary"], result["test_accuracy"]
    assert len(accuracy) == 3 and s["mean"] == pytest.approx(np.mean(accuracy))
    assert s["sd"] == pytest.approx(np.std(accuracy, ddof=1))
    text = process.stdout
    assert f"mean {s['mean']:.2%} sd {s['sd']:.2%}" in text and "3 networks" in text
    assert f"best {s['best']:.2%} (member {s['best_member']})" in text
    assert f"worst {s['worst']:.2%} (member {s['worst_member']})" in text
    for i, dead in enumerate(result["dead_classes"]):
        assert (f"member {i}: dead class: never predicts" in text) == bool(dead)
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    assert config["l2"] == [0.0, 0.1, 9.0] and config["seed"] == 5


def test_member_that_diverged_is_named_and_the_others_count(data, tmp_path):
    rates = ("--optimizer", "sgd", "--lr", 0.1, 1e38, "--population", 2)
    process = train(data, tmp_path / "run", *rates)
    assert process.returncode == 0, process.stderr
    assert "member 1: diverged at epoch 1, step" in process.stdout
    result = json.loads((tmp_path / "run" / "result.json").read_text())
    assert result["test_accuracy"][1] is None and result["summary"]["missing"] == [1]


def test_set_with_fewer_classes_than_outputs_is_scored(data, tmp_path):
    process = train(data, tmp_path / "run", "--sizes", "16-8-10", "--max-steps", 1)
    assert process.returncode == 0, process.stderr
    assert (tmp_path / "run" / "model.safetensors").exists()


def test_no_device_is_chosen_without_saying_so(data, tmp_path):
    for device in ("auto", "cpu"):
        process = train(data, tmp_path / device, "--device", device, "--max-steps", 1)
        assert "device: " in process.stderr


def test_folder_that_holds_a_run_is_not_overwritten(done, data):
    out, _, _ = done
    before = {path: path.read_bytes() for path in out.rglob("*.*") if path.suffix}
    assert "--resume auto" in error_line(train(data, out), 2)
    assert all(path.read_bytes() == content for path, content in before.items())


@posix
@pytest.mark.parametrize("name", ["a[/x]b", "[red]a", "run-\udcff", "d" * 90, "a b\n"])
def test_folders_of_odd_names_hold_a_whole_run(data, tmp_path, name):
    out = tmp_path / name / name
    process = train(data, out)
    assert process.returncode == 0, process.stderr
    assert (out / "curves.png").exists() and (out / "model.safetensors").exists()
    again = train(data, out, "--resume", "auto")
    assert again.returncode == 0, again.stderr
    if name[0] == "[":
        assert name in process.stdout
    checked = command("verify", out)
    assert checked.returncode == 0, checked.stderr


def test_config_json_repeats_a_run(done, data, tmp_path):
    out, _, _ = done
    process = command(
        "train", "--config", out / "config.json", "--out", tmp_path / "run", "--quiet"
    )
    assert process.returncode == 0, process.stderr
    a, b = (folder / "history.jsonl" for folder in (out, tmp_path / "run"))
    assert timeless(a) == timeless(b)


def test_step_limit_in_the_first_epoch_still_ends_well(data, tmp_path):
    process = train(data, tmp_path / "run", "--max-steps", 3)
    assert process.returncode == 0, process.stderr
    assert "ended: step limit reached after step 3" in process.stdout
    assert "Warning" not in process.stderr


def test_help_needs_no_numpy():
    code = (
        "import sys; from gpunet.cli import main; code = main(['train', '--help'])\n"
        "heavy = {'numpy', 'cupy', 'torch', 'rich', 'matplotlib', 'safetensors'}\n"
        "sys.exit(code or len(heavy & set(sys.modules)))"
    )
    process = run_python(code)
    assert process.returncode == 0
    for option in ("--preset", "--resume", "--population", "--debug", "--max-steps"):
        assert option in process.stdout


def test_commands_are_listed_without_arguments():
    for args in ([], ["--help"]):
        process = run_python(
            f"import sys; from gpunet.cli import main; sys.exit(main({args}))"
        )
        assert process.returncode == 0 and "train" in process.stdout
    process = run_python("from gpunet.cli import main; raise SystemExit(main(['tr']))")
    assert "no such command" in error_line(process, 2)


def test_threads_are_pinned_before_numpy_starts(data, tmp_path):
    code = (
        "import json, sys; from gpunet.cli import main\n"
        f"args = ['--data-dir', {str(data)!r}, '--out', {str(tmp_path / 'run')!r}]\n"
        "args += ['--sizes', '16-3', '--validation', '0', '--max-steps', '1']\n"
        "code = main(['train', *args, '--device', 'cpu', '--threads', '1', '--json'])\n"
        "import os; print(os.environ['OPENBLAS_NUM_THREADS'])"
    )
    process = run_python(code, OPENBLAS_NUM_THREADS="2")
    assert process.stdout.splitlines()[-1] == "1", process.stderr
