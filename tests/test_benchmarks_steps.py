"""The bench command: what it reports; never how fast anything is."""

import json
import time

import numpy as np
import pytest
from benchmarks import busy, main, predictors, rivals, steps, worker
from benchmarks.options.bench import COSTS, FULL, sizes_of

from gpunet.errors import ConfigError

TINY = ["bench", "--nets", "6-5-3", "--batches", "1", "4", "--threads", "1"]
TINY += ["--rivals", "gpunet", "numpy", "--repeats", "2", "--steps", "6"]


@pytest.fixture(scope="module")
def raw(tmp_path_factory):
    path = tmp_path_factory.mktemp("bench") / "raw.json"
    assert main([*TINY, "--json", str(path)]) == 0
    return json.loads(path.read_text())


def test_json_carries_what_a_number_needs(raw):
    for key in ("date", "commit", "cpu", "cores", "threads", "blas", "versions"):
        assert key in raw
    assert raw["threads"] == 1
    assert raw["versions"]["numpy"] == np.__version__


def test_each_cell_has_all_rounds_of_all_rivals(raw):
    assert [(c["net"], c["batch"]) for c in raw["cells"]] == [
        ("6-5-3", 1),
        ("6-5-3", 4),
    ]
    for cell in raw["cells"]:
        assert list(cell["rivals"]) == ["gpunet", "numpy"]
        for found in cell["rivals"].values():
            assert "error" not in found
            assert len(found["rounds"]) == 2 and min(found["rounds"]) > 0
            assert found["us_per_step"] == pytest.approx(np.median(found["rounds"]))
            assert found["first_epoch_s"] > 0
        assert cell["rivals"]["gpunet"]["times_gpunet"] == 1


def test_costs_are_cells_of_their_own_and_who_cannot_is_named(capsys):
    pytest.importorskip("sklearn")
    arguments = [*TINY, "--costs", "softmax", "quadratic", "--batches", "4"]
    arguments[arguments.index("numpy")] = "sklearn"
    assert main([*arguments, "--markdown"]) == 0
    text = capsys.readouterr().out
    assert "| 6-5-3 | softmax | 4 | 6 |" in text
    assert "| 6-5-3 | quadratic | 4 | sklearn | ConfigError: MLPClassifier" in text


def test_markdown_and_table_show_the_cells(capsys):
    assert main([*TINY, "--markdown"]) == 0
    text = capsys.readouterr().out
    assert "| Network | cost | batch | steps | gpunet | numpy |" in text
    assert main(TINY) == 0
    assert "gpunet / numpy" in capsys.readouterr().out


def test_rival_that_fails_is_reported_and_the_others_go_on(capsys, monkeypatch):
    monkeypatch.setitem(steps._PACKAGES, "torch", ("numpy",))
    monkeypatch.setattr(
        steps.RivalProcess, "ask", lambda self, **job: ANSWERS[self.name][job["do"]]
    )
    arguments = [*TINY, "--batches", "2", "--json", "-"]
    arguments[arguments.index("numpy")] = "torch"
    assert main(arguments) == 0
    found = json.loads(capsys.readouterr().out)["cells"][0]["rivals"]
    assert found["torch"]["error"] == "ValueError: no"
    assert found["gpunet"]["us_per_step"] == pytest.approx(1e6 * 0.5 / 6)


ANSWERS = {
    "gpunet": {"setup": {"first_epoch_s": 1.0}, "run": {"seconds": 0.5}},
    "torch": {"setup": {"error": "ValueError: no"}, "run": {"seconds": 1.0}},
}


def test_process_that_ends_is_an_error_not_a_hang():
    rival = steps.RivalProcess("no-such-rival", 1)
    try:
        rival.ask(do="setup", steps=1, batch=1, x="", t="")
        rival._process.kill()
        rival._process.wait()
        assert "process ended" in rival.ask(do="run")["error"]
    finally:
        rival.close()


MODULES = {"torch": "torch", "jax": "jax", "sklearn": "sklearn"}


def tiny_job(batch, cost):
    rng = np.random.default_rng(1)
    x = rng.standard_normal((20, 6)).astype(np.float32)
    t = rng.integers(0, 3, 20)
    return rivals.Job(x, t, [6, 5, 4, 3], batch, order="none", cost=cost)


