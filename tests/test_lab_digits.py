"""The digit experiments: each number of the notes' table, and their pictures."""

import json

import numpy as np
import pytest
from helpers import normal
from lab_results import assert_pictures, missed, public

from gpunet import mlp, save_network
from gpunet.cli import main
from gpunet.errors import ConfigError, ModelFileError
from gpunet.lab.digits import (
    answers,
    gradient_ascent,
    sweeps,
)
from gpunet.lab.digits.detectors import (
    detectors,
    draw_detectors,
    draw_weight_images,
    edge,
    loop,
    similarity,
    templates,
    weight_images,
)
from gpunet.lab.digits.trained import sample, trained

TINY = {"n_train": 300, "epochs": 1}


def test_network_has_13002_weights_and_biases():
    assert trained(n_train=300, epochs=1).net.n_parameters == 13_002


def test_edge_detector_fires_on_its_edge_alone():
    result = detectors()
    assert missed(result) == []
    rows = {row["image"]: row for row in result["synthetic"]}
    assert rows["edge"]["edge_sum"] > 10 and rows["flat image"]["edge_sum"] == 0
    assert rows["faint edge"]["edge_sum"] < 10  # the bias of -10 sets the bar
    seen = result["loop_activation_by_digit"]
    assert min(seen[8], seen[9]) > max(seen[:8])
    assert_pictures(draw_detectors, result)


def test_detectors_are_like_themselves_and_unlike_noise():
    for kind, make in (("edge", edge(40.0)), ("loop", loop())):
        assert abs(make.sum()) < 1e-9
        assert similarity(make[None])[kind][0] > 0.7
        assert similarity(normal(0, 1, 784))[kind][0] < 0.3
        assert np.allclose(np.linalg.norm(templates()[kind], axis=1), 1)
    assert similarity(np.zeros((1, 784)))["edge"][0] == 0


def test_neuron_called_as_a_function_equals_its_layer():
    result = answers.neuron()
    assert missed(result) == [] and result["largest_difference"] < 1e-12


def test_trained_network_costs_a_tenth_of_an_untrained_one():
    result = answers.cost()
    assert missed(result) == []
    before, taught, after = result["cost"]
    assert before > 1 and abs(taught - 0.085) < 0.02 and abs(after - 0.10) < 0.02


def test_confusion_counts_every_digit_and_300_tell_little():
    result = answers.confusion()
    assert missed(result) == []
    table = np.array(result["table"])
    assert table.sum() == 10_000
    assert np.trace(table) == round(result["test_accuracy"] * 10_000)
    low, high = result["on_300_images_95_percent"]
    assert high - low > 0.04
    assert_pictures(answers.draw_confusion, result)


def test_mistakes_come_costliest_first():
    result = answers.mistakes()
    assert missed(result) == []
    bad, good = result["surest_mistakes"], result["surest_successes"]
    assert all(r["digit"] != r["answer"] for r in bad)
    assert all(r["digit"] == r["answer"] for r in good)
    costs = [r["cost"] for r in bad]
    assert costs == sorted(costs, reverse=True) and good[0]["cost"] < costs[-1]
    x, t = sample(10_000, test=True)
    assert np.array_equal(result["_pictures"][0], x[bad[0]["index"]])
    assert t[bad[0]["index"]] == bad[0]["digit"]
    assert_pictures(answers.draw_mistakes, result)


def test_hidden_neurons_are_loose_patterns():
    result = weight_images(n_shuffles=30)
    assert missed(result) == [] and result["_pictures"].shape == (16, 784)
    for kind in ("edge", "loop"):
        found = result[kind]
        assert len(found["by_neuron"]) == 16
        assert found["shuffled_mean"] < found["mean"] < 0.5
    assert_pictures(draw_weight_images, result)


def test_noise_is_called_a_digit():
    result = answers.noise(n_networks=6, n_train=10_000)
    assert missed(result) == [] and result["n_images"] == 2000
    assert len(result["networks"]) == 6
    assert_pictures(answers.draw_noise, result)


def test_dreams_are_sure_and_no_digits():
    result = gradient_ascent.dream()
    assert missed(result) == []
    assert sum(a > 0.9 for a in result["output_after"]) >= 9
    assert max(result["likeness_to_nearest_digit"]) < 0.73
    assert np.all((result["_pixels"] >= 0) & (result["_pixels"] <= 1))
    assert_pictures(gradient_ascent.draw_dream, result)


def test_dream_climbs_by_the_gradient_of_its_own_output():
    net = trained(n_train=300, epochs=1).net
    u = normal(1, 10, 784) - 3.0
    before = np.diag(net.predict(1 / (1 + np.exp(-u))))
    after = np.diag(net.predict(gradient_ascent.ascend(net, u, 20, 0.1)))
    assert np.all(after > before)


def test_nearest_finds_a_picture_however_faint():
    among = np.abs(normal(2, 30, 784)).astype(np.float32)
    like, far, which = gradient_ascent.nearest(0.1 * among[[7, 3]], among)
    assert which.tolist() == [7, 3] and np.allclose(like, 1, atol=1e-5)
    brute = np.linalg.norm(0.1 * among[7] - among, axis=1).min()
    assert abs(far[0] - brute) < 1e-3 * brute


def test_width_helps_and_depth_hardly():
    sizes = {"widths": (4, 16, 64), "depths": (1, 2), "n_seeds": 3}
    result = sweeps.sizes(**sizes, n_train=3000, epochs=6)
    assert missed(result) == [] and len(result["sizes"]) == 6
    assert result["sizes"][1]["parameters"] == 784 * 16 + 16 + 170
    assert_pictures(sweeps.draw_sizes, result)


