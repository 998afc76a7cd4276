"""The commands that messages print: each works as it is printed."""

import argparse
import json
import os
import re
import subprocess
import sys

import pytest
from tiny import (
    assert_same_run,
    command,
    environment,
    error_line,
    left_behind,
    train,
    write_set,
)

from gpunet.cli import rerun
from gpunet.cli.messages import _COMMAND, report_error
from gpunet.errors import Interrupted
from gpunet.runs import task
from gpunet.runs.config import check_config

posix = pytest.mark.skipif(sys.platform == "win32", reason="needs sh")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_set(tmp_path_factory.mktemp("the data"))


def paste(line, mark, cwd):
    """Run the command that stands after `mark`, as a shell does."""
    words = line.partition(mark)[2]
    assert words
    return subprocess.run(
        ["sh", "-c", words],
        env=environment(),
        cwd=cwd,
        capture_output=True,
        text=True,
    )


@posix
def test_run_at_its_step_limit_prints_what_resumes_it(data, tmp_path):
    kept = ("--max-steps", 7, "--keep", 3, "--threads", 1, "--log", "the log")
    first = train(data, "my  run's", *kept, cwd=tmp_path)
    line = first.stdout.splitlines()[-1]
    assert line.startswith("resume with: python") and "--max-steps" not in line
    second = paste(line, "resume with: ", tmp_path)
    assert second.returncode == 0, second.stderr
    assert "resuming from" in second.stderr and "resume with" not in second.stdout
    whole = train(data, tmp_path / "whole", *kept[2:], cwd=tmp_path)
    assert whole.returncode == 0
    out = tmp_path / "my  run's"
    assert_same_run(out, left_behind(tmp_path / "whole"))
    assert len(list((out / "checkpoints").iterdir())) == 3
    assert '"step": 15' in (tmp_path / "the log").read_text()


@posix
def test_folder_of_another_run_prints_what_resumes_that(data, tmp_path):
    assert train(data, "run", "--max-steps", 7, cwd=tmp_path).returncode == 0
    line = error_line(train(data, "run", "--lr", 0.5, cwd=tmp_path), 2)
    assert paste(line, "resume with: ", tmp_path).returncode == 0
    assert json.loads((tmp_path / "run" / "result.json").read_text())["epochs"] == 3


@posix
@pytest.mark.parametrize("rates", [[1e38], [1e38, 3e38]])
def test_run_that_diverged_prints_what_starts_it_anew(data, tmp_path, rates):
    words = ("--optimizer", "sgd", "--population", len(rates), "--lr", *rates)
    line = error_line(train(data, "run", *words, cwd=tmp_path), 7)
    assert paste(line, "start anew with: ", tmp_path).returncode in (0, 7)
    old, new = (
        check_config(json.loads((tmp_path / name / "config.json").read_text()))
        for name in ("run", "run-2")
    )
    given = old["learning_rate"]
    lower = [1e37, 3e37] if isinstance(given, list) else 1e37
    assert new == old | {"learning_rate": lower}
    # A resumed run diverges again at its own rate: there is no command for that.
    line = error_line(command("train", "--resume", tmp_path / "run"), 7)
    assert "start anew" not in line and "resume with" not in line


def spelled(monkeypatch, program, typed, **options):
    monkeypatch.setattr(sys, "argv", [program])
    args = argparse.Namespace(typed=typed, resume=None, out=None, **options)
    return rerun.rerun_command(args, rerun.Path(os.getcwd()) / "runs" / "a b")


@posix
def test_command_is_spelled_as_it_was_started(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(rerun, "_spelled", os.path.basename)
    end = "--out 'runs/a b' --resume auto"
    python = os.path.basename(sys.executable)
    for program, start in (
        ("scripts/train.py", f"{python} scripts/train.py"),
        ("../my scripts/train.py", f"{python} '../my scripts/train.py'"),
        ("/usr/bin/gpunet", "gpunet train"),
        ("/site/gpunet/__main__.py", f"{python} -m gpunet train"),
    ):
        assert spelled(monkeypatch, program, ("train", [])) == f"{start} {end}"
    words = ["train", "--dim", "7"]
    text = spelled(
        monkeypatch, "e/embed_text.py", ("embed_text", words), action="train"
    )
    assert text == f"{python} e/embed_text.py train {end}"


@posix
def test_program_that_the_shell_does_not_find_is_named_by_its_path(
    monkeypatch, tmp_path
):
    program = tmp_path / "python-of-mine"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    assert rerun._spelled(str(program)) == str(program)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert rerun._spelled(str(program)) == program.name


def test_folder_elsewhere_or_with_a_dash_is_named_by_its_path(monkeypatch, tmp_path):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    for name in ("here/-x", "hereafter", "there"):
        assert rerun._short(tmp_path / name) == str(tmp_path / name)
    assert rerun._short(tmp_path / "here" / "x") == "x"


def test_command_is_never_shortened(capsys):
    folder = "x" * 700 + "  y"
    message = f"training: {'long ' * 200}; resume with: gpunet train --out '{folder}'"
    assert report_error(Interrupted(message, 2)) == 130
    line = capsys.readouterr().err
    assert line.endswith(f"resume with: gpunet train --out '{folder}'\n")
    assert " ... " in line and line.count("\n") == 1


def test_marks_of_commands_are_those_that_messages_have():
    assert all(re.fullmatch(_COMMAND, mark) for mark in (task.RESUME, task.RETRY))
