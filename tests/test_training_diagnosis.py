"""What ails a network: every fault is named, and a sound network is left alone."""

import json
from dataclasses import asdict, dataclass
from typing import ClassVar

import numpy as np
import pytest
from helpers import normal

import gpunet
from gpunet import SGD, Activation, Adam, Layer, Network, fit, mlp
from gpunet.data import Dataset, Splits, read_mnist
from gpunet.errors import ConfigError, DataError, GpunetWarning
from gpunet.lab.diagnosis import diagnose as experiment
from gpunet.lab.diagnosis import show_diagnose
from gpunet.runs.config import network_from_config, optimizer_from_config
from gpunet.runs.presets import preset
from gpunet.training import History
from gpunet.training.diagnosis import FAULTS, Problem
from gpunet.training.diagnosis import diagnose as diagnosed


def blobs(n=300, seed=0):
    """Return three clouds around corners, easy to tell apart."""
    t = np.arange(n) % 3
    return np.eye(3)[t] * 3 + 0.3 * normal(seed, n, 3), t


def diagnose(net, x, t, history=None):
    return diagnosed(net, (x, t), history).problems


def names(problems):
    return [problem.fault for problem in problems]


def sound(**settings):
    x, t = blobs()
    net = mlp([3, 16, 3], seed=1, **settings)
    return net, x, t, fit(net, (x, t), epochs=20, optimizer=Adam(0.01))


def test_sound_network_is_left_alone(bk):
    assert diagnose(*sound(device=bk)) == []


@pytest.mark.parametrize("name", ["default", "nielsen", "nielsen-l2", "3b1b"])
def test_sound_runs_of_the_presets_are_left_alone(name):
    raw = read_mnist()
    splits = Splits(raw.train.take(slice(5000)), None, raw.test, 10, "m")
    config = preset(name) | {"epochs": 2, "device": "cpu"}
    net = network_from_config(config)
    history = fit(
        net,
        splits,
        epochs=2,
        batch_size=config["batch_size"],
        optimizer=optimizer_from_config(config),
        schedule=config["schedule"],
    )
    assert diagnosed(net, splits, history).problems == []


def test_experiment_names_each_fault_it_made(bk):  # the lab's own ten networks
    result = experiment(device=bk.name, n_train=1000)
    assert [c["what"] for c in result["checks"] if not c["ok"]] == []
    assert [row["fault_made"] for row in result["networks"]] == ["none", *FAULTS]
    assert json.dumps(result, allow_nan=False)
    text = show_diagnose(result)
    assert text.startswith("none\n      nothing found\n") and "255" in text


def test_dead_relus_are_counted():
    net, x, t, _ = sound()
    net.params["0.b"][:8] = -1e6
    (problem,) = [f for f in diagnose(net, x, t) if f.fault == "dead ReLUs"]
    assert problem.where == "layer 1" and "of 16 neurons" in problem.what
    dead = int(
        (np.maximum(x @ net.params["0.W"] + net.params["0.b"], 0) == 0).all(0).sum()
    )
    assert problem.number == dead / 16 >= 0.5 and f"{dead} of 16" in problem.what
    net, x, t, _ = sound(activation="leaky_relu")
    net.params["0.b"][:8] = -1e6
    assert "dead ReLUs" not in names(diagnose(net, x, t))


@pytest.mark.parametrize("activation", ["sigmoid", "tanh"])
def test_saturation_is_measured_by_the_slope(activation):
    net, x, t, _ = sound(activation=activation)
    assert diagnose(net, x, t) == []
    net.params["0.b"][:] = 100.0
    (problem,) = [f for f in diagnose(net, x, t) if "saturated" in f.fault]
    assert problem.number > 0.9 and activation in problem.what


def test_dead_class_is_one_that_was_asked_for():
    net, x, t, _ = sound()
    net.params["2.b"][1] = -1e6
    (problem,) = diagnose(net, x, t)
    assert problem.fault == "dead class" and "class 1 is never" in problem.what
    assert diagnose(net, x[t != 1], t[t != 1]) == []
    net.classes = ("cat", "dog", "owl")
    (problem,) = diagnose(net, x, [net.classes[k] for k in t])
    assert "class dog is never" in problem.what