def test_relu_is_faster_than_sigmoid_and_can_die():
    settings = {"rates": (0.2, 1.0, 3.0), "n_seeds": 3}
    result = sweeps.sigmoid_or_relu(**settings)
    assert missed(result) == []
    assert_pictures(sweeps.draw_sigmoid_or_relu, result)


def test_dead_units_are_counted_per_member():
    net = mlp([4, 3, 2, 2], "relu", population=2)
    net.params["0.b"][1, :2] = -1e6
    assert sweeps.dead_units(net, np.abs(normal(0, 50, 4)))[1] >= 2
    net.params["2.W"][:], net.params["2.b"][:] = 0.0, 1.0
    net.params["0.b"][:] = 1e6
    assert sweeps.dead_units(net, normal(0, 50, 4)).tolist() == [0, 0]


def test_gradients_vanish_behind_sigmoids_and_not_behind_relus():
    result = sweeps.gradient_by_layer()
    assert missed(result) == []
    norms = result["gradient_norm_by_layer"]
    assert norms["sigmoid"][0] < 1e-3 * norms["sigmoid"][-1]
    assert norms["relu"][0] > 0.3 * norms["relu"][-1]
    assert_pictures(sweeps.draw_gradient_by_layer, result)


SMALL = (
    (detectors, {"n_images": 100}),
    (answers.neuron, {"n_images": 2}),
    (answers.cost, TINY),
    (answers.confusion, TINY),
    (answers.mistakes, TINY),
    (weight_images, TINY | {"n_shuffles": 2}),
    (answers.noise, TINY | {"n_images": 20, "n_networks": 2}),
    (gradient_ascent.dream, TINY | {"n_steps": 3}),
    (sweeps.sizes, TINY | {"widths": (4, 8), "depths": (1, 2), "n_seeds": 2}),
    (sweeps.gradient_by_layer, {"n_seeds": 2, "n_images": 20}),
    (
        sweeps.sigmoid_or_relu,
        {"rates": (0.1, 3.0), "n_seeds": 2, "n_steps": 6, "n_train": 200},
    ),
)


@pytest.mark.parametrize(("experiment", "options"), SMALL)
def test_experiment_runs_on_every_device_and_speaks_json(bk, experiment, options):
    result = experiment(device=bk.name, **options)
    assert json.loads(json.dumps(public(result))) == public(result)
    assert result["checks"]
    for check in result["checks"]:
        assert set(check) == {"what", "found", "wanted", "ok"}
        assert isinstance(check["ok"], bool) and check["what"]


def test_an_almost_untrained_network_misses_the_targets():
    for experiment in (answers.mistakes, answers.cost, answers.confusion):
        result = experiment(**TINY)
        # 300 images show as little and as much whatever the network's accuracy;
        # the untrained network costs the same.
        kept = [c["what"] for c in result["checks"] if c["ok"]]
        assert all(w == "untrained" or w.startswith("300 images") for w in kept)
        assert missed(result)


def test_sound_gradients_pass():
    assert "ReLU: factor on each layer down" not in missed(
        sweeps.gradient_by_layer(n_seeds=3)
    )


@pytest.mark.parametrize(
    "call",
    [
        lambda: answers.cost(n_train=0),
        lambda: answers.cost(n_train=60_001),
        lambda: answers.mistakes(shown=0, **TINY),
        lambda: answers.noise(n_images=0, **TINY),
        lambda: detectors(n_images=99),
        lambda: weight_images(n_shuffles=0, **TINY),
        lambda: sweeps.gradient_by_layer(depth=2),
    ],
)
def test_impossible_numbers_are_refused(call):
    with pytest.raises(ConfigError):
        call()


def test_weights_of_others_take_the_networks_place(tmp_path):
    net = mlp([784, 12, 10], "sigmoid", output="sigmoid", loss="squared_error", seed=3)
    save_network(net, tmp_path / "a.safetensors")
    result = answers.confusion(weights=str(tmp_path / "a.safetensors"))
    assert "accuracy on 10,000 digits" not in [c["what"] for c in result["checks"]]
    W = [net.params[k].T.tolist() for k in ("0.W", "2.W")]
    b = [net.params[k].tolist() for k in ("0.b", "2.b")]
    (tmp_path / "a.json").write_text(json.dumps([W, b]))
    again = answers.confusion(weights=str(tmp_path / "a.json"))
    assert again["table"] == result["table"]
    images = weight_images(weights=str(tmp_path / "a.json"), n_shuffles=2)
    assert images["n_hidden"] == 12


def test_weights_that_are_no_digit_reader_are_refused(tmp_path, capsys):
    save_network(mlp([5, 10]), tmp_path / "small.safetensors")
    with pytest.raises(ModelFileError, match="5-10"):
        trained(weights=str(tmp_path / "small.safetensors"))
    save_network(mlp([784, 10], population=2), tmp_path / "two.safetensors")
    with pytest.raises(ModelFileError, match="2 networks"):
        trained(weights=str(tmp_path / "two.safetensors"))
    (tmp_path / "text.json").write_text("hello")
    assert main(["lab", "cost", "--weights", str(tmp_path / "text.json")]) == 4
    err = capsys.readouterr().err.strip()
    assert err.startswith("gpunet: error: weights: ") and "\n" not in err
