"""Signals: what a run that is interrupted leaves, and what it prints."""

import contextlib
import os
import random
import signal
import subprocess
import sys
import time

import pytest
from helpers import after
from tiny import (
    assert_same_run,
    carry,
    environment,
    left_behind,
    settings,
    train_script,
    write_set,
)

from gpunet.errors import Interrupted
from gpunet.storage import RunFolder, verify

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals"),
    pytest.mark.usefixtures("signals_heard"),
]

PATIENCE = 120  # seconds: what has not ended then hangs
DOSE = max(8, int(os.environ.get("GPUNET_DOSES", "0")))


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_set(tmp_path_factory.mktemp("data"))


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
        train_script(data, out), env=environment(), check=True, capture_output=True
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

    code, errors = shell_code(train_script(data, tmp_path / "run"), act, tmp_path)
    if sent == [True] and code != 0:
        assert code == 128 + number, errors
        marked = [line for line in errors.splitlines() if "gpunet: error:" in line]
        assert len(marked) <= 1
    elif code != 0:
        raise AssertionError(f"the run failed by itself: {errors}")
    for path in (tmp_path / "run").rglob("*.safetensors"):
        verify(path)
    again = subprocess.run(
        train_script(data, tmp_path / "run", "--resume", "auto"),
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

    code, errors = shell_code(train_script(data, out, epochs=100_000), act, tmp_path)
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

    code, errors = shell_code(train_script(data, out, epochs=100_000), act, tmp_path)
    assert code == 128 + number, errors
    found = RunFolder(out).newest_checkpoint()
    assert found is not None
    carry_on = train_script(data, out, "--resume", "auto", "--max-steps", 1)
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
    words = train_script(data, out, epochs=100_000)
    with background(
        after("import signal; signal.signal(2, 1)", words),
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


def test_hang_up_leaves_a_sound_checkpoint(data, tmp_path):
    out = tmp_path / "run"
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with background(train_script(data, out, epochs=100_000), **quiet) as process:
        begun(out)
        time.sleep(0.1)
        process.send_signal(signal.SIGHUP)
        assert process.wait(PATIENCE) != 0
    assert RunFolder(out).newest_checkpoint() is not None
    with RunFolder(out):  # the lock is free
        pass