def test_vanishing_gradients_are_a_ratio():
    x, t = blobs()
    deep = mlp([3, *[8] * 8, 3], "sigmoid", seed=1)
    (problem,) = [f for f in diagnose(deep, x, t) if "vanishing" in f.fault]
    assert 0 < problem.number < 1e-3
    assert "vanishing gradients" not in names(diagnose(mlp([3, *[8] * 8, 3]), x, t))


def test_unscaled_inputs_name_the_cure():
    net, x, t, _ = sound()
    bytes_ = np.minimum(np.abs(x) * 80, 255)
    bytes_[0, 0] = 255
    assert "divide them by 255" in str(diagnose(net, bytes_, t)[0])
    assert "mean" in str(diagnose(net, x * 1e4, t)[0])
    tiny = diagnose(net, x * 1e-5, t)[0]
    assert tiny.fault == "unscaled inputs" and tiny.number < 1e-3


def test_symmetric_start_stays_symmetric():
    x, t = blobs()
    net = mlp([3, 8, 3], weight_init=0.1)
    assert diagnose(net, x, t)[0].fault == "symmetric start"
    fit(net, (x, t), epochs=5, optimizer=SGD(0.1))
    problem = diagnose(net, x, t)[0]
    assert problem.number == 1 and "1 of 8" in problem.what
    assert "symmetric start" not in names(diagnose(mlp([3, 8, 3]), x, t))


def losses(*values, **more):
    return History([{"epoch": k, "loss": v, **more} for k, v in enumerate(values, 1)])


@pytest.mark.parametrize(
    "history, found",
    [
        (losses(1.0, 0.5, 0.9), "learning rate too high"),  # it rose
        (losses(9.0, 0.5), "learning rate too high"),  # far above guessing, 1.1
        (losses(1.09, 1.08, 1.07), "learning rate too low"),
        (losses(1.6, 1.4, 1.5), "learning rate too high"),
        (losses(1.6, 1.5, 1.45), "learning rate too low"),  # from a bad start
        (losses(1.0, 0.5, 0.4), None),
        (losses(1.0, 0.1, 0.13), None),  # it rose where it is small
        (losses(1.09), None),  # one epoch says nothing yet
        (losses(1.09, 0.8), None),
        (losses(None, None), None),
        (None, None),
    ],
)
def test_learning_rates_are_judged_by_the_history(history, found):
    net, x, t, _ = sound()
    assert names(diagnose(net, x, t, history)) == ([found] if found else [])


def test_validation_loss_stands_in_for_an_untracked_one():
    net, x, t, _ = sound()
    history = History([{"val_loss": v, "learning_rate": 5.0} for v in (1.0, 0.5, 0.9)])
    (problem,) = diagnose(net, x, t, history)
    assert "at a learning rate of 5" in problem.what and problem.number == 1.8


def test_diagnosis_refuses_what_is_no_history_and_no_network():
    net, x, t, _ = sound()
    with pytest.raises(ConfigError, match="history: must be what `fit` returned"):
        diagnose(net, x, t, "history.jsonl")
    with pytest.raises(ConfigError, match=r"net: must be a gpunet\.Network, got str"):
        diagnose("mnist", x, t)


def test_members_of_a_population_are_judged_alone():
    x, t = blobs()
    net = mlp([3, 16, 3], seed=1, population=3)
    rates = [0.05, 1e-6, 0.05]
    with pytest.warns(GpunetWarning, match="1 of 3 members have not learned"):
        history = fit(net, (x, t), epochs=15, optimizer=SGD(rates), batch_size=10)
    net.params["2.b"][2, 0] = -1e6
    found = diagnose(net, x, t, history)
    assert [f for f in found if f.member == 0] == []
    assert "learning rate too low" in names(f for f in found if f.member == 1)
    assert names(f for f in found if f.member == 2) == ["dead class"]
    assert str(found[-1]).startswith("member 2: dead class: ")


def test_diverged_member_is_told_of_its_rate():
    x, t = blobs()
    net = mlp([3, 4, 3], "tanh", loss="squared_error", population=2)
    history = fit(net, (x, t), epochs=4, optimizer=SGD([0.01, 1e30]))
    assert history.stopped
    found = [f for f in diagnose(net, x, t, history) if f.member == 1]
    assert "learning rate too high" in names(found)


