"""Signals and closed pipes: the step is finished, the run saved, the code right."""

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time

import pytest
from helpers import ROOT, after
from tiny import (
    assert_same_run,
    carry,
    environment,
    left_behind,
    settings,
    train,
    write_set,
)

from gpunet import cli
from gpunet.errors import Interrupted
from gpunet.storage import RunFolder, verify
from gpunet.training import Callback

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals"),
    pytest.mark.usefixtures("signals_heard"),
]
linux = pytest.mark.skipif(sys.platform != "linux", reason="Linux only")

PATIENCE = 120  # seconds: what has not ended then hangs
DOSE = max(8, int(os.environ.get("GPUNET_DOSES", "0")))
# A run of about half a second of training, so that most signals fall into it.
LONG = {"epochs": 60, "batch_size": 4, "dropout": 0.2, "learning_rate": 0.003}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_set(tmp_path_factory.mktemp("data"))


def script(data, out, *args, **changes):
    """Return the words of a command that trains with these settings."""
    config = {"sizes": "16-8-3", "validation": 12, **LONG, **changes}
    names = {"learning_rate": "lr"}
    words = [sys.executable, str(ROOT / "scripts" / "train.py"), "--device", "cpu"]
    words += ["--data-dir", str(data), "--out", str(out), "--schedule", "constant"]
    for key, value in config.items():
        words += [f"--{names.get(key, key).replace('_', '-')}", str(value)]
    return [*words, *map(str, args)]


