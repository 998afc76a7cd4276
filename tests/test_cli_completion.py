"""`gpunet completion`: what a shell offers after the words typed so far."""

import shutil
import subprocess

import pytest

from gpunet import cli
from gpunet.cli.parser import command_parser, option_strings

SHELLS = ("bash", "zsh", "fish")


@pytest.fixture
def script(capsys, tmp_path):
    def write(shell):
        assert cli.main(["completion", shell]) == 0
        path = tmp_path / f"gpunet.{shell}"
        path.write_text(capsys.readouterr().out)
        return path

    return write


@pytest.fixture
def offered(script):
    """Return what bash offers for the last of some words."""
    if not shutil.which("bash"):
        pytest.skip("bash is not installed")
    path = script("bash")

    def complete(*words):
        listed = " ".join(map(repr, words))
        code = (
            f"source '{path}'; COMP_WORDS=({listed}); COMP_CWORD={len(words) - 1}\n"
            '_gpunet; printf "%s\\n" "${COMPREPLY[@]}"; complete -p gpunet'
        )
        done = subprocess.run(["bash", "-c", code], capture_output=True, text=True)
        assert done.returncode == 0 and done.stderr == ""
        *names, registered = done.stdout.split("\n")[:-1]
        assert registered == "complete -o default -F _gpunet gpunet"
        return [name for name in names if name]

    return complete


def test_commands_and_their_options_are_completed(offered):
    assert set(cli.COMMANDS) <= set(offered("gpunet", ""))
    assert offered("gpunet", "tr") == ["train"]
    assert offered("gpunet", "train") == ["train"]  # not yet its options
    assert offered("gpunet", "train", "--epo") == ["--epochs"]
    assert offered("gpunet", "train", "--seed", "1", "--batch") == ["--batch-size"]
    assert offered("gpunet", "help", "pred") == ["predict"]


def test_actions_and_their_options_are_completed(offered):
    assert offered("gpunet", "embed_text", "neighb") == ["neighbors", "neighbours"]
    for name in ("embed_text", "embed-text"):
        assert offered("gpunet", name, "train", "--min-c") == ["--min-count"]
    assert offered("gpunet", "embed_text", "map", "--min-c") == []


def test_names_and_choices_are_completed(offered):
    assert offered("gpunet", "train", "--engine", "") == ["auto", "loop", "compiled"]
    assert offered("gpunet", "train", "--preset", "n") == ["nielsen", "nielsen-l2"]
    assert offered("gpunet", "train", "--activation", "leaky") == ["leaky_relu"]
    assert offered("gpunet", "lab", "weight") == ["weight-images"]
    assert offered("gpunet", "completion", "z") == ["zsh"]


def test_where_a_file_is_wanted_the_shell_offers_files(offered):
    assert offered("gpunet", "train", "--out", "") == []
    assert offered("gpunet", "predict", "runs/x", "table") == []


@pytest.mark.parametrize("shell", SHELLS)
def test_script_is_valid_and_has_every_option(script, shell):
    path = script(shell)
    text = path.read_text()
    for name in cli.COMMANDS:
        parser = command_parser(name, cli.options_of(name))
        missing = [o for o in option_strings(parser) if o[:2] == "--" and o not in text]
        assert not missing and name in text
    if not shutil.which(shell):
        pytest.skip(f"{shell} is not installed")
    assert subprocess.run([shell, "-n", str(path)]).returncode == 0


def test_unknown_shell_is_answered_with_those_there_are(capsys):
    assert cli.main(["completion", "powershell"]) == 2
    assert "choose from bash, zsh, fish" in capsys.readouterr().err