@pytest.mark.parametrize("name", rivals.RIVALS)
@pytest.mark.parametrize("batch", [1, 4])
@pytest.mark.parametrize("cost", COSTS)
def test_rivals_do_the_same_work(name, batch, cost):
    """The yardsticks are honest only if all reach the same weights."""
    if name in MODULES:
        pytest.importorskip(MODULES[name])
    job = tiny_job(batch, cost)
    if (name, cost) == ("sklearn", "quadratic"):
        with pytest.raises(ConfigError, match="knows no quadratic cost"):
            rivals.RIVALS[name](job)
        return
    rival = rivals.RIVALS[name](job)
    assert worker.timed(rival) > 0
    pairs, moved = by_hand(job), 2e-5 if job.quadratic else 1e-4
    for mine, wanted, start in zip(rival.weights(), pairs, job.start(), strict=True):
        for a, b, first in zip(mine, wanted, start, strict=True):
            assert np.max(np.abs(a - b)) < 1e-6
            assert np.max(np.abs(b - first)) > moved


NEEDS = {"gpunet": ["numba"], "onnxruntime": ["onnx", "onnxruntime"]}
NEEDS |= {"sklearn": ["sklearn"]}


@pytest.mark.parametrize("name", predictors.PREDICTORS)
@pytest.mark.parametrize("batch", [1, 7])
def test_predictors_give_the_same_probabilities(name, batch):
    for module in NEEDS.get(name, ()):
        pytest.importorskip(module)
    job = tiny_job(batch, "softmax")
    rival = predictors.PREDICTORS[name](job)
    x = job.x
    for w, b in job.start():
        z = x @ w + b
        x = np.maximum(z, 0)
    e = np.exp(z.astype(float))
    wanted = e / e.sum(axis=1, keepdims=True)
    found = np.concatenate([rival.predict(rows) for rows in rival.pieces])
    assert np.max(np.abs(found - wanted)) < 1e-6
    calls, rival.predict = [], lambda rows: calls.append(len(rows))
    assert worker.timed(rival) > 0
    assert sum(calls) == 20 and calls[0] == batch


def test_predict_times_every_rival_and_names_the_missing(capsys, monkeypatch):
    monkeypatch.setattr(steps, "PREDICTORS", {"net.predict": 0, "no-such": 0})
    monkeypatch.setitem(steps._PACKAGES, "no-such", ())
    arguments = ["bench", "--predict", "--nets", "6-5-3", "--batches", "1", "4"]
    assert main([*arguments, "--repeats", "1", "--steps", "3", "--markdown"]) == 0
    text = capsys.readouterr().out
    assert "Microseconds a call" in text and "| 6-5-3 | softmax | 4 | 3 |" in text
    assert "| 6-5-3 | softmax | 1 | no-such | KeyError" in text


def test_compilation_when_a_rival_is_made_counts_as_its_start(monkeypatch, tmp_path):
    class Slow(rivals.Numpy):
        def __init__(self, job):
            super().__init__(job)
            time.sleep(0.2)

    monkeypatch.setitem(rivals.RIVALS, "numpy", Slow)
    files = {key: str(tmp_path / f"{key}.npy") for key in "xt"}
    np.save(files["x"], np.zeros((4, 3), np.float32))
    np.save(files["t"], np.zeros(4, int))
    _, found = worker._setup(
        "numpy", {"sizes": [3, 2], "batch": 2, "steps": 2, **files}
    )
    assert found["first_epoch_s"] >= 0.2


def by_hand(job):
    """Return the weights after an epoch, in float64 and without any trick."""
    pairs = [(w.astype(float), b.astype(float)) for w, b in job.start()]
    for k in range(0, len(job.x), job.batch):
        x, t = job.x[k : k + job.batch].astype(float), job.t[k : k + job.batch]
        inputs = []
        for w, b in pairs:
            inputs.append(x)
            z = x @ w + b
            x = 1 / (1 + np.exp(-z)) if job.quadratic else np.maximum(z, 0)
        e = np.exp(z)
        if job.quadratic:
            d = (x - np.eye(3)[t]) * x * (1 - x) / len(t)
        else:
            d = (e / e.sum(axis=1, keepdims=True) - np.eye(3)[t]) / len(t)
        new = []
        for (w, b), a in zip(pairs[::-1], inputs[::-1], strict=True):
            step = rivals.RATE * (a.T @ d), rivals.RATE * d.sum(axis=0)
            new.insert(0, (w - step[0], b - step[1]))
            d = (d @ w.T) * (a * (1 - a) if job.quadratic else a > 0)
        pairs = new
    return pairs


