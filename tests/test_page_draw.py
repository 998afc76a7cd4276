"""Drawing in the page, as somebody does it: strokes, keys, neurons, noise, mistakes."""

import re

import numpy as np
import pytest
from helpers import normal

import gpunet
from gpunet.data import read_mnist
from gpunet.page import PageSource, page_document
from gpunet.page.values import network_values

TEST = read_mnist().test


@pytest.fixture(scope="module")
def net():
    train = read_mnist().train.take(slice(3000))
    net = gpunet.mlp([784, 16, 10], "sigmoid", seed=1)
    gpunet.fit(net, train, epochs=4, batch_size=20, optimizer=gpunet.Adam(0.01))
    return net


@pytest.fixture(scope="module")
def document(net):
    return page_document(PageSource(net))


def numbers(page, place):
    """Return the rows of the table in a place, as texts."""
    rows = page.locator(f"{place} tbody tr").all()
    return [row.locator("td").all_text_contents() for row in rows]


def outputs(page):
    """Return what the network says now, from the table behind the button."""
    button = page.get_by_role("button", name="Show the numbers").first
    button.click()
    rows = numbers(page, "#panel-draw .drawing")
    button.click()
    return np.array([float(value) for _, value in rows])


def says(page):
    return page.locator(".says").text_content()


def drag(page, *points):
    box = page.locator(".board canvas").bounding_box()
    scale = box["width"] / 280
    places = [(box["x"] + x * scale, box["y"] + y * scale) for x, y in points]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=6)
    page.mouse.up()


def ink(page):
    """Return how many pixels of the board have ink."""
    code = """(canvas) => canvas.getContext("2d").getImageData(0, 0, 280, 280).data
      .filter((v, k) => k % 4 === 3 && v > 120).length"""
    return page.locator(".board canvas").evaluate(code)


def test_a_stroke_is_answered_and_undone(open_page, document, net):
    page = open_page(document, place="#draw")
    assert re.fullmatch(
        r"Test digit no. \d+: it says (\d), with .*\. It is a \1\.", says(page)
    )
    assert page.get_by_text("Draw a digit here").is_visible()
    drag(page, (140, 40), (140, 240))  # the example is gone, a one is drawn
    assert page.get_by_text("Draw a digit here").is_hidden()
    assert says(page).startswith("It says 1, with ")
    bar = ink(page)
    assert 200 * 18 < bar < 240 * 24
    one = outputs(page)
    drag(page, (60, 40), (140, 40))
    assert ink(page) > bar and not np.allclose(outputs(page), one)
    page.get_by_role("button", name="Undo").click()
    assert ink(page) == bar and np.allclose(outputs(page), one)
    page.get_by_role("button", name="Eraser").click()
    drag(page, (100, 140), (180, 140))
    assert ink(page) < bar
    page.get_by_role("button", name="Clear").click()
    blank = net.predict(np.zeros((1, 784), "float32"))[0]
    np.testing.assert_allclose(outputs(page), blank, rtol=1e-3)
    assert "A blank board: it says" in says(page) and ink(page) == 0
    page.get_by_role("button", name="Noise", exact=True).click()
    assert re.match(r"Pure noise: it says \d, with 0\.\d\d", says(page))
    assert says(page) == page.locator("#live").text_content()


def test_keys_draw_and_speak(open_page, document):
    page = open_page(document, place="#draw")
    board = page.locator(".board canvas")
    board.focus()
    page.keyboard.press(" ")  # the example makes room
    dot = ink(page)
    assert 200 < dot < 600
    page.keyboard.press("ArrowUp")
    assert page.locator("#live").text_content() == "row 14, column 15, ink"
    for _ in range(6):
        page.keyboard.press("Shift+ArrowUp")
    line = ink(page)
    assert line > dot + 600
    page.keyboard.press("Delete")
    assert ink(page) < line
    page.keyboard.press("Control+z")
    assert ink(page) == line


def test_a_neuron_tells_its_sum(open_page, document, net):
    page = open_page(document, place="#draw")
    page.locator(".examples select").select_option(index=3)
    row = int(re.match(r"Test digit no. (\d+)", says(page))[1])
    x = TEST.scaled("float32")[row : row + 1]
    np.testing.assert_allclose(outputs(page), net.predict(x)[0], rtol=1e-3, atol=1e-6)
    z = (x @ net.params["0.W"] + net.params["0.b"])[0]
    squares = page.locator(".squares").first.locator("button")
    assert squares.count() == 16
    squares.nth(4).focus()
    page.keyboard.press("ArrowRight")
    readout = page.locator(".readout").text_content()
    assert float(re.search(r"neuron 5: z = (.*), a", readout)[1]) == pytest.approx(
        float(z[5]), rel=1e-3
    )
    page.keyboard.press("Enter")
    rows = numbers(page, ".why")
    by_name = {cells[0]: float(cells[-1]) for cells in rows}
    a = 1 / (1 + np.exp(-float(z[5])))
    assert by_name["z, the sum"] == pytest.approx(float(z[5]), rel=1e-3)
    assert by_name["a, sigmoid(z)"] == pytest.approx(a, rel=1e-3)
    parts = [float(cells[-1]) for cells in rows[:-2]]  # terms, the others, the bias
    assert sum(parts) == pytest.approx(float(z[5]), abs=2e-2)
    products = x[0] * net.params["0.W"][:, 5]
    largest = np.argmax(np.abs(products))
    assert rows[0][0] == f"pixel in row {largest // 28}, column {largest % 28}"
    assert float(rows[0][3]) == pytest.approx(float(products[largest]), rel=1e-3)
    page.locator(".squares").nth(1).locator("button").nth(7).click()
    assert "Output, output “7”" in page.locator(".why h2").text_content()
    assert "softmax" in numbers(page, ".why")[-1][0]