def test_regression_and_single_outputs_are_judged_too():
    x = normal(3, 200, 2)
    net = mlp([2, 16, 1], "tanh", loss="squared_error", seed=2)
    y = x[:, :1] - 2 * x[:, 1:]
    history = fit(net, (x, y), epochs=30, optimizer=Adam(0.01))
    assert diagnose(net, x, y, history) == []
    net = mlp([2, 8, 1], "tanh", loss="sigmoid_cross_entropy", seed=2)
    t = (y[:, 0] > 0).astype(int)
    history = fit(net, (x, t), epochs=20, optimizer=Adam(0.02))
    assert diagnose(net, x, t, history) == []


def test_run_is_judged_on_scaled_examples():
    x, t = blobs(3000)
    net = mlp([3, 16, 3], seed=1)
    history = fit(net, (x, t), epochs=5, optimizer=Adam(0.01))
    splits = Splits(Dataset(x * 1000, t, scale=0.001), None, None, 3, "own")
    assert diagnosed(net, splits, history).problems == []
    unscaled = Splits(Dataset(x * 1000, t), None, None, 3, "o")
    assert names(diagnosed(net, unscaled).problems)


def test_examples_that_do_not_fit_are_refused():
    with pytest.raises(ConfigError):
        diagnose(mlp([3, 3]), np.ones((5, 4)), np.arange(5) % 3)
    with pytest.raises(DataError):
        diagnose(mlp([3, 3]), np.ones((5, 3)), np.full(5, 7))


def test_guessing_is_told_without_a_history():
    net, x, t, _ = sound()
    net.params["2.W"][...] = 0.0
    net.params["2.b"][...] = [0.01, 0, 0]  # class 0 for all
    (problem, dead) = diagnose(net, x, t)
    assert problem.fault == "no better than guessing" and dead.fault == "dead class"
    assert problem.number == pytest.approx(1 / 3)
    assert "33.3% are right, 33.3% by the commonest class" in problem.what
    line = mlp([3, 8, 1], loss="squared_error", seed=1)
    (problem,) = diagnose(line, x, x.sum(axis=1, keepdims=True) + 9)
    assert "the loss is 1" in problem.what and "right" not in problem.what
    y = line.predict(x).astype("float64")
    weak = y + 2 * y.std() * normal(4, *y.shape)  # a fifth of it is known
    assert diagnose(line, x, weak) == []


def test_diagnosis_prints_a_line_for_each_problem():
    net, x, t, history = sound()
    assert str(gpunet.diagnose(net, (x, t), history)) == "diagnosis: no problems found"
    net.params["0.b"][:] = -1e6
    diagnosis = gpunet.diagnose(net, Dataset(x, t))
    lines = str(diagnosis).splitlines()
    assert lines == list(map(str, diagnosis.problems)) and repr(diagnosis) == str(
        diagnosis
    )
    assert lines[0].startswith("dead ReLUs (layer 1): 16 of 16 neurons are 0 for every")


@dataclass(frozen=True)
class Plain(Layer):
    """x plus a number for each feature: a layer that is not Dense."""

    tensors: ClassVar = ("b",)
    n_out: int

    def shapes(self):
        return {"b": (self.n_out,)}

    def init(self, rng):
        return {"b": np.zeros(self.n_out)}

    def forward(self, params, x, *, train=False, rng=None):
        return x + params["b"][..., None, :], None

    def backward(self, params, cache, dy, *, need_dx=True):
        return dy, {"b": dy.sum(axis=-2)}


def test_networks_without_dense_layers_are_judged_too():
    x, t = blobs()
    net = Network([Plain(3), Activation("relu")])
    assert diagnose(net, x, t) == []
    assert names(diagnose(net, x, (t + 1) % 3)) == ["no better than guessing"]


def test_diagnosis_changes_nothing():
    net, x, t, history = sound()
    before = {name: p.copy() for name, p in net.params.items()}
    gpunet.diagnose(net, (x, t), history)
    assert all(np.array_equal(net.params[name], p) for name, p in before.items())


def test_problem_reads_as_one_line():
    problem = Problem("dead class", 1.0, "class 3 is never answered", "train longer")
    assert str(problem) == "dead class: class 3 is never answered; train longer"
    assert asdict(problem)["member"] is None