def test_orders_are_new_each_epoch():
    job = rivals.Job(np.zeros((50, 1)), np.zeros(50), [1, 2], 1)
    one, two = job.permutation(), job.permutation()
    assert not np.array_equal(one, two)
    assert sorted(one) == sorted(two) == list(range(50))


def test_steps_fit_the_data_and_shrink_with_the_work():
    assert steps.steps_for([784, 16, 16, 10], 1024, 60_000) <= 58
    few, many = (
        steps.steps_for(s, 10, 60_000) for s in ([784, 512, 10], [784, 16, 10])
    )
    assert 20 <= few < many


def test_population_reports_own_and_shared_orders(capsys, monkeypatch):
    monkeypatch.setattr(steps, "_MEMBERS", 3)
    arguments = ["bench", "--population", "--data", "random", "--steps", "5"]
    assert main([*arguments, "--repeats", "1", "--json", "-"]) == 0
    found = json.loads(capsys.readouterr().out)
    kinds = ["single", "own", "shared"]
    assert [c["kind"] for c in found["cells"]] == kinds * 2
    assert [c["track"] for c in found["cells"]] == [True] * 3 + [False] * 3
    assert [c["members"] for c in found["cells"]] == [1, 3, 3] * 2
    assert all(c["us_per_net_step"] > 0 for c in found["cells"])


def test_population_scales_the_compiled_engine_over_the_cores(capsys, monkeypatch):
    pytest.importorskip("numba")
    monkeypatch.setattr(steps, "_MEMBERS", 3)
    arguments = ["bench", "--population", "--data", "random", "--steps", "5"]
    arguments += ["--threads", "2", "--repeats", "1", "--json", "-"]
    assert main(arguments) == 0
    cells = json.loads(capsys.readouterr().out)["scaling"]
    assert [(c["members"], c["threads"]) for c in cells] == [(1, 1), (3, 1), (3, 2)]
    assert cells[1]["speedup"] == 1
    for cell in cells:
        wanted = cells[1]["us_per_net_step"] / cell["us_per_net_step"]
        assert cell["speedup"] == pytest.approx(wanted)


def test_startup_reports_imports(capsys, monkeypatch):
    monkeypatch.setattr(steps, "startup", lambda n: TIMES)
    assert main(["bench", "--startup"]) == 0
    text = capsys.readouterr().out
    assert "import gpunet" in text and "0.50" in text


TIMES = {"import numpy": {"seconds": 0.1}, "import gpunet": {"seconds": 0.05}}


def test_names_of_networks_are_sizes():
    assert [sizes_of(text)[0] for text in FULL] == [784] * 4
    for text in ("784", "784-x", "784--10", "784-0", ""):
        with pytest.raises(ConfigError, match="nets"):
            sizes_of(text)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--nets", "7"], 2),
        (["--batches", "0"], 2),
        (["--rivals", "x"], 2),
        (["--nets", "784-10", "--batches", "100000"], 2),
        (["--json", "/no/such/folder/x.json"], 8),
    ],
)
def test_bad_arguments_return_their_code(capsys, arguments, code):
    assert main([*TINY, *arguments]) == code
    assert "gpunet: error: " in capsys.readouterr().err


def test_busy_times_commands_alone_and_beside_a_loop_for_each_core(monkeypatch, capsys):
    loops, asked = [], []

    class Loop:
        def __init__(self, words):
            loops.append(self)

        def kill(self):
            loops.remove(self)

        def wait(self):
            pass

    def seconds(script, words):
        asked.append((script, len(loops)))
        return 1.0 + len(loops)

    monkeypatch.setattr(busy, "Popen", Loop)
    monkeypatch.setattr(busy, "_seconds", seconds)
    monkeypatch.setattr(busy, "usable_cores", lambda: 2)
    monkeypatch.setattr(busy, "COMMANDS", {"train, loop": ["--engine", "loop"]})
    assert main(["bench", "--busy", "--repeats", "2"]) == 0
    assert asked == [("train", 0), *[("train", 0), ("train", 2)] * 2]
    shown = capsys.readouterr().out
    assert "train.py --engine loop" in shown and "3.00" in shown
