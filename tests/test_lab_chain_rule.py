"""The lab's explanations and the changes that an example asks for."""

import numpy as np
import pytest
from lab_results import assert_pictures, holds

import gpunet
from gpunet.errors import ConfigError
from gpunet.lab.chain_rule import desired_changes
from gpunet.lab.chain_rule.explain import explain, show_explain


@pytest.mark.parametrize("name", ["chain", "notes", "2-3-1", "3,4,2"])
def test_lab_explains_small_networks(bk, name):
    holds(explain(device=bk.name, network=name))


def test_explained_with_the_notes_numbers():
    result = explain()
    assert result["cost"] == pytest.approx(0.1419601169, abs=1e-10)
    found = {w["of"]: w["dC/dw"] for row in result["backward"] for w in row["weights"]}
    found |= {r["bias"]["of"]: r["bias"]["dC/db"] for r in result["backward"]}
    wanted = {
        "w⁽³⁾": -0.0710663793,
        "b⁽³⁾": -0.1769459178,
        "w⁽²⁾": -0.0509173724,
        "b⁽²⁾": -0.0850483078,
        "w⁽¹⁾": 0.0122602619,
        "b⁽¹⁾": 0.0204337699,
    }
    assert found == pytest.approx(wanted, abs=1e-10)
    text = show_explain(result)
    line = "∂C₀/∂w⁽³⁾ = 0.40162768 · 0.23481583 · (-0.7535519) = -0.071066379"
    assert line in text
    assert "z⁽¹⁾ = 0.5 · 0.6 + 0.1 = 0.4" in text


def test_every_printed_product_can_be_multiplied_again():
    for row in explain(network="2-3-2", activation="tanh")["backward"]:
        if row["terms"]:
            terms = [t["dz/da"] * t["da/dz"] * t["dC/da"] for t in row["terms"]]
            assert sum(terms) == pytest.approx(row["dC/da"], abs=1e-14)
        for w in row["weights"]:
            product = w["dz/dw"] * row["da/dz"] * row["dC/da"]
            assert product == pytest.approx(w["dC/dw"], abs=1e-14)


def test_one_weight_of_a_preset_is_explained():
    result = holds(explain(network="3b1b", weight="2,3,14"))
    (row,) = result["backward"]
    assert row["neuron"] == "a⁽²⁾₃"
    assert [w["of"] for w in row["weights"]] == ["w⁽²⁾₃,₁₄"]
    assert len(row["terms"]) == 10
    assert "∂C₀/∂w⁽²⁾₃,₁₄ = " in show_explain(result)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"network": "3b1b"}, "13,002"),
        ({"network": "nothing"}, "must be chain"),
        ({"network": "999999-999999", "weight": "1,0,0"}, "smaller"),
        ({"network": "100-100"}, "10,100"),
        ({"weight": "1"}, "LAYER,J,K"),
        ({"weight": "4,0,0"}, "from 1 to 3"),
        ({"weight": "1,1,0"}, "J from 0 to 0"),
        ({"network": "3b1b", "weight": "1,0,0", "example": 10_000}, "9,999"),
    ],
)
def test_lab_refuses_what_it_cannot_explain(options, words):
    with pytest.raises(ConfigError, match=words):
        explain(**options)


def test_model_file_is_explained(tmp_path):
    net = gpunet.mlp([3, 4, 3, 2], "sigmoid", output="sigmoid", loss="squared_error")
    net.save(tmp_path / "model.safetensors")
    result = holds(explain(network=str(tmp_path / "model.safetensors")))
    assert result["sizes"] == [3, 4, 3, 2]


@pytest.mark.parametrize("name", ["nudges", "desires", "votes"])
def test_desired_changes_hold_on_every_backend(bk, name):
    holds(getattr(desired_changes, name)(device=bk.name))


def test_most_active_input_gets_the_largest_change():
    rows = desired_changes.nudges(digit=2)["hidden_neurons"]
    assert len(rows) == 16
    changes = [abs(row["nudge_of_the_weight"]) for row in rows]
    assert changes == sorted(changes, reverse=True)
    assert [r["activation"] for r in rows] == sorted(
        (r["activation"] for r in rows), reverse=True
    )


def test_desired_changes_of_ten_outputs_add_up():
    result = desired_changes.desires(examples=4)
    table = np.array(result["wishes_of_outputs"])
    assert table.shape == (10, 16)
    assert table.sum(axis=0) == pytest.approx(result["their_sum"], abs=1e-15)
    assert result["labels"] == [5, 0, 4, 1]
    assert "for a 5" in desired_changes.show_desires(result)
    assert_pictures(desired_changes.draw_desires, result)


@pytest.mark.parametrize(
    "call",
    [
        lambda: desired_changes.nudges(digit=10),
        lambda: desired_changes.desires(examples=0),
    ],
)
def test_bad_options_are_refused(call):
    with pytest.raises(ConfigError):
        call()
