"""The recipe "how to add an experiment", step by step; the lab's README runs."""

import json
import re
import sys

import pytest
from helpers import ROOT
from lab_results import missed

from gpunet.cli import main
from gpunet.cli.commands import lab as command
from gpunet.lab import registry

# Steps 1 to 4: a function in a file of its chapter, with its picture and its text.
SOURCE = '''
"""Doubling: an experiment that the recipe adds."""

from gpunet.lab.checks import Result, check_range, near
from gpunet.show.plots import bars


def double_it(*, device="cpu", seed=0, times: int = 3, rate: float = 2.0) -> Result:
    """Multiply by two, again and again.

    times: How often.
    """
    check_range("times", times)
    value = 1.0
    for _ in range(times):
        value *= rate
    checks = [near("two to the power of times", value, 2.0**times, 1e-12)]
    return {"value": value, "_values": [value], "checks": checks}


def show_double_it(result):
    return f"The value is {result['value']:g}"


def draw_double_it(result):
    return {"doubled": bars(["value"], {"it": result["_values"]})}
'''


@pytest.fixture
def experiment(tmp_path, monkeypatch):
    """Register the experiment: step 5, a row of the table."""
    (tmp_path / "lab_doubling.py").write_text(SOURCE)
    monkeypatch.syspath_prepend(tmp_path)
    added = registry.Experiment("lab_doubling:double_it", "two, doubled", 1)
    everything = (*registry.EXPERIMENTS, added)
    for module in (registry, command):
        monkeypatch.setattr(module, "EXPERIMENTS", everything)
    yield added
    sys.modules.pop("lab_doubling", None)


def test_added_experiment_is_listed_and_runs(experiment, capsys, tmp_path):
    assert main(["lab", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[-1] == experiment.name == "double-it"
    assert main(["lab", "double-it", "--times", "5", "--out", str(tmp_path)]) == 0
    assert "The value is 32" in capsys.readouterr().out
    assert json.loads((tmp_path / "double-it.json").read_text())["value"] == 32.0
    assert (tmp_path / "doubled.png").read_bytes().startswith(b"\x89PNG")


def test_added_experiment_describes_its_options(experiment, capsys):
    assert main(["lab", "double-it", "--help"]) == 0
    text = capsys.readouterr().out
    assert "How often. (default: 3)" in text
    assert registry.OPTIONS["rate"] in text  # described once, for every experiment


def test_added_experiment_fails_a_missed_check(experiment, capsys):
    # Step 6: a number that must fail the check.
    assert main(["lab", "double-it", "--rate", "3", "--json"]) == 1
    assert missed(json.loads(capsys.readouterr().out)) == ["two to the power of times"]
    assert main(["lab", "double-it", "--times", "0"]) == 2
    assert "times must be at least 1, got 0" in capsys.readouterr().err


def test_readme_of_the_lab_runs(capsys):
    readme = (ROOT / "gpunet" / "lab" / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```\s*```text\n(.*?)```", readme, re.S)
    assert blocks
    for code, printed in blocks:
        exec(compile(code, "README.md", "exec"), {})
        assert capsys.readouterr().out == printed
    for name in re.findall(r"scripts/lab\.py ([a-z-]+)", readme):
        assert name == "all" or registry.get_experiment(name)
    assert f"{len(registry.EXPERIMENTS)} experiments" in readme
    for chapter in re.findall(r"^\| `([a-z_]+/|diagnosis.py)`", readme, re.M):
        assert (ROOT / "gpunet" / "lab" / chapter).exists()
    assert len(readme.split()) <= 500
