"""Training in the page: the same starts, orders and steps as in gpunet."""

import json
from itertools import chain

import numpy as np
import pytest

import gpunet
from gpunet.cli import main
from gpunet.page import page_html
from gpunet.page.plane import playground
from gpunet.random import host_rng

RUN = """({sizes, activation, loss, settings, x, t, steps}) => {
  const {Network, Trainer} = page.training;
  const names = sizes.slice(2).map(() => activation);
  const net = Network.start(sizes, names, loss, settings.seed);
  const arrays = () => net.layers.map(({W, b}) => [Array.from(W), Array.from(b)]);
  const start = arrays();
  const trainer = new Trainer(net, {x: Float64Array.from(x), t}, settings);
  for (let k = 0; k < steps; k++) trainer.takeStep();
  return [start, arrays(), trainer.measure()];
}"""
RNG = np.random.default_rng(0)
X = RNG.normal(size=(37, 2))
LABELS = np.arange(37) % 3
STEPS = 100
CASES = [
    *((f, "half_squared_error", 1, {}) for f in ("relu", "leaky_relu", "elu:0.7")),
    *((f, "half_squared_error", 1, {}) for f in ("sigmoid", "tanh", "gelu", "silu")),
    *((f, "half_squared_error", 1, {}) for f in ("softplus", "identity")),
    *(("tanh", f, 3, {}) for f in ("squared_error", "mean_squared_error")),
    *(("tanh", f, 3, {}) for f in ("absolute_error", "huber:0.5")),
    *(("tanh", f"{f}_cross_entropy:0.1", 3, {}) for f in ("softmax", "sigmoid")),
    ("tanh", "sigmoid_cross_entropy", 1, {"momentum": 0.9, "l2": 0.01}),
    ("relu", "softmax_cross_entropy", 3, {"optimizer": "adam", "l2": 0.01}),
]


@pytest.fixture(scope="module")
def training(chromium, tmp_path_factory):
    """Return what evaluates JavaScript where the page can train."""
    path = tmp_path_factory.mktemp("page") / "playground.html"
    path.write_bytes(page_html(playground()))
    page = chromium.new_page()
    page.goto(path.as_uri())
    yield page.evaluate
    page.close()


def targets(loss, n_out):
    """Return targets of shape (n, n_out), which both sides take."""
    t = np.eye(3)[LABELS] if n_out == 3 else (X[:, :1] * X[:, 1:] > 0).astype(float)
    return t if "entropy" in loss else 2.0 * t - 1.0


def host(net):
    """Return the weights and biases of each dense layer as flat lists."""
    params = {k: net.backend.to_host(v).ravel() for k, v in net.params.items()}
    dense = [k[:-2] for k in params if k.endswith(".W")]
    return [[params[f"{k}.W"], params[f"{k}.b"]] for k in dense]


def difference(a, b):
    pairs = zip(chain(*a), chain(*b), strict=True)
    return max(np.abs(np.subtract(p, q)).max() for p, q in pairs)


@pytest.mark.parametrize("shuffle", [False, "per_member"])
@pytest.mark.parametrize(("activation", "loss", "n_out", "more"), CASES)
def test_steps_are_those_of_fit(training, activation, loss, n_out, more, shuffle):
    sizes, t = [2, 8, 8, n_out], targets(loss, n_out)
    settings = {"optimizer": "sgd", "learning_rate": 0.05, "batch_size": 10, **more}
    net = gpunet.mlp(
        sizes, activation, loss=loss, weight_init="he_uniform", seed=3, dtype="float64"
    )
    before = [[p.copy() for p in layer] for layer in host(net)]
    values = {k: v for k, v in settings.items() if k != "batch_size"}
    optimizer = gpunet.optimizer(values.pop("optimizer"), **values)
    gpunet.fit(
        *(net, (X, t)),
        **{"optimizer": optimizer, "batch_size": 10, "shuffle": shuffle},
        **{"epochs": STEPS, "max_steps": STEPS, "engine": "loop"},
    )
    settings |= {"seed": 3, "shuffle": bool(shuffle)}
    more = {"x": X.ravel().tolist(), "t": t.tolist(), "steps": STEPS}
    names = {"sizes": sizes, "activation": activation, "loss": loss}
    start, end, measured = training(RUN, {**names, "settings": settings, **more})
    assert difference(start, before) == 0
    assert difference(before, host(net)) > 0.01
    assert difference(end, host(net)) <= 1e-10
    y = net.forward(net.backend.array(X))[0]
    assert measured["loss"] == pytest.approx(float(net.loss.value(y, t)), abs=1e-12)


@pytest.mark.parametrize("seed", [0, 7, 2**32 - 1, 2**40 + 5])
def test_random_numbers_are_those_of_numpy(training, seed):
    code = """(seed) => {
      const Random = page.training.Random;
      const order = new Random(seed, "shuffle", 3).permutation(1000);
      return [Array.from(new Random(seed, "init").uniform(-2, 3, 50)), order];
    }"""
    numbers, order = training(code, seed)
    assert numbers == host_rng(seed, "init").uniform(-2, 3, 50).tolist()
    assert order == host_rng(seed, "shuffle", 3).permutation(1000).tolist()


TRAINED = """([settings, epochs]) => {
  const playground = new page.plane.Playground(settings);
  while (playground.trainer.epoch < epochs) playground.step();
  const {net, data} = playground;
  const config = JSON.stringify(playground.config("points.csv"));
  return [config, page.plane.writeCsv(data),
    net.layers.map(({W, b}) => [Array.from(W), Array.from(b)])];
}"""


@pytest.mark.parametrize(
    "settings",
    [
        {"kind": "circles", "noise": 0.1, "momentum": 0.9, "n": 90},
        {"kind": "blobs", "noise": 0.2, "optimizer": "adam", "learning_rate": 0.01},
        {"kind": "waves", "loss": "huber", "seed": 5, "l2": 0.001, "hidden": []},
    ],
    ids=lambda settings: settings["kind"],
)
def test_the_command_trains_the_same_network(training, settings, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config, points, end = training(TRAINED, [settings, 4])
    (tmp_path / "playground.json").write_text(config)
    (tmp_path / "points.csv").write_text(points, newline="")
    words = ["--config", "playground.json", "--out", "run", "--device", "cpu"]
    assert main(["train", *words, "--engine", "loop", "--quiet"]) == 0
    net = gpunet.load_network("run/model.safetensors")
    assert difference(end, host(net)) <= 1e-10
    assert json.loads(config)["epochs"] == 4
    table = np.loadtxt("points.csv", delimiter=",", skiprows=1)
    assert len(table) == settings.get("n", 200)


LAST_GOOD = """() => {
  const settings = {loss: "half_squared_error", learning_rate: 1000};
  const hidden = [{n: 4, activation: "relu"}];
  const playground = new page.plane.Playground({...settings, hidden});
  const weights = () => JSON.stringify(playground.net.layers.map(({W}) => [...W]));
  let before = weights();
  while (playground.step()) before = weights();
  return [before === weights(), playground.stopped, playground.trainer.step];
}"""


def test_a_step_that_overflows_leaves_the_weights_before_it(training):
    same, message, step = training(LAST_GOOD)
    assert same and f"step {step + 1}: the loss is no longer" in message
