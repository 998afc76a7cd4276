"""Tiny data, networks and runs that the tests of training and commands share."""

import json
import os
import subprocess
import sys

import numpy as np
from helpers import ROOT

from gpunet.data import write_idx
from gpunet.runs.network import run_config
from gpunet.runs.presets import DEFAULTS
from gpunet.runs.task import RunOptions
from gpunet.storage import RunFolder, read_tensors
from gpunet.training import Settings, Trainer

STEPS = 5  # an epoch of `settings`: 48 digits in batches of 10, the last one of 8


def table(n=48, n_in=4, n_out=3, seed=0):
    """Return float64 rows (n, n_in) and labels (n,) that they tell by and large."""
    rng = np.random.Generator(np.random.PCG64(seed))
    t = rng.permutation(np.arange(n) % n_out)
    x = rng.standard_normal((n, n_in))
    x[np.arange(n), t] += 1.5
    return x, t


def host(net):
    """Return host copies of a network's parameters."""
    return {name: net.backend.to_host(p).copy() for name, p in net.params.items()}


def same(a, b):
    """Say whether two dicts of host arrays are equal bit for bit."""
    return a.keys() == b.keys() and all(
        a[name].dtype == b[name].dtype and np.array_equal(a[name], b[name])
        for name in a
    )


def write_set(folder, n=60, n_test=30, side=4, seed=0):
    """Write pictures of three classes as the four IDX files; return the folder."""
    rng = np.random.Generator(np.random.PCG64(seed))
    folder.mkdir(parents=True, exist_ok=True)
    for part, count in (("train", n), ("t10k", n_test)):
        t = np.arange(count) % 3
        x = rng.integers(0, 150, (count, side, side))
        x[np.arange(count), t] += 60
        write_idx(folder / f"{part}-images-idx3-ubyte", x.astype(np.uint8))
        write_idx(folder / f"{part}-labels-idx1-ubyte", t.astype(np.uint8))
    return folder


def settings(data, **changes):
    """Return the configuration of a run of three epochs of five steps each."""
    tiny = {
        "data_dir": str(data),
        "sizes": [16, 8, 3],
        "validation": 12,
        "learning_rate": 0.01,
        "epochs": 3,
        "batch_size": 10,
        "device": "cpu",
    }
    assert changes.keys() <= DEFAULTS.keys()
    return {**DEFAULTS, **tiny, **changes}


def trainer(net, data, **how):
    """Return the Trainer that `gpunet.fit` would run."""
    return Trainer(net, data, Settings(**how))


def carry(config, folder, **options):
    """Carry a configuration out in a folder; return run's answer and the notes."""
    notes = []
    done = run_config(config, RunOptions(folder=folder, say=notes.append, **options))
    return done.net, done.history, done.result, notes


def stopped(data, out, step=STEPS + 2, **changes):
    """Return the configuration of a run that was stopped at a step."""
    config = settings(data, **changes)
    carry(config, out, max_steps=step, checkpoint_every_steps=2)
    return config


def checkpoint_paths(out):
    return sorted((out / "checkpoints").glob("step-*"))


def timeless(path):
    """Return the records of a JSON lines file without what clocks say."""
    lines = path.read_text().splitlines() if path.exists() else []
    records = [json.loads(line, parse_constant=_refuse) for line in lines]
    return [{k: v for k, v in r.items() if k != "seconds"} for r in records]


def _refuse(word):
    raise AssertionError(f"{word} is no JSON")


def left_behind(folder):
    """Return all that a run leaves which must not depend on interruptions."""
    run_folder = RunFolder(folder)
    _, tensors, state = run_folder.newest_checkpoint()
    best = read_tensors(run_folder.best)[0] if run_folder.best.exists() else {}
    model = read_tensors(run_folder.model)[0] if run_folder.model.exists() else {}
    tensors = {f"checkpoint {name}": a for name, a in tensors.items()}
    tensors |= {f"best {name}": a for name, a in best.items()}
    tensors |= {f"model {name}": a for name, a in model.items()}
    state.pop("config")
    return tensors, state, timeless(run_folder.history)


def assert_same_run(folder, wanted):
    """Compare what two runs left behind, bit for bit."""
    (a, state_a, diary_a), (b, state_b, diary_b) = left_behind(folder), wanted
    assert a.keys() == b.keys()
    assert [name for name in a if not np.array_equal(a[name], b[name])] == []
    assert diary_a == diary_b
    assert state_a == state_b


def command(script, *args, path=(), cwd=None, timeout=120, **env):
    """Run a script of the checkout as its own process; return what it did."""
    return subprocess.run(
        [sys.executable, str(ROOT / "scripts" / f"{script}.py"), *map(str, args)],
        env=environment(path) | env,
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def environment(path=()):
    """Return an environment in which nothing of gpunet's is set."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("GPUNET_")}
    env["PYTHONPATH"] = os.pathsep.join(map(str, path))
    return env | {"OPENBLAS_NUM_THREADS": "1", "PYTHONWARNINGS": "error"}


def train(data, out, *args, **more):
    """Run scripts/train.py on a set of `write_set` with tiny settings."""
    base = {"--sizes": "16-8-3", "--validation": 12, "--epochs": 3}
    base |= {"--batch-size": 10, "--lr": 0.01, "--device": "cpu"}
    base |= {"--schedule": "constant", "--loss": "softmax_cross_entropy"}  # `settings`
    words = [str(word) for pair in base.items() for word in pair]
    for name in [name for name in words[::2] if name in args]:
        at = words.index(name)  # given by the test itself
        del words[at : at + 2]
    where = ["--data-dir", data, *(["--out", out] if out else [])]
    return command("train", *where, *words, *args, **more)


def error_line(process, code):
    """Check the contract of error messages; return the one line."""
    assert process.returncode == code, (process.returncode, process.stderr[-2000:])
    assert "Traceback" not in process.stderr
    lines = process.stderr.splitlines()
    marked = [line for line in lines if "gpunet: error:" in line]
    assert marked == lines[-1:], process.stderr[-2000:]
    line = marked[0]
    message, _, _ = line.partition(" with: ")  # a command to type is never shortened
    assert line.startswith("gpunet: error: ") and len(message) <= 500
    return line


# A run of about half a second of training, so that most signals fall into it.
_LONG = {"epochs": 60, "batch_size": 4, "dropout": 0.2, "learning_rate": 0.003}


def train_script(data, out, *args, **changes):
    """Return the words of a command that trains with these settings."""
    config = {"sizes": "16-8-3", "validation": 12, **_LONG, **changes}
    names = {"learning_rate": "lr"}
    words = [sys.executable, str(ROOT / "scripts" / "train.py"), "--device", "cpu"]
    words += ["--data-dir", str(data), "--out", str(out), "--schedule", "constant"]
    for key, value in config.items():
        words += [f"--{names.get(key, key).replace('_', '-')}", str(value)]
    return [*words, *map(str, args)]
