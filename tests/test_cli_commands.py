"""The commands together: each has its files, and one is added in five steps."""

import importlib
import sys
from types import ModuleType

import pytest
from helpers import ROOT

from gpunet import cli
from gpunet.errors import ConfigError

SCRIPTS = {"images": "output_mnist_images"}  # the others are named like the command
INSTALLED = ("completion", "runs")  # what only an installed `gpunet` has


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_every_command_has_options_and_work(name):
    options = importlib.import_module(f"gpunet.cli.options.{name}")
    work = importlib.import_module(f"gpunet.cli.commands.{name}")
    assert options.HELP.endswith(".") and callable(options.add_arguments)
    assert callable(work.run)


@pytest.mark.parametrize("name", [n for n in cli.COMMANDS if n not in INSTALLED])
def test_command_has_a_script_for_the_checkout(name):
    script = (ROOT / "scripts" / f"{SCRIPTS.get(name, name)}.py").read_text()
    assert f'main(["{name}", *sys.argv[1:]])' in script


def test_no_file_of_options_or_work_is_without_its_command():
    for folder in ("options", "commands"):
        names = {p.stem for p in (ROOT / "gpunet" / "cli" / folder).iterdir()}
        names -= {"__init__", "__pycache__", "common"}
        assert names == set(cli.COMMANDS)


@pytest.fixture
def greet(monkeypatch):
    """Add a command by the steps of the recipe, without its files."""
    options, work = ModuleType("options"), ModuleType("work")
    options.HELP = "Greet somebody."
    options.add_arguments = lambda parser: parser.add_argument("--first-name")

    def run(args):
        if not args.first_name:
            raise ConfigError("first_name must be a name; use another `first_name`")
        print(f"Hello {args.first_name}")
        return 0

    work.run = run
    monkeypatch.setitem(sys.modules, "gpunet.cli.options.greet", options)
    monkeypatch.setitem(sys.modules, "gpunet.cli.commands.greet", work)
    monkeypatch.setitem(cli.COMMANDS, "greet", "greet somebody")


def test_new_command_runs_shows_help_and_names_its_options(greet, capsys):
    assert cli.main(["greet", "--first-name", "Ada"]) == 0
    assert capsys.readouterr().out == "Hello Ada\n"
    assert cli.main(["greet", "--help"]) == 0
    assert "Greet somebody." in capsys.readouterr().out
    assert cli.main(["greet", "--first-name", ""]) == 2
    line = "gpunet: error: --first-name must be a name; use another --first-name\n"
    assert capsys.readouterr().err == line
    assert cli.main(["greet", "--last-name", "x"]) == 2
    hint = "--last-name: no such option; did you mean --first-name?"
    assert hint in capsys.readouterr().err
    assert cli.main(["--help"]) == 0 and "greet somebody" in capsys.readouterr().out


def told(capsys, *words):
    code = cli.main(list(words))
    return code, *capsys.readouterr()


def test_help_lists_the_commands_or_shows_one(capsys):
    code, overview, _ = told(capsys)
    assert code == 0 and all(f"  {name} " in overview for name in cli.COMMANDS)
    for words in (["help"], ["-h"], ["--help"]):
        assert told(capsys, *words) == (0, overview, "")
    for words in (["train"], ["embed-text", "neighbors"], ["lab", "by_hand"]):
        text = told(capsys, "help", *words)
        assert text == told(capsys, *words, "--help") and text[0] == 0
        assert text[1].startswith(f"usage: gpunet {words[0].replace('-', '_')}")
    assert told(capsys, "-V") == told(capsys, "--version")


def test_misspelled_command_is_answered_with_the_nearest(capsys):
    code, out, err = told(capsys, "trian")
    assert (code, out) == (2, "") and err.endswith("; did you mean train?\n")
    assert told(capsys, "help", "embed-txt")[2].endswith("did you mean embed_text?\n")
    assert told(capsys, "--debgu")[0] == 2
