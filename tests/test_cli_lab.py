"""The lab command: the list, one experiment, all of them."""

import importlib
import inspect
import json
import sys

import pytest
from helpers import ROOT, run_python

from gpunet.cli import main
from gpunet.cli.commands import lab
from gpunet.lab import registry
from gpunet.lab.registry import EXPERIMENTS, Experiment, get_experiment


def fails(*, device="cpu", seed=0, size=3):
    """Miss a target.

    size: A number, 100 % ours.
    """
    check = {"what": "one", "found": size, "wanted": 4, "ok": size == 4}
    return {"seed": seed, "device": device, "checks": [check]}


@pytest.fixture
def two_experiments(monkeypatch):
    two = (Experiment("test_cli_lab:fails", "a miss"), get_experiment("nand"))
    monkeypatch.setattr(registry, "EXPERIMENTS", two)
    monkeypatch.setattr(lab, "EXPERIMENTS", two)


def run(*words):
    return main(["lab", *words])


def one_line_error(capsys):
    err = capsys.readouterr().err.strip()
    assert err.startswith("gpunet: error: ") and "\n" not in err and len(err) <= 500
    return err


@pytest.mark.parametrize("experiment", EXPERIMENTS, ids=lambda e: e.name)
def test_every_experiment_keeps_the_contract(experiment):
    target, _, name = experiment.target.partition(":")
    module = importlib.import_module(target)
    function = getattr(module, name)
    parameters = dict(inspect.signature(function).parameters)
    parameters.pop("training", None)  # the options of `trained`
    assert list(parameters)[:2] == ["device", "seed"]
    assert parameters["device"].default == "cpu" and parameters["seed"].default == 0
    assert all(p.kind is p.KEYWORD_ONLY for p in parameters.values())
    assert inspect.getdoc(function)
    assert experiment.seconds >= 1 and len(experiment.title) <= 60


@pytest.mark.parametrize("experiment", EXPERIMENTS, ids=lambda e: e.name)
def test_help_says_what_every_option_is(experiment):
    target, _, name = experiment.target.partition(":")
    function = getattr(importlib.import_module(target), name)
    for key, (_, text) in lab._options(function).items():
        assert text, f"{experiment.name}: the docstring does not say what {key} is"


def test_names_are_unique_and_found():
    assert len({e.name for e in EXPERIMENTS}) == len(EXPERIMENTS)
    assert get_experiment("Learn_NAND").name == "learn-nand"


def test_list_shows_every_name(capsys):
    assert run() == 0
    text = capsys.readouterr().out
    assert all(e.name in text and e.title in text for e in EXPERIMENTS)


def test_list_as_json(capsys):
    assert run("--json") == 0
    assert json.loads(capsys.readouterr().out) == [e.name for e in EXPERIMENTS]


def test_unknown_name_suggests_the_nearest(capsys):
    assert run("percepton") == 2
    assert "did you mean perceptron" in one_line_error(capsys)
    assert run("xyzzy") == 2
    assert "without a name" in one_line_error(capsys)


@pytest.mark.parametrize("words", [("--json", "nand"), ("nand", "--json")])
def test_options_stand_before_or_after_the_name(capsys, words):
    assert run(*words) == 0
    result = json.loads(capsys.readouterr().out)
    assert [row["output"] for row in result["truth_table"]] == [1, 1, 1, 0]


def test_own_options_reach_the_experiment(capsys):
    words = ("perceptron", "--weights", "1,-2", "--inputs", "3,-1", "--bias", "-4")
    assert run(*words, "--json") == 0
    result = json.loads(capsys.readouterr().out)
    assert result["long_term"] == {"weights": [1.0, -2.0], "bias": -4.0}
    assert (result["total"], result["output"]) == (1.0, 1.0)


@pytest.mark.parametrize(
    "words",
    [
        ("nand", "--unknown", "1"),
        ("learn-nand", "--population", "x"),
        ("learn-nand", "--population", "0"),
        ("curve", "--rate", "nan"),
        ("nand", "--seed", "-1"),
        ("nand", "--device", "tpu"),
        ("nand", "--out", ""),
        ("explain", "--network", "3b1b"),
        ("all", "--population", "3"),
    ],
)
def test_bad_options_end_with_2_and_one_line(capsys, words):
    assert run(*words) == 2
    one_line_error(capsys)


def test_missed_check_ends_with_1(two_experiments, capsys):
    assert run("fails") == 1
    assert "FAILED" in capsys.readouterr().out
    assert run("fails", "--size", "4", "--seed", "9", "--json") == 0
    assert json.loads(capsys.readouterr().out)["seed"] == 9


def test_help_of_an_experiment_shows_its_options(two_experiments, capsys):
    assert run("fails", "--help") == 0
    text = capsys.readouterr().out
    assert "--size N " in text and "100 % ours" in text and "default: 3" in text


def test_all_shows_a_table_and_ends_with_1(two_experiments, capsys):
    assert run("all") == 1
    out = capsys.readouterr().out
    assert "1 of 2 experiments hold" in out and "FAILED" in out
    assert run("all", "--json") == 1
    rows = json.loads(capsys.readouterr().out)
    assert [row["missed"] for row in rows] == [["one"], []]


def test_out_holds_numbers_and_pictures(tmp_path, capsys):
    pytest.importorskip("matplotlib")
    assert run("curve", "--out", str(tmp_path / "a" / "b")) == 0
    folder = tmp_path / "a" / "b"
    assert sorted(p.name for p in folder.iterdir()) == ["curve.json", "curve.png"]
    assert json.loads((folder / "curve.json").read_text())["checks"]
    assert "curve.png" in capsys.readouterr().err


def test_out_without_matplotlib_holds_the_numbers(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert run("curve", "--out", str(tmp_path)) == 0
    assert [p.name for p in tmp_path.iterdir()] == ["curve.json"]
    assert 'pip install "gpunet[plot]"' in capsys.readouterr().err


def test_unwritable_folder_ends_with_8(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert run("nand", "--out", str(tmp_path / "file")) == 8
    one_line_error(capsys)


def test_explain_prints_the_chain_rule(capsys):
    assert run("explain", "--network", "notes", "--device", "cpu") == 0
    text = capsys.readouterr().out
    assert "∂C₀/∂w⁽¹⁾₀₀ = (-2) · 0.24445831 · (-0.073656184) = 0.036011733" in text


@pytest.mark.parametrize("name", ["desires", "comparator", "importance", "losses"])
def test_print_is_plain(capsys, name):
    assert run(name) == 0
    text = capsys.readouterr().out
    assert "hold" in text and "\x1b" not in text


def test_narrow_letters_are_no_error():
    done = run_python(
        "import gpunet.cli; raise SystemExit(gpunet.cli.main(['lab', 'explain']))",
        PYTHONIOENCODING="ascii",
    )
    assert done.returncode == 0 and "0.14196012" in done.stdout


def test_list_loads_no_experiment():
    done = run_python(
        "import sys, gpunet.cli\n"
        "assert gpunet.cli.main(['lab', '--help']) == 0\n"
        "import gpunet.lab.registry\n"
        "print('numpy' in sys.modules, 'gpunet.lab.neuron.perceptron' in sys.modules)\n"
    )
    assert done.stdout.endswith("False False\n"), done.stderr


def test_script_is_the_command():
    source = (ROOT / "scripts" / "lab.py").read_text()
    assert 'main(["lab", *sys.argv[1:]])' in source
