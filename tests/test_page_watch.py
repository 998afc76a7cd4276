"""A watched run: who may ask, what clients are told, and what nobody holds up."""

import _thread
import socket
import threading
from urllib.parse import urlsplit

import pytest
from tiny import carry, settings, stopped, write_set
from watching import Listener, ask, wait_until

from gpunet.errors import ConfigError
from gpunet.page import following
from gpunet.page import watch as module
from gpunet.page.watch import MOST_CLIENTS, Watch

pytest.importorskip("uvicorn", reason="uvicorn is not installed")
pytest.importorskip("starlette", reason="starlette is not installed")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_set(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def run(data, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "tiny"
    carry(settings(data), out)
    return out


@pytest.fixture
def watch():
    """Watch folders, and end all servers at last."""
    started = []

    def start(folder):
        started.append(Watch(folder))
        started[-1].start()
        return started[-1].address

    yield start
    for each in started:
        each.stop()
        assert not each._thread.is_alive()


def test_the_page_is_for_who_knows_the_address(run, watch):
    address = watch(run)
    status, headers, text = ask(address)
    assert status == 200 and text.startswith("<!DOCTYPE html>")
    assert "connect-src 'self'" in text and "default-src 'none'" in text
    assert headers["Content-Security-Policy"] == "frame-ancestors 'none'"
    assert headers["Cache-Control"] == "no-store"
    place = urlsplit(address)
    assert place.hostname == "127.0.0.1" and len(place.path) > 20
    assert place.path != urlsplit(watch(run)).path
    for path in ("x", "../", "events/", "/"):
        assert ask(address, path=path)[0] == 404
    wrong = f"http://{place.netloc}/{place.path[1:-2]}x/"
    assert ask(wrong)[0] == ask(wrong, path="events")[0] == 404


@pytest.mark.parametrize("path", ["", "events"])
def test_foreign_hosts_origins_and_methods_are_refused(run, watch, path):
    address = watch(run)
    port = urlsplit(address).port
    for host in ("evil.example", "127.0.0.1.evil.example", "0.0.0.0", "[::1]"):
        assert ask(address, path=path, Host=f"{host}:{port}")[0] == 400
    for origin in ("http://evil.example", f"https://127.0.0.1:{port}", "null", ""):
        assert ask(address, path=path, Origin=origin)[0] == 403
    assert ask(address, path=path, Origin=f"http://127.0.0.1:{port + 1}")[0] == 403
    for method in ("POST", "PUT", "DELETE", "HEAD", "OPTIONS"):
        assert ask(address, method, path)[0] == 405
    same = {"Host": f"localhost:{port}", "Origin": f"http://localhost:{port}"}
    assert ask(address, **same)[0] == 200
    with Listener(address, **same) as listener:
        assert listener.status == 200
        assert listener.headers["Content-Type"].startswith("text/event-stream")


def test_only_this_machine_can_connect(run):
    one = Watch(run)
    assert one._socket.getsockname()[0] == "127.0.0.1"
    one._socket.close()


def test_a_client_too_many_is_refused_until_another_leaves(run, watch):
    address = watch(run)
    listeners = [Listener(address) for _ in range(MOST_CLIENTS)]
    assert {listener.status for listener in listeners} == {200}
    assert ask(address, path="events")[0] == 503
    assert ask(address)[0] == 200  # the page as it is now
    listeners[3].close()

    def accepted():
        with Listener(address) as another:
            return another.status == 200

    wait_until(accepted)
    for listener in listeners:
        listener.close()


def test_events_resume_where_they_stopped(data, tmp_path, watch):
    config, out = settings(data, epochs=2), tmp_path / "run"
    carry(config, out)
    address = watch(out)
    with Listener(address) as listener:
        parts = listener.until("finished")
        version = listener.version
    assert {"title", "overview", "network", "history", "live"} <= parts.keys()
    assert parts["history"]["epoch"] == [1, 2]
    carry(config | {"epochs": 4}, out, resume="auto", given={"epochs"})
    with Listener(address, Last_Event_ID=version) as listener:
        changes = listener.next()
        while len(changes.get("history", {"epoch": []})["epoch"]) < 4:
            changes |= listener.next()
        assert "title" not in changes and "network" in changes
        version = listener.version
    with Listener(address, Last_Event_ID=version) as same:
        assert [same.line() for _ in range(3)] == ["retry: 1000", "", ":"]
    for nonsense in ("9999", "-1", "x", "1e9"):
        with Listener(address, Last_Event_ID=nonsense) as listener:
            assert "title" in listener.next()


def test_a_slow_client_holds_up_nobody_and_gets_the_last_state(run, watch, monkeypatch):
    made = iter(range(10**6))
    monkeypatch.setattr(
        following.Follower,
        "_newer_parts",
        lambda self, last: {"k": next(made), "big": "x" * 8_000_000, "live": {}},
    )
    monkeypatch.setattr(module, "_LOOK", 0.001)
    address = watch(run)
    with Listener(address) as slow, Listener(address) as quick:
        seen = [quick.next()["k"] for _ in range(30)]
        assert seen == sorted(set(seen))
        late = [slow.next()["k"] for _ in range(3)]
        assert late[-1] >= seen[-1], "it got what was old"


@pytest.mark.usefixtures("signals_heard")
def test_an_interrupted_wait_leaves_the_server_to_be_stopped(run):
    watch = Watch(run)
    watch.start()
    with Listener(watch.address) as listener:
        threading.Timer(0.1, _thread.interrupt_main).start()
        with pytest.raises(KeyboardInterrupt):
            watch.join()
        assert watch._thread.is_alive()
        watch.stop()
        while listener.next() != "over":
            pass
    watch.join()


def test_a_client_that_reads_nothing_is_no_error_at_the_end(run, monkeypatch, caplog):
    parts = {"big": "x" * 8_000_000, "live": {}}
    monkeypatch.setattr(following.Follower, "_newer_parts", lambda self, last: parts)
    watch = Watch(run)
    watch.start()
    with Listener(watch.address) as listener:
        assert listener.line() == "retry: 1000"
        watch.stop()
    assert not watch._thread.is_alive() and not caplog.records


def test_a_run_is_waited_for_and_told_when_it_has_finished(data, tmp_path, watch):
    out = tmp_path / "later" / "run"
    address = watch(out)
    assert "waiting for a run" in ask(address)[2]
    with Listener(address) as listener:
        assert listener.until("waiting")["live"]["text"].endswith("later/run")
        assert not out.parent.exists()
        carry(settings(data), out)
        parts = listener.until("finished")
    assert parts["history"]["epoch"] == [1, 2, 3]


def test_how_a_run_ended_is_told(data, tmp_path, watch):
    stopped(data, tmp_path / "run")
    with Listener(watch(tmp_path / "run")) as listener:
        assert listener.until("stopped")["live"]["text"] == "training stopped at step 7"
    (tmp_path / "run" / "config.json").write_text("{")
    with Listener(watch(tmp_path / "run")) as listener:
        text = listener.until("stopped")["live"]["text"]
        assert text.startswith("the run cannot be shown: config: ")


def test_what_cannot_be_watched_is_an_error(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="is not a folder; name the folder of a run"):
        Watch(tmp_path / "file")
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(ConfigError, match=r"port: \d+: .*; name another port"):
            Watch(tmp_path, other.getsockname()[1])
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"install with: .* \"gpunet\[page\]\"$"):
        Watch(tmp_path)