def shell_code(words, act, folder):
    """Run a command under `sh -c 'cmd; echo $?'`, act on it; return code, stderr."""
    note = folder / "pid"  # the process that execs the command tells its number
    launch = (
        "import os, sys; open(sys.argv[1], 'w').write(str(os.getpid()) + '.'); "
        "os.execv(sys.argv[2], sys.argv[2:])"
    )
    shell = ["sh", "-c", '"$@" >/dev/null; echo $?', "sh"]
    process = subprocess.Popen(
        [*shell, sys.executable, "-S", "-E", "-c", launch, str(note), *words],
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        wait_for(lambda: note.exists() and note.read_text().endswith("."))
        pid = int(note.read_text()[:-1])
        try:
            act(pid)
            code, errors = process.communicate(timeout=PATIENCE)
        except BaseException:
            send(pid, signal.SIGKILL)
            raise
    finally:
        process.kill()
        process.communicate()  # closes the pipes, too
    return int(code), errors


def wait_for(ready, seconds=PATIENCE):
    end = time.perf_counter() + seconds
    while not ready():
        assert time.perf_counter() < end
        time.sleep(0.005)


def begun(out):
    """Wait until a run has finished an epoch and saved it."""
    wait_for(lambda: list(out.glob("checkpoints/step-*.safetensors")))


@contextlib.contextmanager
def background(words, **options):
    """Start a command and kill it at last, if it still lives."""
    process = subprocess.Popen(words, env=environment(), **options)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def send(pid, number):
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True


@pytest.fixture(scope="module")
def whole(data, tmp_path_factory):
    """Return what the run leaves that nobody interrupts, and its seconds."""
    out = tmp_path_factory.mktemp("whole") / "run"
    started = time.perf_counter()
    subprocess.run(
        script(data, out), env=environment(), check=True, capture_output=True
    )
    return left_behind(out), time.perf_counter() - started


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("dose", range(DOSE))
def test_signal_at_any_instant_loses_nothing(data, tmp_path, whole, number, dose):
    wanted, seconds = whole
    # evenly over the whole life, from the first imports to the last picture
    share = (dose + random.Random(int(number) * 1000 + dose).random()) / DOSE
    sent = []

    def act(pid):
        time.sleep(share * seconds)
        sent.append(send(pid, number))

    code, errors = shell_code(script(data, tmp_path / "run"), act, tmp_path)
    if sent == [True] and code != 0:
        assert code == 128 + number, errors
        marked = [line for line in errors.splitlines() if "gpunet: error:" in line]
        assert len(marked) <= 1
    elif code != 0:
        raise AssertionError(f"the run failed by itself: {errors}")
    for path in (tmp_path / "run").rglob("*.safetensors"):
        verify(path)
    again = subprocess.run(
        script(data, tmp_path / "run", "--resume", "auto"),
        env=environment(),
        capture_output=True,
        text=True,
    )
    assert again.returncode == 0, again.stderr
    assert_same_run(tmp_path / "run", wanted)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_while_training_is_told_in_one_line(data, tmp_path, number):
    out = tmp_path / "run"

    def act(pid):
        begun(out)
        assert send(pid, number)

    code, errors = shell_code(script(data, out, epochs=100_000), act, tmp_path)
    assert code == 128 + number
    line = errors.splitlines()[-1]
    assert line.startswith("gpunet: error: training: interrupted")
    assert "Traceback" not in errors
    step = RunFolder(out).newest_checkpoint()[2]["step"]
    assert f"step {step} is saved" in line
    pasted = f"{line.partition('resume with: ')[2]} --max-steps 1"  # it is beyond that
    words = ["sh", "-c", pasted]
    again = subprocess.run(words, env=environment(), capture_output=True, text=True)
    assert again.returncode == 0, again.stderr
    assert f"ended: step limit reached after step {step}" in again.stdout


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_second_signal_leaves_at_once_and_old_checkpoints_are_sound(
    data, tmp_path, number
):
    out = tmp_path / "run"

    def act(pid):
        begun(out)
        send(pid, number)
        time.sleep(0.002)
        send(pid, number)

    code, errors = shell_code(script(data, out, epochs=100_000), act, tmp_path)
    assert code == 128 + number, errors
    found = RunFolder(out).newest_checkpoint()
    assert found is not None
    carry_on = script(data, out, "--resume", "auto", "--max-steps", 1)
    again = subprocess.run(carry_on, env=environment(), capture_output=True, text=True)
    assert again.returncode in (0, 2), again.stderr  # the lock is free


def test_signal_during_the_last_scores_is_not_forgotten(data, tmp_path, monkeypatch):
    from gpunet.runs import network as module

    def slow(*args, **more):
        os.kill(os.getpid(), signal.SIGTERM)
        return true(*args, **more)

    true = module.score
    monkeypatch.setattr(module, "score", slow)
    with pytest.raises(Interrupted) as caught:
        carry(settings(data), tmp_path / "run")
    assert caught.value.exit_code == 143
    monkeypatch.undo()
    carry(settings(data), tmp_path / "run", resume="auto")
    carry(settings(data), tmp_path / "whole")
    assert_same_run(tmp_path / "run", left_behind(tmp_path / "whole"))


@pytest.mark.parametrize("name", ["data_from_config", "network_from_config"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_before_the_first_step_ends_the_run(
    data, tmp_path, monkeypatch, name, number
):
    from gpunet.runs import network as module

    def slow(*args):
        if len(args) > 1 or name == "data_from_config":  # the rehearsal is over
            os.kill(os.getpid(), number)
        return true(*args)

    true = getattr(module, name)
    monkeypatch.setattr(module, name, slow)
    with pytest.raises(Interrupted, match="step 0 is saved") as caught:
        carry(settings(data), tmp_path / "run")
    assert caught.value.exit_code == 128 + number
    monkeypatch.undo()
    carry(settings(data), tmp_path / "run", resume="auto")
    carry(settings(data), tmp_path / "whole")
    assert_same_run(tmp_path / "run", left_behind(tmp_path / "whole"))


def test_ignored_sigint_stays_ignored_and_sigterm_works(data, tmp_path):
    out = tmp_path / "run"
    with background(
        after("import signal; signal.signal(2, 1)", script(data, out, epochs=100_000)),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        begun(out)
        for _ in range(3):
            process.send_signal(signal.SIGINT)
            time.sleep(0.1)
        assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 143 and "interrupted" in errors.splitlines()[-1]


class Look(Callback):
    def __init__(self):
        self.seen = []

    def on_epoch(self, trainer, record):
        self.seen.append([signal.getsignal(n) for n in NUMBERS])


NUMBERS = (signal.SIGINT, signal.SIGTERM)


def test_handlers_are_the_callers_again_afterwards(data, tmp_path):
    def mine(number, frame):
        raise AssertionError("not called")

    before = [signal.signal(n, mine) for n in NUMBERS]
    try:
        look = Look()
        carry(settings(data), tmp_path / "a", callbacks=[look])
        assert all(handler is not mine for row in look.seen for handler in row)
        assert [signal.getsignal(n) for n in NUMBERS] == [mine, mine]
        with pytest.raises(ValueError, match="holds a run already"):
            carry(settings(data), tmp_path / "a")
        assert [signal.getsignal(n) for n in NUMBERS] == [mine, mine]
    finally:
        for number, handler in zip(NUMBERS, before, strict=True):
            signal.signal(number, handler)


def test_fit_never_touches_signals():
    import gpunet

    before, look = [signal.getsignal(n) for n in NUMBERS], Look()
    x, t = [[0.0, 1.0], [1.0, 0.0]], [0, 1]
    import numpy as np

    gpunet.fit(
        gpunet.mlp([2, 2]), (np.array(x), np.array(t)), epochs=2, callbacks=[look]
    )
    assert look.seen == [before, before]


def test_run_in_a_thread_installs_no_handlers(data, tmp_path):
    before, look, answers = [signal.getsignal(n) for n in NUMBERS], Look(), []

    def work():
        answers.append(carry(settings(data), tmp_path / "run", callbacks=[look]))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(60)
    assert len(answers) == 1 and len(look.seen) == 3
    assert all(row == before for row in look.seen)


def test_interrupt_that_an_import_swallows_is_still_one(monkeypatch, capsys):
    def swallowing(argv):
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt:
            raise ImportError("importing the C extensions failed") from None

    monkeypatch.setattr(cli, "_run", swallowing)
    before = signal.getsignal(signal.SIGINT)
    assert cli.main(["doctor"]) == 130
    assert "interrupted by SIGINT" in capsys.readouterr().err
    assert signal.getsignal(signal.SIGINT) is before


# ------------------------------------------------------------------ closed pipes


@pytest.mark.parametrize("option", [[], ["--json"]], ids=["text", "json"])
def test_reader_that_has_gone_costs_no_result(data, tmp_path, option):
    read, write = os.pipe()
    os.close(read)  # as `| true` does
    words = script(data, tmp_path / "run", *option, epochs=2)
    process = subprocess.run(
        words, env=environment(), stdout=write, stderr=subprocess.PIPE, text=True
    )
    os.close(write)
    _lost_output(process, tmp_path / "run")


@linux
@pytest.mark.parametrize("option", [[], ["--json"]], ids=["text", "json"])
def test_full_disk_behind_stdout_costs_no_result(data, tmp_path, option):
    words = script(data, tmp_path / "run", *option, epochs=2)
    with open("/dev/full", "w") as full:
        process = subprocess.run(
            words, env=environment(), stdout=full, stderr=subprocess.PIPE, text=True
        )
    _lost_output(process, tmp_path / "run")


def _lost_output(process, out):
    assert process.returncode == 8, (process.returncode, process.stderr)
    lines = process.stderr.splitlines()
    assert lines[-1].startswith("gpunet: error: output: ")
    assert len([line for line in lines if "error" in line.lower()]) == 1
    assert "Traceback" not in process.stderr
    verify(out / "model.safetensors")
    assert json.loads((out / "result.json").read_text())["epochs"] == 2


@linux
def test_full_disk_behind_stderr_costs_no_result(data, tmp_path):
    words = script(data, tmp_path / "run", "--quiet", epochs=2)
    with open("/dev/full", "w") as full:
        process = subprocess.run(
            words, env=environment(), stdout=subprocess.DEVNULL, stderr=full
        )
    assert process.returncode == 0
    # and an error is still told by the exit code alone
    with open("/dev/full", "w") as full:
        process = subprocess.run(
            words, env=environment(), stdout=subprocess.DEVNULL, stderr=full
        )
    assert process.returncode == 2


def test_hang_up_leaves_a_sound_checkpoint(data, tmp_path):
    out = tmp_path / "run"
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with background(script(data, out, epochs=100_000), **quiet) as process:
        begun(out)
        time.sleep(0.1)
        process.send_signal(signal.SIGHUP)
        assert process.wait(PATIENCE) != 0
    assert RunFolder(out).newest_checkpoint() is not None
    with RunFolder(out):  # the lock is free
        pass


def test_head_takes_one_line_and_the_run_is_whole(data, tmp_path):
    process = train(data, tmp_path / "run")
    first = process.stdout.splitlines()[0]
    words = script(data, tmp_path / "piped", epochs=2)
    line = subprocess.run(
        ["sh", "-c", '"$@" | head -1', "sh", *words],
        env=environment(),
        capture_output=True,
        text=True,
    )
    assert line.stdout.startswith("test accuracy: ") and first[:13] == line.stdout[:13]
    assert "Traceback" not in line.stderr and "Exception ignored" not in line.stderr
    verify(tmp_path / "piped" / "model.safetensors")
