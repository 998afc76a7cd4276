"""A watched run in the browser: curves move, connections resume, a kill is shown."""

import signal
import sys

import pytest
from tiny import carry, settings, train_script, write_set
from watching import process, wait_until

from gpunet.page.watch import Watch

pytest.importorskip("uvicorn", reason="uvicorn is not installed")
pytest.importorskip("starlette", reason="starlette is not installed")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_set(tmp_path_factory.mktemp("data"))


@pytest.fixture
def watch(tmp_path):
    """Watch the run of this test, from now on."""
    servers = []

    def start():
        servers.append(Watch(tmp_path / "run"))
        servers[0].start()
        return servers[0].address

    yield start
    servers[0].stop()


def state(page, text):
    """Wait until the line about the run has a text."""
    page.locator("#run-state", has_text=text).wait_for()


def until(page, expression):
    """Wait until an expression is true; the page's policy forbids it to do so."""
    wait_until(lambda: page.evaluate(expression))


def resumed(config, out, epochs):
    """Resume a run to have more epochs; return the network."""
    more = {"resume": "auto", "given": {"epochs"}}
    return carry(config | {"epochs": epochs}, out, **more)[0]


def answers(net):
    """Return an expression: whether the page's network answers as another one."""
    y = net.predict([[0.5] * 16])[0].tolist()
    return (
        "page.network.predict(new Array(16).fill(0.5))"
        f".every((v, k) => Math.abs(v - {y}[k]) < 2e-6)"
    )


def test_curves_move_while_a_run_is_watched(data, tmp_path, watch, open_page):
    page = open_page(watch())
    state(page, "waiting for a run in")
    assert page.get_by_role("tab").all_inner_texts() == ["Overview"]
    config = settings(data, epochs=2)
    before = carry(config, tmp_path / "run")[0]
    state(page, "training has finished")
    assert page.title() == page.locator("h1").inner_text() == "run: 16-8-3"
    page.get_by_role("tab", name="Curves").click()
    chart = page.locator("figure", has_text="Loss").first
    chart.get_by_role("button", name="Show the numbers").click()
    assert chart.locator(".scroll tbody tr").count() == 2
    sentence = chart.locator("p").first.inner_text()
    assert page.evaluate(answers(before))
    after = resumed(config, tmp_path / "run", 4)
    until(page, "page.document.history.epoch.length === 4")
    assert chart.locator("p").first.inner_text() != sentence
    until(page, answers(after))
    assert not page.evaluate(answers(before))


def test_a_tab_of_the_address_opens_when_it_appears(data, tmp_path, watch, open_page):
    page = open_page(watch(), place="#curves")
    state(page, "waiting for a run")
    assert page.get_by_role("tab", selected=True).inner_text() == "Overview"
    carry(settings(data), tmp_path / "run")
    page.get_by_role("tab", name="Curves", selected=True).wait_for()
    assert page.url.endswith("#curves")
    page = open_page(page.url.partition("#")[0], place="#100%")
    assert page.get_by_role("tab", selected=True).inner_text() == "Overview"


def test_a_dropped_connection_resumes(data, tmp_path, watch, open_page, monkeypatch):
    asked = []

    async def one_event(self, version):
        asked.append(version)
        async for text in true(self, version):
            yield text
            if "data:" in text:
                return

    true, config = Watch._events, settings(data)
    monkeypatch.setattr(Watch, "_events", one_event)
    page = open_page(watch())
    carry(config, tmp_path / "run")
    until(page, "page.document.history?.epoch.length === 3")
    resumed(config, tmp_path / "run", 5)
    until(page, "page.document.history?.epoch.length === 5")
    state(page, "training has finished")
    assert len(asked) >= 2 and asked == sorted(set(asked))


def test_members_keep_the_chosen_one_while_a_run_is_watched(
    data, tmp_path, watch, open_page
):
    config = settings(data, epochs=1, population=4)
    carry(config, tmp_path / "run")
    page = open_page(watch(), place="#members=3")
    assert page.get_by_label("Member", exact=True).input_value() == "3"
    nets = resumed(config, tmp_path / "run", 3)
    until(page, "page.document.members.epochs.length === 3")
    state(page, "training has finished")
    assert page.get_by_label("Member", exact=True).input_value() == "3"
    until(page, answers(nets.member(3)))


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_a_killed_training_is_shown(data, tmp_path, watch, open_page):
    page = open_page(watch())
    with process(train_script(data, tmp_path / "run", epochs=100_000)) as training:
        state(page, "training: step")
        until(page, "page.document.history?.epoch.length > 1")
        training.send_signal(signal.SIGKILL)
        state(page, "training stopped at step")
    line = page.locator("#run-state")
    assert line.get_attribute("data-state") == "stopped"
    assert page.locator("#live").inner_text() == line.inner_text()
