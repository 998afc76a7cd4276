"""The plane in the page: a network of two inputs, and a playground to train one."""

import json

import numpy as np
import pytest

import gpunet
from gpunet.cli import main
from gpunet.page import PageSource, open_source, page_document, playground
from gpunet.runs.config import load_config

CSV = 'left,right,"kind ""x"""\n1,2,<b>\n-3,0.5,"a, b"\n2,2,<b>\n0,1,"a, b"\n'
STATE = """() => {
  const {trainer, net, data, last, stopped} = page.plane.playground();
  const picture = document.querySelector(".board").toDataURL();
  const {step, epoch} = trainer, sizes = net.layers.map((l) => l.nOut);
  return {step, epoch, sizes, n: data.t.length, loss: last?.loss, stopped, picture};
}"""


@pytest.fixture
def plane(open_page):
    """Return the page of a playground, and what reads its state."""
    page = open_page(playground())
    return page, lambda: page.evaluate(STATE)


def press(page, *names):
    for name in names:
        page.get_by_role("button", name=name, exact=True).click()


def put(page, label, value):
    field = page.get_by_label(label, exact=True)
    field.fill(str(value))
    field.blur()


def test_playground_trains_steps_epochs_and_until_a_loss(plane):
    page, state = plane
    start = state()
    press(page, "One step")
    assert (state()["step"], state()["epoch"]) == (1, 0)
    press(page, "One epoch")
    assert (state()["step"], state()["epoch"]) == (20, 1)
    put(page, "Stop at loss", 0.25)
    press(page, "Train")
    page.get_by_text("The loss has reached 0.25: training stopped.").wait_for()
    trained = state()
    assert trained["loss"] <= 0.25 < start["loss"]
    assert trained["picture"] != start["picture"]
    status = page.locator(".status").text_content()
    assert status.startswith(
        f"Epoch {trained['epoch']}, step {trained['step']}: loss 0."
    )
    assert "of 200 points right" in status
    press(page, "Reset")
    assert state() == {**start, "stopped": ""}
    press(page, "Show the points and answers", "Show all weights")
    rows = page.get_by_role("group", name="Weights and biases").locator("tbody tr")
    assert rows.count() == 3 * 8 + 9 * 4 + 5


def test_numbers_that_overflow_are_said_and_wedge_nothing(plane):
    page, state = plane
    page.get_by_label("Loss", exact=True).select_option("half_squared_error")
    for layer in (1, 2):
        field = page.get_by_label(f"Activation of layer {layer}")
        field.select_option("relu")
    put(page, "Learning rate", 1000)
    press(page, "Train")
    problem = page.get_by_text("is no longer a finite number")
    problem.wait_for()
    stopped = state()
    assert page.evaluate("page.plane.playground().net.isFinite")
    assert f"step {stopped['step'] + 1}: " in problem.text_content()
    assert page.get_by_role("button", name="One step").is_disabled()
    assert "Infinity" not in page.locator(".status").text_content()
    put(page, "Learning rate", 0)
    assert page.get_by_text("a number from 0.000001 to 1000, please").is_visible()
    assert state() == stopped
    put(page, "Learning rate", 0.01)
    press(page, "Reset", "One epoch")
    assert (state()["epoch"], state()["stopped"]) == (1, "")


def test_points_come_by_click_keyboard_and_table(plane):
    page, state = plane
    board = page.get_by_role("application")
    board.click(position={"x": 40, "y": 60})
    board.click(position={"x": 90, "y": 60}, button="right")
    board.press("ArrowLeft")
    board.press("Enter")
    assert state()["n"] == 203
    added = page.evaluate("page.plane.playground().data.t.slice(-3)")
    assert added == [0, 1, 0]
    assert "x1 = " in page.locator("#plane-here").text_content()
    board.press("Delete")
    assert state()["n"] == 202
    press(page, "Remove all points")
    assert state()["n"] == 0
    assert "click into the plane" in page.locator(".status").text_content()
    page.get_by_text("Your own table").click()
    for text, why in (
        ("1,2\n3,4", "line 1 has 2 cells"),
        ("1,2,0\n2,x,1", 'line 2: "x" is not a number'),
    ):
        page.locator("textarea").fill(text)
        press(page, "Use these rows")
        assert why in page.get_by_text("These points cannot be used").text_content()
    page.locator("textarea").fill(CSV)
    press(page, "Use these rows")
    assert state()["n"] == 4
    assert page.get_by_text('kind "x" <b> (circle)').is_visible()
    data = page.evaluate("page.plane.playground().data")
    assert data["classes"] == ["<b>", "a, b"] and data["t"] == [0, 1, 0, 1]
    assert page.evaluate("page.plane.writeCsv(page.plane.playground().data)") == CSV


def test_layers_and_the_six_steps_show_their_numbers(plane):
    page, state = plane
    press(page, "Add a hidden layer")
    put(page, "Layer 2", 3)
    page.get_by_role("button", name="Remove layer 1").click()
    assert state()["sizes"] == [3, 4, 1]
    for layer in (1, 2):
        page.get_by_role("button", name=f"Hidden layer {layer}, neuron 2").click()
        caption = page.get_by_text(f"Neuron 2 of layer {layer}", exact=True)
        assert caption.is_visible()
    before = page.evaluate("page.plane.playground().net.layers[0].W[0]")
    for part in range(1, 7):
        press(page, "Next part")
        assert page.locator(".cycle [aria-current]").count() == 1
        weight = page.evaluate("page.plane.playground().net.layers[0].W[0]")
        assert (weight == before) == (part < 5)
    assert state()["step"] == 1
    assert "On this batch the cost went from" in page.locator("main").text_content()
    press(page, "Next part", "One step")
    assert state()["step"] == 2


