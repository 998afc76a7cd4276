"""`gpunet.fit` in a folder: resumed equals uninterrupted, and what is refused."""

import json
import signal

import numpy as np
import pytest
from tiny import assert_same_run, left_behind, same, table
from tiny import host as host_of

import gpunet
from gpunet.errors import ConfigError, DataError, Interrupted, ModelFileError
from gpunet.storage import RunFolder, verify

X, T = table(n=60)
STEPS = 5  # an epoch: 48 rows in batches of 10, the last one of 8
HELD_OUT = gpunet.Dataset(X[48:], T[48:])
PARTS = gpunet.Splits(gpunet.Dataset(X[:48], T[:48]), HELD_OUT, HELD_OUT, 3, "parts")


def network(population=None, seed=3):
    layers = [gpunet.Dense(4, 6), gpunet.Activation("tanh"), gpunet.Dropout(0.1)]
    layers.append(gpunet.Dense(6, 3))
    return gpunet.Network(layers, population=population, seed=seed)


def fit(folder, net=None, data=PARTS, **changes):
    """Train in a folder; return the network and its history."""
    net = net or network()
    settings = {"optimizer": gpunet.Adam(0.02), "epochs": 3, "batch_size": 10}
    history = gpunet.fit(net, data, folder=folder, **settings | changes)
    return net, history


class Strike(gpunet.Callback):
    """Raises, or sends itself a signal, once at a step."""

    def __init__(self, step, event="on_span", number=None):
        self.every_steps, self.step, self.number = 1, step, number
        setattr(self, event, self.strike)

    def strike(self, trainer, record=None):
        if trainer.step == self.step:
            self.step = None
            if self.number is None:
                raise KeyboardInterrupt
            signal.raise_signal(self.number)


@pytest.mark.parametrize("population", [None, 3])
@pytest.mark.parametrize("how", ["auto", True])
def test_fit_in_pieces_equals_the_whole_fit(tmp_path, population, how):
    def net():
        return network(population)

    whole, wanted = fit(tmp_path / "whole", net(), resume=how)
    for step in (2, STEPS, STEPS + 1, 2 * STEPS - 1):
        _, history = fit(tmp_path / "p", net(), resume=how, max_steps=step)
        assert history.outcome == "step limit reached"
    again, history = fit(tmp_path / "p", net(), resume=how)
    assert_same_run(tmp_path / "p", left_behind(tmp_path / "whole"))
    assert same(host_of(whole), host_of(again))
    assert history["loss"] == wanted["loss"] and len(history) == 3
    plain = net()
    gpunet.fit(plain, PARTS, epochs=3, batch_size=10, optimizer=gpunet.Adam(0.02))
    assert same(host_of(plain), host_of(whole))
    reloaded = gpunet.load_network(tmp_path / "p" / "model.safetensors")
    assert same(host_of(reloaded), host_of(whole))


@pytest.mark.parametrize("population", [None, 3])
def test_interrupted_fit_equals_the_whole_fit(tmp_path, population):
    fit(tmp_path / "whole", network(population))
    strikes = [Strike(2, "on_span"), Strike(STEPS, "on_epoch"), Strike(8, "on_pause")]
    for strike in strikes:
        with pytest.raises(KeyboardInterrupt):
            how = {"callbacks": [strike], "resume": True}
            fit(tmp_path / "p", network(population), **how)
    fit(tmp_path / "p", network(population), resume=True)
    assert_same_run(tmp_path / "p", left_behind(tmp_path / "whole"))


@pytest.mark.usefixtures("signals_heard")
def test_ctrl_c_saves_and_says_how_to_resume(tmp_path):
    fit(tmp_path / "whole")
    strike = Strike(STEPS + 2, "on_pause", signal.SIGINT)
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt) as stop:
        fit(tmp_path / "p", callbacks=[strike])
    words = f"resume with: gpunet.fit(..., folder={str(tmp_path / 'p')!r}, resume=True)"
    assert f"step {STEPS + 2} is saved in" in str(stop.value)
    assert words in str(stop.value)
    assert signal.getsignal(signal.SIGINT) is before
    assert not (tmp_path / "p" / "result.json").exists()
    fit(tmp_path / "p", resume=True)
    assert_same_run(tmp_path / "p", left_behind(tmp_path / "whole"))


