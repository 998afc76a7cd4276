"""`gpunet runs`: a table, JSON, two runs compared, and what cannot be listed."""

import json

import pytest
from tiny import carry, settings, write_set

from gpunet.cli import main


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root, data = tmp_path_factory.mktemp("runs"), tmp_path_factory.mktemp("data")
    for name, rate in (("a", 0.01), ("b", 0.0001)):
        config = settings(write_set(data), learning_rate=rate, epochs=2)
        carry(config, root / name)
    (root / "other").mkdir()
    return root


def test_runs_are_a_table_with_the_settings_that_differ(root, capsys):
    assert main(["runs", str(root)]) == 0
    out, err = capsys.readouterr()
    assert "learning rate" in out and "0.0001" in out and "batch size" not in out
    assert err.count("\n") == 1 and "gpunet: warning: run folder: " in err
    assert main(["runs", str(root / "a"), "--sort", "test-accuracy"]) == 0
    assert "test accuracy" in capsys.readouterr().out


def test_two_run_folders_are_compared(root, capsys):
    assert main(["runs", str(root / "a"), str(root / "b")]) == 0
    out, err = capsys.readouterr()
    assert "settings that differ" in out and "last epochs" in out and not err
    assert main(["runs", str(root / "a"), str(root / "a")]) == 0
    assert "settings that differ" not in capsys.readouterr().out


def test_json_has_settings_and_numbers_of_each_run(root, capsys):
    assert main(["runs", str(root), "--json", "--sort", "learning_rate"]) == 0
    first, second = json.loads(capsys.readouterr().out)
    assert (first["name"], second["name"]) == ("b", "a")
    assert first["settings"]["learning_rate"] == 0.0001 and first["state"] == "done"
    assert 0 <= first["numbers"]["test_accuracy"] <= 1
    assert first["modified"].endswith("+00:00") and first["path"] == str(root / "b")


def test_missing_folder_or_column_is_one_line(root, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["runs"]) == 2
    assert "runs: runs: No such file" in capsys.readouterr().err
    assert main(["runs", str(tmp_path)]) == 0
    assert capsys.readouterr().out == "no runs\n"
    assert main(["runs", str(root), "--sort", "lerning_rate"]) == 2
    assert "did you mean learning_rate" in capsys.readouterr().err