def test_what_the_page_saves_is_what_train_takes(plane, tmp_path, monkeypatch):
    page, _ = plane
    put(page, "Seed", 3)
    press(page, "One epoch", "One epoch")
    assert "the same weights as this page" in page.locator("main").text_content()
    for name in ("Save configuration", "Save points"):
        with page.expect_download() as download:
            press(page, name)
        download.value.save_as(tmp_path / download.value.suggested_filename)
    monkeypatch.chdir(tmp_path)
    config = load_config("playground.json")
    assert (config["epochs"], config["seed"]) == (2, 3)
    words = page.locator("code").text_content().split()
    assert words[:2] == ["gpunet", "train"]
    assert main([*words[1:], "--out", "run", "--engine", "loop", "--quiet"]) == 0
    net = gpunet.load_network("run/model.safetensors")
    weights = page.evaluate("Array.from(page.plane.playground().net.layers[0].W)")
    np.testing.assert_allclose(net.params["0.W"].ravel(), weights, rtol=0, atol=1e-10)


def rows(kind, n=60):
    rng = np.random.default_rng(1)
    x = rng.normal([170, -3], [12, 0.1], (n, 2)).round(3)
    label = (x[:, 0] > 170).astype(int) + (x[:, 1] > -3)
    price = (x[:, 0] * 3 + 7).round(2)
    t = {"words": [f"<{k}>" for k in label], "numbers": price, "binary": label > 0}[
        kind
    ]
    return "tall <b>,deep,t\n" + "".join(
        f"{a},{b},{c}\n" for (a, b), c in zip(x, t, strict=True)
    )


@pytest.mark.parametrize("kind", ["words", "numbers", "binary"])
def test_plane_of_a_run_answers_as_predict_does(kind, open_page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.csv").write_text(rows(kind))
    more = (
        ["--sizes", "2,5,1", "--loss", "sigmoid_cross_entropy"]
        if kind == "binary"
        else []
    )
    more += ["--activation", "leaky_relu:0.1", "--epochs", "3", "--test-size", "0"]
    words = ["--data", "t.csv", "--target", "t", "--out", "run", "--engine", "loop"]
    assert main(["train", *words, *more, "--quiet", "--validation", "0"]) == 0
    source = open_source("run")
    document = page_document(source)
    page = open_page(document, place="#plane")
    answers, x = page.evaluate("""() => {
      const {data} = page.plane.playground();
      return [page.plane.playground().predict(data.x).answers, data.x];
    }""")
    y = np.asarray(source.shown.predict(source.data.train.x), float)
    target = source.table.target
    y = y if target.classes else target.decode(y)
    np.testing.assert_allclose(answers, y, rtol=2e-6, atol=2e-6)
    table = np.genfromtxt("t.csv", delimiter=",", skip_header=1, usecols=(0, 1))
    np.testing.assert_allclose(x, table, rtol=1e-6)
    assert page.get_by_text("This is the network as it was trained").is_visible()
    newer = gpunet.mlp([2, 6, source.net.n_out], loss=source.net.loss)
    better = page_document(PageSource(newer))
    update = "(network) => page.update({network})"  # of a run that is followed
    page.evaluate(
        update, better["network"] | {"outputs": document["network"]["outputs"]}
    )
    assert page.evaluate(STATE)["sizes"] == [6, source.net.n_out]
    press(page, "One epoch")
    page.evaluate(update, document["network"])
    assert page.evaluate(STATE)["sizes"] == [6, source.net.n_out]
    press(page, "Reset")
    assert page.evaluate(STATE)["step"] == 0
    assert page.evaluate("page.plane.playground().predict([[1, 2]]).answers")[0]


def test_new_networks_have_a_plane_and_unsuitable_ones_do_not(open_page):
    def document(sizes, *args, **more):
        return page_document(PageSource(gpunet.mlp(sizes, *args, **more)))

    page = open_page(document([2, 4, 3], "tanh"), place="#plane")
    state = page.evaluate(STATE)
    assert (state["n"], state["sizes"]) == (200, [4, 3])
    page.get_by_label("Loss", exact=True).select_option("half_squared_error")
    assert (
        page.evaluate("page.plane.playground().settings.loss") == "half_squared_error"
    )
    page = open_page(document([2, 3, 5]), place="#plane")
    assert page.evaluate(STATE)["n"] == 0
    assert "plane" not in document([3, 4, 2])
    x, t = np.array([[1.0, 2.0], [3.0, 5.0], [0.5, 0.25]]), np.array([0, 1, 1])
    data = gpunet.Splits(gpunet.Dataset(x, t), None, None, 2, "three points")
    view = gpunet.show.page(gpunet.mlp([2, 3, 2]), data)
    page = open_page(view.html, place="#plane")
    assert page.evaluate("page.plane.playground().data.x") == x.tolist()
    notes = document([2, 4, 2], output="softmax", loss="squared_error")
    assert "plane" not in notes
    assert "the page cannot train softmax" in json.dumps(notes["overview"])


def test_page_without_a_model_is_a_playground(tmp_path, monkeypatch, capsys, open_page):
    monkeypatch.chdir(tmp_path)
    assert main(["page"]) == 0
    assert "playground.html" in capsys.readouterr().out
    assert (tmp_path / "playground.html").stat().st_size <= 125_000
    page = open_page(tmp_path / "playground.html")
    assert page.get_by_role("tab").all_text_contents() == ["Plane"]
    assert main(["page", "--member", "1"]) == 2
    assert "name the model" in capsys.readouterr().err
