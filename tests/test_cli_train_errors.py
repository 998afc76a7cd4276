"""The train command: each error has its exit code and one line."""

import os
import subprocess
import sys
from importlib.util import find_spec

import pytest
from helpers import ROOT, after, run_python
from tiny import (
    error_line,
    train,
    write_set,
)

from gpunet.storage import verify

posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX only")
linux = pytest.mark.skipif(sys.platform != "linux", reason="Linux only")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_set(tmp_path_factory.mktemp("data"))


USAGE = [
    (["--lr", "inf"], "--lr"),
    (["--lr", "nan"], "--lr"),
    (["--lr", "-1"], "--lr"),
    (["--lr", "0"], "--lr"),
    (["--lr", "1e-3x"], "--lr"),
    (["--lr", "1_0"], "--lr"),
    (["--momentum", "1"], "--momentum"),
    (["--dropout", "1"], "--dropout"),
    (["--batch-size", "0"], "--batch-size"),
    (["--batch-size", "-1"], "--batch-size"),
    (["--batch-size", "1.5"], "--batch-size"),
    (["--epochs", "0"], "--epochs"),
    (["--epochs", "\u0663"], "--epochs"),
    (["--seed", "-1"], "--seed"),
    (["--seed", str(2**128)], "--seed"),
    (["--sizes", ""], "--sizes"),
    (["--sizes", "16-0-3"], "--sizes"),
    (["--sizes", "16"], "sizes"),
    (["--sizes", "16-99999999999999999999-3"], "99999999999999999999"),
    (["--validation", "-3"], "--validation"),
    (["--population", "0"], "--population"),
    (["--keep", "1"], "--keep"),
    (["--out", "-"], "--out must be a folder, got -, which is standard output"),
    (["--log", "-"], "--log -: standard output has the result"),
    (["--threads", "0"], "--threads"),
    (["--max-steps", "0"], "--max-steps"),
    (["--layer-rates", "0"], "--layer-rates"),
    (["--class-weight", "even"], "--class-weight"),
    (["--on-write-error", "ask"], "--on-write-error"),
    (["--activation", "reluu"], "activation"),
    (["--loss", "mse"], "loss"),
    (["--optimizer", "newton"], "optimizer"),
    (["--optimizer", "adam", "--momentum", "0.5"], "momentum"),
    (["--schedule", "linear"], "schedule"),
    (["--weights", "huge"], "'huge'"),
    (["--dtype", "float16"], "dtype"),
    (["--device", "gpu"], "device"),
    (["--preset", "nielson"], "preset"),
    (["--lr", "0.1", "0.2", "--population", "3"], "learning_rate"),
    (["--epoch", "3"], "--epoch"),
    (["--learning", "3"], "--learning"),
    (["--no-such-option"], "--no-such-option"),
    (["surplus"], "surplus"),
    (["--resume", "auto"], "--resume"),
    (["--config", "none.json"], "none.json"),
    (
        ["--config", "x", "--preset", "3b1b"],
        "--preset: not allowed with argument --config",
    ),
]


@pytest.mark.parametrize(("args", "name"), USAGE, ids=lambda v: "_".join(v)[:30])
def test_usage_errors_name_the_option_and_leave_with_2(tmp_path, args, name):
    # In this process, as there are many: `main` is all that a script calls.
    code = (
        "import sys; from gpunet.cli import main\n"
        f"sys.exit(main(['train', '--data-dir', 'none', *{args!r}]))"
    )
    process = run_python(code, OPENBLAS_NUM_THREADS="1")
    assert name in error_line(process, 2)
    assert process.stdout == ""
    assert not os.path.exists("runs/none")


def test_debug_shows_the_traceback(data, tmp_path):
    process = train(data, tmp_path / "run", "--sizes", "15-3", "--debug")
    assert process.returncode == 2 and "Traceback" in process.stderr
    assert process.stderr.splitlines()[-1].startswith("gpunet: error: ")
    error_line(train(data, tmp_path / "other", "--sizes", "15-3"), 2)


def test_bad_data_leave_with_3(data, tmp_path):
    line = error_line(train(tmp_path / "none", tmp_path / "a"), 3)
    assert "is not a folder" in line
    spoiled = write_set(tmp_path / "spoiled")
    labels = spoiled / "train-labels-idx1-ubyte"
    labels.write_bytes(labels.read_bytes()[:-1])
    line = error_line(train(spoiled, tmp_path / "b"), 3)
    assert "train-labels-idx1-ubyte" in line


def test_bad_checkpoint_leaves_with_4(data, tmp_path):
    (tmp_path / "run").mkdir()
    for name in ("none", "run"):
        line = error_line(train(data, None, "--resume", tmp_path / name), 4)
        assert name in line
    (tmp_path / "run" / "checkpoints").mkdir(exist_ok=True)
    (tmp_path / "run" / "checkpoints" / "step-0000000001.safetensors").touch()
    error_line(train(data, tmp_path / "run", "--resume", "auto"), 4)


# file of a folder on Python's path -> what it holds
CUPYS = {
    "absent": ("sitecustomize.py", "import sys; sys.modules['cupy'] = None"),
    "ImportError": ("cupy.py", "raise ImportError('libcuda.so.1: cannot open')"),
    "RuntimeError": ("cupy.py", "raise RuntimeError('CUDA driver is too old')"),
    "AttributeError": ("cupy.py", ""),
}