@pytest.mark.usefixtures("signals_heard")
def test_second_ctrl_c_raises_at_once_and_leaves_a_resumable_folder(tmp_path):
    class Twice(gpunet.Callback):
        def on_span(self, trainer):
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)
            raise AssertionError("not reached")

    with pytest.raises(KeyboardInterrupt):
        fit(tmp_path / "p", callbacks=[Twice()])
    fit(tmp_path / "p", resume=True)
    fit(tmp_path / "whole")
    assert_same_run(tmp_path / "p", left_behind(tmp_path / "whole"))


@pytest.mark.usefixtures("signals_heard")
def test_sigterm_is_an_error_that_says_how_to_resume(tmp_path):
    strike = Strike(2, "on_span", signal.SIGTERM)
    strike.every_steps = 2
    with pytest.raises(Interrupted, match="resume=True") as stop:
        fit(tmp_path / "p", callbacks=[strike])
    assert stop.value.exit_code == 143


def test_folder_that_holds_a_run_is_not_overwritten(tmp_path):
    fit(tmp_path / "p", epochs=1)
    before = left_behind(tmp_path / "p")
    with pytest.raises(ConfigError, match=r"holds a run already; .*resume=True\)"):
        fit(tmp_path / "p", epochs=1)
    assert_same_run(tmp_path / "p", before)


CHANGES = {
    "layers 0 n_out: .* 6, got 7": {"net": gpunet.mlp([4, 7, 3], "tanh", dropout=0.1)},
    r"seeds: .* \[3\], got \[4\]": {"net": network(seed=4)},
    "population": {"net": network(population=2)},
    "l2: .* 0.0, got 0.1, learning_rate: .* 0.02, got 0.03": {
        "optimizer": gpunet.Adam(0.03, l2=0.1)
    },
    "optimizer: .*'adam', got 'sgd'": {"optimizer": "sgd"},
    "batch_size: .* 10, got 12": {"batch_size": 12},
    "schedule: .*'constant', got '<function": {"schedule": lambda done, total: 1.0},
    "n_validation: .* 12, got 6": {"validation": (X[54:], T[54:])},
    "class_weight: .* None, got 'balanced'": {"class_weight": "balanced"},
}


@pytest.mark.parametrize("words", CHANGES)
def test_another_network_or_setting_is_refused_in_one_sentence(tmp_path, words):
    fit(tmp_path / "p", max_steps=2)
    before = left_behind(tmp_path / "p")
    with pytest.raises(ConfigError, match=f"^resume: (.*, )?{words}") as error:
        fit(tmp_path / "p", resume=True, **CHANGES[words])
    assert "\n" not in str(error.value) and len(str(error.value)) < 480
    assert_same_run(tmp_path / "p", before)


@pytest.mark.parametrize("part", ["x", "t", "weight", "validation"])
def test_other_data_are_refused(tmp_path, part):
    weight = np.ones(48)
    fit(tmp_path / "p", data=(X[:48], T[:48], weight), validation=HELD_OUT, max_steps=2)
    changed = {"x": X[:48], "t": T[:48], "weight": weight, "validation": X[48:]}
    changed[part] = np.array(changed[part])
    changed[part][0] = changed[part][1] + 1 if part != "t" else (T[0] + 1) % 3
    *data, validation = changed.values()
    with pytest.raises(DataError, match="started with other training data"):
        validation = (validation, T[48:])
        fit(tmp_path / "p", data=tuple(data), validation=validation, resume=True)


def test_settings_that_decide_nothing_may_change(tmp_path):
    fit(tmp_path / "whole", schedule=lambda done, total: 0.5**done)
    schedule = lambda done, total: 0.5**done  # noqa: E731 (another one, of that name)
    fit(tmp_path / "p", epochs=2, schedule=lambda done, total: 0.5**done)
    fit(tmp_path / "p", resume=True, schedule=schedule, engine="auto")
    assert_same_run(tmp_path / "p", left_behind(tmp_path / "whole"))


def test_folder_holds_what_the_command_leaves(tmp_path):
    fit(tmp_path / "p", checkpoint_every_steps=2, early_stopping=2)
    names = {path.name for path in (tmp_path / "p").iterdir()}
    files = {"config.json", "history.jsonl", "result.json", ".lock", "checkpoints"}
    assert names == files | {"model.safetensors", "best.safetensors"}
    config = json.loads((tmp_path / "p" / "config.json").read_text())
    wanted = {"optimizer": "adam", "learning_rate": 0.02, "epochs": 3, "seeds": [3]}
    wanted |= {"n_train": 48, "n_validation": 12, "n_test": 12, "device": "cpu"}
    assert config.items() >= wanted.items()
    assert [layer["layer"] for layer in config["layers"]][::3] == ["Dense", "Dense"]
    result = json.loads((tmp_path / "p" / "result.json").read_text())
    keys = {"outcome", "epochs", "steps", "best_epoch", "test_accuracy", "confusion"}
    assert result.keys() >= keys and result["outcome"] == "all epochs done"
    assert verify(tmp_path / "p" / "model.safetensors")["step"] == 3 * STEPS


