"""Sweeps at the command: a rate for each member, equal seeds, and which was best."""

import json

import numpy as np
import pytest
from tiny import error_line, train, write_set

from gpunet.cli.commands.train.report import show_result
from gpunet.cli.commands.train.sweep import with_members
from gpunet.errors import ConfigError
from gpunet.runs.presets import DEFAULTS
from gpunet.training.members.table import MemberTable
from gpunet.training.metrics import summary

A, B, C = 0.1, 0.3, 1.0


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_set(tmp_path_factory.mktemp("data"))


@pytest.mark.parametrize(
    ("changes", "population", "rates"),
    [
        ({"learning_rate": A}, None, A),
        ({"learning_rate": A, "population": 3}, 3, A),
        ({"learning_rate": [A, B, C]}, 3, [A, B, C]),
        ({"learning_rate": [A, B, C], "population": 3}, 3, [A, B, C]),
        ({"learning_rate": [A, B], "population": 6}, 6, [A, A, A, B, B, B]),
        ({"learning_rate": [A, B], "population": 5}, 5, [A, B]),  # refused later
        ({"learning_rate": [A, B], "l2": [0.0, 1.0, 2.0]}, 3, [A, B]),  # so is this
    ],
)
def test_values_are_spread_over_the_population(changes, population, rates):
    config = with_members(DEFAULTS | changes)
    assert (config["population"], config["learning_rate"]) == (population, rates)
    assert config["seed"] == 0


def test_values_of_one_member_stay_together():
    config = with_members(
        DEFAULTS | {"population": 4, "learning_rate": [A, B], "momentum": [0.5, 0.9]}
    )
    assert config["momentum"] == [0.5, 0.5, 0.9, 0.9]


def test_same_seed_gives_every_rate_the_same_seeds():
    three = DEFAULTS | {"learning_rate": [A, B, C], "seed": 5}
    assert with_members(three, same_seed=True)["seed"] == [5, 5, 5]
    six = with_members(three | {"population": 6}, same_seed=True)
    assert six["seed"] == [5, 6] * 3 and six["learning_rate"][:3] == [A, A, B]
    for changes in ({"population": 7}, {"seed": [1, 2, 3]}, {"learning_rate": A}):
        with pytest.raises(ConfigError, match="same_seed: needs one `seed` and sev"):
            with_members(three | changes, same_seed=True)


def test_rates_of_one_seed_are_compared(data, tmp_path):
    out = tmp_path / "run"
    rates = ["--lr", 1e-9, 0.05, 3e38, "--same-seed", "--seed", 4]
    process = train(data, out, *rates, "--optimizer", "sgd")
    assert process.returncode == 0, process.stderr
    config, result = (
        json.loads((out / f"{name}.json").read_text()) for name in ("config", "result")
    )
    assert (config["population"], config["seed"]) == (3, [4, 4, 4])
    rows = result["members"]
    assert [row["learning_rate"] for row in rows] == config["learning_rate"]
    tests = [row["test_accuracy"] for row in rows]
    assert tests == result["test_accuracy"] and tests[2] is None
    assert rows[2]["state"].startswith("diverged at epoch 1, step ")
    text = process.stdout
    assert repr(MemberTable(rows)) in text and "(learning rate 3e+38)" in text
    assert "best: learning rate 0.05: val accuracy " in text
    assert "(one seed each: the spread of seeds is unknown)" in text
    assert "3 members: 2 active, 1 diverged (member 2)" in text
    line = error_line(train(data, tmp_path / "no", "--same-seed"), 2)
    assert "--same-seed: needs one --seed and several values" in line


def test_population_of_one_is_one_network(capsys):
    ended = {"frozen": {}, "outcome": "all epochs done", "folder": "x", "epochs": 1}
    show_result({"n_test": 4, "summary": summary([0.5]), **ended}, [])
    assert "(n = 4, 1 network)" in capsys.readouterr().out


def test_lead_of_the_best_is_told_in_the_spread_of_seeds():
    values = {A: [0.7, 0.8], B: [0.9, 0.94], C: [0.1, None]}
    rows = MemberTable(
        {"member": 0, "seed": i, "learning_rate": rate, "epoch": 1}
        | {"val_accuracy": v, "state": "active" if v else "diverged at epoch 1, step 2"}
        for rate, pair in values.items()
        for i, v in enumerate(pair)
    )
    sd = np.sqrt((2 * 0.05**2 + 2 * 0.02**2) / 2)
    assert rows.best_setting() == (
        "best: learning rate 0.3: val accuracy 0.9200 (mean of 2 seeds), 0.1700 better "
        f"than learning rate 0.1 ({0.17 / sd:.1f} times the sd of seeds, {sd:.4f})"
    )
    tie = MemberTable({**row, "val_accuracy": 0.5} for row in rows[:4])
    text = "best: learning rate 0.1: val accuracy 0.5000 (mean of 2 seeds), as good as "
    assert tie.best_setting() == f"{text}learning rate 0.3"
    for row in rows:  # the same as losses
        accuracy = row.pop("val_accuracy")
        row["val_loss"] = accuracy and 1 - accuracy
    assert "learning rate 0.3: val loss 0.08 (" in rows.best_setting()
    rows[2]["state"] = "diverged at epoch 1, step 2"
    assert "(mean of 1 of 2 seeds), 0.19 better" in rows.best_setting()
    assert MemberTable(rows[:2]).best_setting() == ""  # one rate
