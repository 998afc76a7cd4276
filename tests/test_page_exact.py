"""The page's numbers are the library's: outputs, and how a digit is centered."""

from base64 import b64decode, b64encode

import numpy as np
import pytest
from drawn_digits import ANGULAR, ROUND, Picture, draw
from helpers import normal

import gpunet
from gpunet.activations import ACTIVATIONS
from gpunet.data import digit_image, read_digit, read_mnist
from gpunet.errors import DataError
from gpunet.losses import LOSSES
from gpunet.page import PageSource, page_document
from gpunet.page.values import network_values

BLANK = {"title": "exact", "overview": {}, "digits": {"side": 28}}
# Arrays travel as base64: a list of numbers takes Playwright a hundred times as long.
SEND = "const send = (a) => btoa(Array.from(new Uint8Array(a.buffer), (c) => "
SEND += "String.fromCharCode(c)).join(''));"
READ = """([digits, scale]) => {
  globalThis.rows = [];
  for (let bytes = page.bytes(digits); bytes.length; bytes = bytes.subarray(784))
    rows.push(Float32Array.from(bytes.subarray(0, 784), (v) => v * scale));
}"""
PREDICT = f"""(network) => {{
  {SEND}
  page.update({{ network }});
  const y = rows.flatMap((row) => Array.from(page.network.predict(row)));
  return [send(Float64Array.from(y)), rows.map((row) => page.network.classify(row))];
}}"""
CENTER = f"""(boards) => {{
  {SEND}
  return boards.map((board) => {{
    const {{ pixels, doubt }} = page.digit(page.bytes(board), 280);
    return [send(pixels), doubt];
  }});
}}"""


def text(array):
    return b64encode(array.tobytes()).decode()


def numbers(text, dtype):
    return np.frombuffer(b64decode(text), dtype)


def random_net(activation, loss, output):
    """Return a network with biases that are not 0."""
    net = gpunet.mlp([784, 12, 8, 10], activation, loss=loss, output=output, seed=5)
    for name, p in net.params.items():
        if name.endswith("b"):
            net.params[name] = normal(1, *p.shape).astype("float32")
    return net


def in_float64(net, *parts):
    """Return the same network, every weight exactly, with float64 arithmetic."""
    activation, loss, output = parts
    wide = gpunet.mlp(
        [784, 12, 8, 10], activation, loss=loss, output=output, dtype="float64"
    )
    for name, p in net.params.items():
        wide.params[name] = p.astype("float64")
    return wide


def test_a_page_answers_as_the_library_does(open_page):
    page = open_page(BLANK)
    test = read_mnist().test.take(slice(1000))
    x = test.scaled("float32")
    page.evaluate(READ, [text(test.x), float(np.float32(1 / 255))])
    parts = [(f, "softmax_cross_entropy", "identity") for f in ACTIVATIONS]
    parts += [("tanh", loss, "identity") for loss in LOSSES]
    parts += [("relu", "half_squared_error", "sigmoid")]
    for part in parts:
        net = random_net(*part)
        y, labels = page.evaluate(PREDICT, network_values(net, None))
        y = numbers(y, "<f8").reshape(1000, 10)
        expected, wide = net.predict(x), in_float64(net, *part).predict(x.astype(float))
        largest = max(1.0, float(np.max(np.abs(expected))))
        assert np.max(np.abs(y - expected)) <= 2e-6 * largest, part
        assert np.max(np.abs(y - wide)) <= 1e-12 * largest, part
        assert labels == net.classify(x).tolist(), part


def strokes(n):
    """Return drawings of digits, by two hands, of many sizes and pens, on boards."""
    rng = np.random.default_rng(0)
    digits = [hand[digit] for hand in (ROUND, ANGULAR) for digit in hand]
    boards = []
    for k in range(n):
        size = rng.uniform(60, 240)
        how = Picture(
            *(280, 280, rng.uniform(-5, 285 - size)),
            left=rng.uniform(0, 275 - 0.6 * size),
            size=size,
            pen=rng.choice([6, 14, 22]),
            slant=rng.uniform(-0.1, 0.3),
            paper=0,
            ink=1,
        )
        board = draw(digits[k % 20], how)
        board[board == 102] += 1  # 0.4 of full ink is the end of a stroke itself
        boards.append(board)
    return np.array(boards)


def test_a_drawn_digit_is_centered_as_the_library_does_it(open_page, monkeypatch):
    page = open_page(BLANK)
    boards = strokes(200)
    answers = page.evaluate(CENTER, [text(board) for board in boards])
    x = np.array([numbers(pixels, "<f4") for pixels, _ in answers])
    assert {doubt for _, doubt in answers} == {""}
    boards = np.pad(boards, [(0, 0), (10, 10), (10, 10)])  # no stroke touches the rim
    expected = read_digit(*boards[:5])
    assert np.max(np.abs(x[:5] - expected)) <= 2e-5  # a 200th of a gray level
    # The paper is known to be black: the fit of its shade takes most of the time.
    monkeypatch.setattr(digit_image, "_paper", np.zeros_like)
    assert np.max(np.abs(x - read_digit(*boards))) <= 2e-6


def test_drawings_that_the_library_refuses_are_doubted(open_page):
    page = open_page(BLANK)
    two, bar = np.zeros((2, 280, 280), np.uint8)
    two[60:200, [60, 61, 62, 160, 161, 162]] = 255
    bar[130:150, 20:260] = 255
    for board, doubt in ((two, "2 digits side by side"), (bar, "wider than a digit")):
        with pytest.raises(DataError, match=doubt):
            read_digit(np.pad(board, 10))
        assert doubt in page.evaluate(CENTER, [text(board)])[0][1]
    assert page.evaluate("page.digit(new Uint8Array(280 * 280), 280)") is None


def test_digits_of_the_page_are_those_of_the_data(open_page):
    page = open_page(page_document(PageSource(gpunet.mlp([784, 10]))))
    shown = "page.digits(page.document)"
    flat = f"Float32Array.from({shown}.flatMap((d) => Array.from(d.pixels)))"
    pixels = page.evaluate(f"() => {{ {SEND} return send({flat}); }}")
    rows = page.evaluate(f"{shown}.map((digit) => digit.index)")
    test = read_mnist().test
    x = numbers(pixels, "<f4").reshape(-1, 784)
    np.testing.assert_allclose(x, test.x[rows] / np.float32(255), atol=1e-7)
    labels = page.evaluate(f"{shown}.map((digit) => Number(digit.label))")
    assert labels == test.t[rows].tolist()
