"""`gpunet page --watch` and `gpunet train --watch`: processes, signals, exit codes."""

import os
import signal
import sys

import pytest
from helpers import ROOT
from tiny import command, error_line, train, train_script, write_set
from watching import Listener, address_of, ask, process, refused, rest_of, wait_until

from gpunet.page import beside

pytest.importorskip("uvicorn", reason="uvicorn is not installed")
pytest.importorskip("starlette", reason="starlette is not installed")
posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_set(tmp_path_factory.mktemp("data"))


def page_script(*words):
    return [sys.executable, str(ROOT / "scripts" / "page.py"), *words]


def endless(data, out, *words):
    return train_script(data, out, *words, epochs=100_000)


def epochs_of(changes):
    return changes.get("history", {}).get("epoch", [])


def until_epochs(listener, n, changes):
    while len(epochs_of(changes)) < n:
        changes |= listener.next()


@posix
@pytest.mark.usefixtures("signals_heard")
def test_a_killed_training_is_told_and_followed_again_when_resumed(data, tmp_path):
    out = tmp_path / "run"
    with process(page_script("--watch", out)) as server:
        with Listener(address_of(server)) as listener:
            assert listener.until("waiting")
            with process(endless(data, out)) as training:
                changes = listener.until("running")
                until_epochs(listener, 2, changes)
                training.send_signal(signal.SIGKILL)
                told = listener.until("stopped")["live"]
                step = max(int(p.name[5:15]) for p in out.glob("checkpoints/step-*"))
                assert told["text"] == f"training stopped at step {step}"
            with process(endless(data, out, "--resume", "auto")):
                assert listener.until("running")
        server.send_signal(signal.SIGINT)
        errors = rest_of(server)
    assert server.returncode == 130
    assert errors.splitlines() == ["Ctrl-C ends it", "watching has ended"]


@posix
@pytest.mark.usefixtures("signals_heard")
def test_a_watched_training_that_is_interrupted_ends_its_page(data, tmp_path):
    with process(endless(data, tmp_path / "run", "--watch")) as training:
        address = address_of(training)
        with Listener(address) as listener:
            until_epochs(listener, 1, listener.until("running"))
            training.send_signal(signal.SIGINT)
            told = listener.until("stopped")["live"]
            assert told["text"].startswith("training stopped at step")
            while (last := listener.next()) != "over":
                assert "live" in last or "history" in last or "network" in last
        errors = rest_of(training)
    assert training.returncode == 130
    line = errors.splitlines()[-1]
    assert line.startswith("gpunet: error: training: interrupted") and "--watch" in line
    assert refused(address)


@posix
def test_the_page_of_a_killed_training_ends_by_itself(data, tmp_path):
    with process(endless(data, tmp_path / "run", "--watch")) as training:
        address = address_of(training)
        with Listener(address) as listener:
            until_epochs(listener, 1, listener.until("running"))
            os.kill(training.pid, signal.SIGKILL)
            told = listener.until("stopped")["live"]
            assert told["text"].startswith("training stopped at step")
            while listener.next() != "over":
                pass
        wait_until(lambda: refused(address))


def test_a_watched_training_ends_as_any_other(data, tmp_path):
    out = tmp_path / "run"
    done = train(data, out, "--watch")
    assert done.returncode == 0, done.stderr
    first, *_ = done.stderr.splitlines()
    assert first.startswith("page: http://127.0.0.1:") and refused(first.split()[1])
    assert "the page has ended with the training; to see it again:" in done.stderr
    again = train(data, out, "--watch")
    assert "holds a run already" in error_line(again, 2)


@posix
def test_a_page_that_hangs_costs_the_training_nothing(tmp_path, monkeypatch):
    started, start = [], beside._start
    monkeypatch.setattr(beside, "_PATIENCE", 0.1)
    monkeypatch.setattr(
        beside, "_start", lambda folder: started.append(start(folder)) or started[0]
    )
    with beside.watching(tmp_path / "run") as address:
        assert ask(address)[0] == 200
        os.kill(started[0].pid, signal.SIGSTOP)
    assert started[0].returncode == -signal.SIGKILL and refused(address)


def test_a_training_says_itself_what_cannot_be_watched(data, tmp_path):
    (tmp_path / "file").touch()
    done = train(data, tmp_path / "file", "--watch")
    assert "file: is not a folder" in error_line(done, 2)


def test_options_of_watching_that_cannot_work_are_errors(tmp_path):
    (tmp_path / "file").touch()
    for words, reason in (
        (["--watch"], "name the run folder"),
        (["x", "--port", "8000"], "--port: is that of a server; add --watch"),
        (["x", "--watch", "--out", "y"], "--out: is for a page that is written once"),
        (["x", "--watch", "--json"], "--json: is for a page that is written once"),
        (["file", "--watch"], "is not a folder; name the folder of a run"),
    ):
        assert reason in error_line(command("page", *words, cwd=tmp_path), 2)


def test_a_page_is_served_where_it_was_asked_for(tmp_path):
    words = page_script("--watch", tmp_path / "none", "--port", "0")
    with process(words) as server:
        assert "'0' is not a whole number of at least 1" in server.stderr.read()
    with process(page_script("--watch", tmp_path / "none")) as server:
        address = address_of(server)
        assert ask(address)[0] == 200
        port = address.split(":")[2].partition("/")[0]
        words = ("x", "--watch", "--port", port)
        line = error_line(command("page", *words, cwd=tmp_path), 2)
        assert f"port: {port}: " in line and "name another port" in line