def test_targets_and_arrays_alone_are_scored_as_far_as_they_go(tmp_path):
    t = X[:, :1] * 2.0
    parts = gpunet.Splits(
        gpunet.Dataset(X[:48], t[:48]), None, gpunet.Dataset(X[48:], t[48:]), None, "x"
    )
    net = gpunet.mlp([4, 1], loss="half_squared_error")
    fit(tmp_path / "a", net, parts, epochs=1)
    result = json.loads((tmp_path / "a" / "result.json").read_text())
    test = gpunet.evaluate(net, parts.test)["loss"]
    assert result["test_loss"] == pytest.approx(test)
    fit(tmp_path / "b", data=(X, T), epochs=1)
    result = json.loads((tmp_path / "b" / "result.json").read_text())
    assert result.keys() == {"outcome", "epochs", "steps", "frozen"}


def test_divergence_leaves_the_reason_in_the_folder(tmp_path):
    with pytest.raises(gpunet.GpunetError, match="diverged at epoch 1"):
        fit(tmp_path / "p", optimizer=gpunet.SGD(1e38))
    result = json.loads((tmp_path / "p" / "result.json").read_text())
    assert result["outcome"].startswith("diverged at epoch 1, step ")


def test_runs_of_python_and_of_the_command_are_told_apart(tmp_path):
    from gpunet.runs.config import load_config
    from gpunet.runs.presets import preset

    fit(tmp_path / "p", max_steps=2)
    with pytest.raises(ConfigError, match=r"in Python; resume it with gpunet\.fit"):
        load_config(tmp_path / "p" / "config.json")
    (path,) = (tmp_path / "p" / "checkpoints").iterdir()
    with RunFolder(tmp_path / "q") as folder:
        folder.config.write_text(json.dumps(preset("default")))
    with pytest.raises(ConfigError, match="the command that started it"):
        fit(tmp_path / "q", resume=True)
    with pytest.raises(ConfigError, match="resume: give the run's folder"):
        fit(None, resume=True)
    with pytest.raises(ModelFileError, match="no such file or folder"):
        fit(None, resume=tmp_path / "nowhere")
    _, history = fit(None, resume=path)
    assert len(history) == 3


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        *[("folder", value) for value in (3, "", ["p"], True)],
        *[("resume", value) for value in (3, 1, "", 0.5)],
        *[("checkpoint_every_steps", value) for value in (0, -1, "3", 2.0, True)],
    ],
)
def test_what_is_no_path_and_no_number_is_refused(tmp_path, name, wrong):
    places = {"folder": tmp_path / "p"} | {name: wrong}
    with pytest.raises(ConfigError, match=f"^{name}: must be .*, got "):
        fit(**places)
    assert not (tmp_path / "p").exists()


def test_resuming_writes_nothing_into_a_folder_of_other_things(tmp_path):
    fit(tmp_path / "p", epochs=1)
    before = sorted(tmp_path.rglob("*"))
    for path in (tmp_path / "p" / "checkpoints", tmp_path):
        with pytest.raises(ModelFileError, match="holds no checkpoint; name a"):
            fit(None, resume=path)
    assert sorted(tmp_path.rglob("*")) == before


def test_nothing_learned_warns_whoever_called_fit(tmp_path):
    with pytest.warns(gpunet.GpunetWarning, match="has not learned") as seen:
        fit(tmp_path / "p", optimizer=gpunet.SGD(1e6), epochs=25)
    assert seen[0].filename == __file__


def test_fit_in_a_folder_resumes_on_every_backend(bk, tmp_path):
    def net():
        return gpunet.mlp([4, 6, 3], "tanh", device=bk.name, seed=2)

    whole, _ = fit(tmp_path / "whole", net())
    fit(tmp_path / "p", net(), max_steps=7)
    again, _ = fit(tmp_path / "p", net(), resume=True)
    assert same(host_of(whole), host_of(again))
    config = json.loads((tmp_path / "p" / "config.json").read_text())
    assert config["device"] == bk.name
