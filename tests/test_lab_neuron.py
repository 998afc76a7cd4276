"""One neuron and what is made of it."""

import numpy as np
import pytest
from lab_results import holds

from gpunet.errors import ConfigError
from gpunet.lab.neuron.circuits import Circuit, all_rows, circuits
from gpunet.lab.neuron.perceptron import (
    ROWS,
    comparator,
    fire,
    learn_nand,
    losses,
    nand,
    neuron,
    perceptron,
)
from gpunet.lab.neuron.timing import activation_cost


@pytest.mark.parametrize(
    "experiment", [perceptron, nand, circuits, comparator, losses, activation_cost]
)
def test_experiment_holds_on_every_backend(bk, experiment):
    holds(experiment(device=bk.name))


def test_perceptron_fires_above_zero_only():
    found = perceptron()
    assert found["weight_times_input"] == [4.0, -5.0, 3.0]
    assert (found["total"], found["output"]) == (0.5, 1.0)
    assert perceptron(bias=-2.0)["total"] == 0.0
    assert perceptron(bias=-2.0)["output"] == 0.0


def test_firing_leaves_the_long_term_state_alone():
    net = neuron((0.5, -1.0, 1.5), -1.5)
    before = {name: p.copy() for name, p in net.params.items()}
    totals, outputs = fire(net, [[8.0, 5.0, 2.0], [0.0, 0.0, 0.0]])
    assert (totals, outputs) == ([0.5, -1.5], [1.0, 0.0])
    assert all(np.array_equal(before[name], p) for name, p in net.params.items())


def test_nand_in_the_notes_order():
    rows = nand()["truth_table"]
    assert [(r["A"], r["B"]) for r in rows] == [(0, 0), (1, 0), (0, 1), (1, 1)]
    assert [r["total"] for r in rows] == [3, 1, 1, -1]
    assert [r["output"] for r in rows] == [1, 1, 1, 0]


def test_circuits_need_no_other_gate():
    a, b, c = all_rows(3)
    circuit = Circuit()
    total, carry = circuit.full_adder(a, b, c)
    assert circuit.gates == 9
    for k in range(8):
        assert total[k] + 2 * carry[k] == a[k] + b[k] + c[k]
    wanted = [1, 0, 0, 1, 1, 0, 1, 0]
    assert Circuit().any([a, b, c], wanted) == wanted
    assert circuits()["nands_used"]["four_bit_adder"] == 5 + 3 * 9


def test_comparator_cannot_learn():
    found = comparator()
    assert found["start"]["total_for_(0,1)"] == pytest.approx(-0.4, abs=1e-12)
    assert found["start"]["output"] == 0.0
    for row in found["slope_of_the_loss"]:
        assert row["comparator"] == 0.0
        assert row["sigmoid"] != 0.0
    assert "nothing can be learned" in found["asked_to_train"]


def test_nand_is_learned_by_200_of_200_seeds():
    found = holds(learn_nand())
    assert found["all_four_rows_right"] == 200
    assert found["held_out_rows_right"] == 1.0
    assert found["mean_weights"] == pytest.approx([-0.441, -0.441], abs=0.008)
    assert found["mean_bias"] == pytest.approx(1.180, abs=0.008)
    assert found["mean_absolute_error"] == pytest.approx(0.25, abs=1e-3)
    assert found["least_squares"]["outputs"] == [1.25, 0.75, 0.75, 0.25]


def test_nand_is_learned_on_every_backend(bk):
    found = holds(learn_nand(device=bk.name, population=5))
    assert found["all_four_rows_right"] == 5


def test_squares_turn_the_order_round():
    rows = {row["measure"]: row for row in losses()["losses"]}
    wanted = {
        "sum of errors": (0.8, 0.6),
        "sum of squares": (0.16, 0.36),
        "half sum of squares": (0.08, 0.18),
        "mean of squares": (0.04, 0.09),
    }
    for name, pair in wanted.items():
        assert (rows[name]["four small"], rows[name]["one large"]) == pytest.approx(
            pair
        )
    assert [r["nearer_end"] for r in losses()["reading_a_fraction"]] == [0, 0]


def test_every_activation_has_its_time():
    found = activation_cost(neurons=1000)
    names = [row["activation"] for row in found["cost"]]
    assert names[1:] == ["sigmoid", "tanh", "relu", "leaky_relu"]
    assert all(row["ns_per_neuron"] > 0 for row in found["cost"])


@pytest.mark.parametrize(
    "call",
    [
        lambda: perceptron(weights=(1.0,), inputs=(1.0, 2.0)),
        lambda: comparator(nudge=0.0),
        lambda: learn_nand(population=0),
        lambda: activation_cost(neurons=0),
    ],
)
def test_bad_options_are_refused(call):
    with pytest.raises(ConfigError):
        call()


def test_neuron_is_a_network_of_one():
    net = neuron((1.0, 2.0), 3.0, "leaky_relu")
    assert net.n_parameters == 3
    assert fire(net, ROWS)[0] == [3.0, 4.0, 5.0, 6.0]