def test_noise_on_the_weights_is_said_and_taken_back(open_page, document):
    page = open_page(document, place="#draw")
    trained, slider = outputs(page), page.locator("#weight-noise")
    slider.fill("1")
    warning = page.get_by_text("not the trained network any more")
    assert "1 standard deviations" in warning.text_content()
    noisy = outputs(page)
    assert not np.allclose(noisy, trained, atol=1e-3)
    page.get_by_role("button", name="Other noise").click()
    other = outputs(page)
    assert not np.allclose(other, noisy, atol=1e-3)
    slider.fill("0")
    assert warning.is_hidden() and np.array_equal(outputs(page), trained)
    slider.fill("1")
    assert np.array_equal(outputs(page), other)  # the same seed, the same noise


def test_mistakes_lead_to_the_board(open_page, document):
    page = open_page(document, place="#mistakes")
    digits = document["digits"]
    rows = numbers(page, ".confusion")
    counts = [[0 if c == "·" else int(c) for c in row] for row in rows]
    assert counts == np.asarray(digits["confusion"]).tolist()
    galleries = page.locator(".gallery")
    assert galleries.nth(0).locator("button").count() == len(digits["mistakes"])
    galleries.nth(0).locator("button").nth(1).click()
    k = digits["mistakes"][1]
    said, label = digits["said"][k], digits["labels"][k]
    start = f"Test digit no. {digits['index'][k]}: it says {said}"
    assert says(page).startswith(start)
    assert says(page).endswith(f"It is a {label}: a mistake.")
    assert page.url.endswith(f"#draw={digits['index'][k]}")
    page.get_by_role("button", name="Next mistake").click()
    assert says(page).endswith("a mistake.") and not says(page).startswith(start)
    page.get_by_role("button", name="Previous mistake").click()
    assert says(page).startswith(start)


def test_another_network_sees_what_is_on_the_board(open_page, document, net):
    page = open_page(document, place="#draw")
    drag(page, (140, 40), (140, 240))
    bar, first = ink(page), outputs(page)
    other = gpunet.mlp([784, 16, 10], "sigmoid", seed=2)
    page.evaluate("(network) => page.update({ network })", network_values(other, None))
    assert ink(page) == bar and not np.allclose(outputs(page), first, atol=1e-3)
    page.evaluate("(network) => page.update({ network })", document["network"])
    assert np.array_equal(outputs(page), first)
    page.locator("#tab-neurons").click()
    before = page.locator(".gallery button").all_text_contents()
    wide = gpunet.mlp([784, 20, 10], seed=2)
    page.evaluate("(network) => page.update({ network })", network_values(wide, None))
    assert len(before) == 16 and page.locator(".gallery button").count() == 20
    page.locator("#tab-draw").click()
    assert page.locator(".squares").first.locator("button").count() == 20


def test_neurons_come_by_their_use(open_page, document, net):
    page = open_page(document, place="#neurons")
    rows = document["digits"]["index"]
    a = 1 / (1 + np.exp(-(TEST.scaled("float64")[rows] @ net.params["0.W"])))
    a = 1 / (1 + (1 / a - 1) * np.exp(-net.params["0.b"].astype("float64")))
    use = np.mean(np.abs(a), axis=0) * np.sum(np.abs(net.params["2.W"]), axis=1)
    order = np.argsort(-use)
    pictures = page.locator(".gallery button")
    assert pictures.all_text_contents() == list(map(str, order))
    pictures.first.focus()
    assert (
        f"neuron {order[0]}: use {use[order[0]]:.3g}"
        in page.locator("#panel-neurons .readout").text_content()
    )


@pytest.mark.parametrize("sizes", [[64, 8, 5], [784, 300, 2], [100, 1]])
def test_other_pictures_are_drawn_for(open_page, sizes):
    net = gpunet.mlp(sizes, loss="sigmoid_cross_entropy", dropout=0.1, seed=2)
    for name, p in net.params.items():
        net.params[name] = normal(len(name), *p.shape).astype("float32")
    page = open_page(
        page_document(PageSource(net)), place="#draw", reduced_motion="reduce"
    )
    drag(page, (100, 60), (180, 60), (120, 230))
    code = "(canvas) => canvas.width"
    assert page.locator(".seen canvas").evaluate(code) == round(sizes[0] ** 0.5)
    assert says(page).startswith("It says ")
    assert len(outputs(page)) == sizes[-1]
    page.locator("#tab-neurons").click()
    assert page.locator(".gallery button").count() == min(sizes[1], 64)
