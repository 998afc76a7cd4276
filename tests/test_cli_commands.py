"""The commands together: each has its files, and one is added in five steps."""

import importlib
import sys
from types import ModuleType

import pytest
from helpers import ROOT

from gpunet import cli
from gpunet.errors import ConfigError

SCRIPTS = {"images": "output_mnist_images"}  # the others are named like the command


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_every_command_has_options_work_and_a_script(name):
    options = importlib.import_module(f"gpunet.cli.options.{name}")
    work = importlib.import_module(f"gpunet.cli.commands.{name}")
    assert options.HELP.endswith(".") and callable(options.add_arguments)
    assert callable(work.run)
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
    assert "unrecognized arguments: --last-name x" in capsys.readouterr().err
    assert cli.main(["--help"]) == 0 and "greet somebody" in capsys.readouterr().out