@pytest.mark.parametrize("kind", CUPYS)
@pytest.mark.parametrize("device", ["cuda", "cuda:7"])
def test_device_that_cannot_be_used_leaves_with_5(data, tmp_path, kind, device):
    name, content = CUPYS[kind]
    path = [tmp_path / "fake"]
    path[0].mkdir()
    (path[0] / name).write_text(content)
    process = train(data, tmp_path / "run", "--device", device, path=path)
    line = error_line(process, 5)
    assert f"device: cuda:{device[5:] or 0}: " in line
    driver_lacks = kind is None and find_spec("cupy")
    for cure in ["NVIDIA driver"] if driver_lacks else ["CuPy", "pip install"]:
        assert cure in line
    assert not (tmp_path / "run").exists()
    auto = train(data, tmp_path / "auto", "--device", "auto", path=path)
    assert auto.returncode == 0 and "device: cpu (no GPU in use: " in auto.stderr


def test_cpu_run_never_imports_cupy(data, tmp_path):
    (tmp_path / "cupy").mkdir()
    (tmp_path / "cupy" / "__init__.py").write_text("import os; os._exit(77)")
    process = train(data, tmp_path / "run", path=[tmp_path])
    assert process.returncode == 0


def test_hidden_gpus_leave_with_5(data, tmp_path):
    process = train(data, tmp_path / "r", "--device", "cuda", CUDA_VISIBLE_DEVICES="")
    error_line(process, 5)


def test_network_that_fits_no_memory_leaves_with_6(data, tmp_path):
    line = error_line(
        train(data, tmp_path / "run", "--sizes", "16-1000-2000000000-3"), 6
    )
    assert "bytes" in line and "fewer neurons" in line
    assert not (tmp_path / "run").exists()


@linux
@pytest.mark.parametrize("engine", ["loop", "auto"])
def test_memory_that_runs_out_while_training_leaves_with_6(data, tmp_path, engine):
    limit = 2**30
    wide = ("--sizes", "16-5000-5000-3", "--quiet", "--engine", engine)  # Adam's slots
    words = ["--data-dir", data, "--out", tmp_path / "run", *wide, "--device", "cpu"]
    words += ["--validation", 12, "--batch-size", 10]
    process = subprocess.run(
        after(
            f"import resource; resource.setrlimit(resource.RLIMIT_AS, ({limit},) * 2)",
            [sys.executable, ROOT / "scripts" / "train.py", *words],
        ),
        env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert "smaller" in error_line(process, 6)


def test_divergence_leaves_with_7_and_a_sound_checkpoint(data, tmp_path):
    out = tmp_path / "run"
    process = train(data, out, "--optimizer", "sgd", "--lr", 1e38)
    line = error_line(process, 7)
    for word in ("epoch 1, step ", "learning rate 1e+38", "is not finite"):
        assert word in line
    (path,) = (out / "checkpoints").iterdir()
    step = verify(path)["step"]
    assert f"step {step + 1}:" in line
    assert not (out / "model.safetensors").exists()


@posix
def test_what_cannot_be_written_leaves_with_8_before_any_training(data, tmp_path):
    (tmp_path / "file").touch()
    places = [tmp_path / "file", tmp_path / "file" / "run", tmp_path / ("n" * 300)]
    for out in places:
        process = train(data, out)
        line = error_line(process, 8)
        assert "cannot write" in line and "epoch 1" not in process.stderr


@linux
def test_full_disk_of_the_log_leaves_with_8(data, tmp_path):
    process = train(data, tmp_path / "run", "--log", "/dev/full")
    assert "/dev/full" in error_line(process, 8)
    for path in (tmp_path / "run" / "checkpoints").iterdir():
        verify(path)


@linux
def test_full_disk_stops_the_run_or_warns_as_asked(data, tmp_path):
    # as a full disk does, but for files over 4 kB
    poor = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))"
    runs = []
    for mode in ("stop", "warn"):
        words = ["--data-dir", data, "--out", tmp_path / mode, "--sizes", "16-99-3"]
        words += ["--validation", 12, "--device", "cpu", "--quiet", "--epochs", 1]
        words += ["--on-write-error", mode]
        runs.append(
            subprocess.run(
                after(poor, [sys.executable, ROOT / "scripts" / "train.py", *words]),
                env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},
                capture_output=True,
                text=True,
                timeout=120,
            )
        )
    assert "bytes needed" in error_line(runs[0], 8)
    warned = runs[1].stderr.splitlines()
    assert "gpunet: warning: cannot write" in warned[0]
    assert runs[1].returncode == 8  # the model itself could not be written
    for mode in ("stop", "warn"):  # nothing is there by halves
        assert not list((tmp_path / mode).rglob("*tmp*"))
        assert not list((tmp_path / mode).rglob("*.safetensors"))


def test_second_run_in_a_folder_leaves_with_9(data, tmp_path):
    from gpunet.storage import RunFolder

    with RunFolder(tmp_path / "run"):
        line = error_line(train(data, tmp_path / "run"), 9)
    assert f"in use by process {os.getpid()}" in line
    error_line(train(data, tmp_path / "run", "--resume", tmp_path / "run"), 4)
    error_line(train(data, tmp_path / "run", "--resume", tmp_path), 2)
