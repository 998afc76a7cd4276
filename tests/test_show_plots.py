"""Pictures: written whole, in one look, and told apart by any eye."""

from itertools import combinations

import numpy as np
import pytest
from helpers import normal, run_python

pytest.importorskip("matplotlib")

from gpunet.errors import ConfigError, WriteError
from gpunet.show.pictures import confusion_table, images
from gpunet.show.planes import KINDS, Plane, planes
from gpunet.show.plots import bands, bars, histogram, residuals
from gpunet.show.style import BLUE, COLORS, ORANGE, save_png, signed_colors, to_png


def size(path):
    """Return (width, height) of a PNG file, in pixels."""
    data = path.read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    return int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")


def pixels(path):
    from matplotlib.image import imread

    return imread(path)[..., :3]


def share(path, color):
    """Return which part of a picture has (about) this color."""
    wanted = np.array([int(color[k : k + 2], 16) for k in (1, 3, 5)]) / 255
    return float((np.abs(pixels(path) - wanted).max(axis=-1) < 0.03).mean())


def line(*numbers):
    return np.array(numbers, float)


CALLS = {
    "images": lambda: images(np.random.default_rng(0).random((8, 784)), ["a"] * 8),
    "one image": lambda: images(np.zeros((1, 28, 28)), signed=True, title="zero"),
    "confusion": lambda: confusion_table(np.eye(10, dtype=int) * 3, title="t"),
    "histogram": lambda: histogram(
        {"a": normal(0, 50), "b": normal(1, 50)}, label="x", mark=(0.0, "zero")
    ),
    "same numbers": lambda: histogram({"a": [1.0, 1.0]}),
    "bands": lambda: bands(
        {"a": (line(1, 2), line(3, 4), line(2, 3), line(4, 5)), "b": ([1, 2], [4, 1])},
        log="xy",
        levels=[(2.0, "two")],
        x_ticks=[1, 2],
        y_label="y",
    ),
    "bars": lambda: bars(
        ["x", "y"], {"a": [1.0, None], "b": [2.0, 3.0]}, spreads={"b": [0.1, 0.2]}
    ),
    "one bar": lambda: bars(["x"], {"a": [0.9]}, least=0.5, form="{:.1f}"),
    "planes": lambda: planes(
        [
            Plane("one", normal(0, 20, 2), np.arange(20) % 3, note="n"),
            Plane(
                "two",
                normal(1, 9, 2),
                np.arange(9) % 2,
                region=(line(-1, 0, 1), line(-1, 0, 1), np.eye(3, dtype=int)),
                lines=[normal(2, 5, 2)],
                cut=line(-1, 0, 1, 0).reshape(2, 2),
            ),
        ],
        title="both",
    ),
}


@pytest.mark.parametrize("name", CALLS)
def test_picture_is_as_wide_as_a_page(tmp_path, name):
    path = save_png(CALLS[name](), tmp_path / "a.png")
    assert path == tmp_path / "a.png"
    width, height = size(path)
    assert 700 <= width <= 800 and 130 <= height <= 1200
    assert pixels(path).std() > 0.01


@pytest.mark.parametrize("name", ["images", "bands"])
def test_equal_numbers_give_equal_bytes(tmp_path, name):
    first, second = (to_png(CALLS[name]()) for _ in "ab")
    assert first == second


def test_signs_have_their_colors(tmp_path):
    for sign, own, other in ((1, "#BD4B00", "#00568A"), (-1, "#00568A", "#BD4B00")):
        figure = images(np.full((1, 784), sign), columns=1, signed=True)
        path = save_png(figure, tmp_path / "a.png")
        assert share(path, own) > 0.5 and share(path, other) == 0
    middle = signed_colors()(0.5)
    assert min(middle) > 0.98  # zero is white
    light = [np.dot(signed_colors()(v)[:3], [0.3, 0.6, 0.1]) for v in (0.0, 0.25, 0.5)]
    assert light == sorted(light)


def test_mistakes_are_colored_and_hits_are_not(tmp_path):
    hits = np.eye(4, dtype=int) * 100
    quiet = pixels(save_png(confusion_table(hits), tmp_path / "a.png"))
    hits[0, 3] = 50
    loud = pixels(save_png(confusion_table(hits), tmp_path / "b.png"))
    assert np.ptp(quiet, axis=-1).max() < 0.15 < np.ptp(loud, axis=-1).max()


def test_region_shows_what_is_answered_where(tmp_path):
    labels = np.zeros((40, 40), int)
    labels[:, 20:] = 1
    axis = np.linspace(-1, 1, 40)
    panel = Plane("", np.zeros((1, 2)), np.array([0]), region=(axis, axis, labels))
    seen = pixels(save_png(planes([panel]), tmp_path / "a.png"))
    left, right = seen[400, 200], seen[400, 650]
    assert left[2] > left[0] and right[0] > right[2]  # bluish, orange


def protan(color):
    """Return a color as an eye without red cones sees it (Vienot et al. 1999)."""
    rgb = np.array([int(color[k : k + 2], 16) for k in (1, 3, 5)]) / 255
    linear = rgb**2.2
    matrix = [[0.11238, 0.88762, 0], [0.11238, 0.88762, 0], [0.00401, -0.00401, 1]]
    return np.clip(matrix @ linear, 0, 1) ** (1 / 2.2)


def test_first_colors_are_told_apart_without_red_cones():
    assert (COLORS[0], COLORS[1]) == (BLUE, ORANGE) and len(set(COLORS)) == 8
    assert KINDS[:2] == (BLUE, ORANGE)
    for a, b in combinations(COLORS[:4], 2):
        assert np.linalg.norm(protan(a) - protan(b)) > 0.14, (a, b)


def test_settings_of_matplotlib_stay_as_they_were():
    import matplotlib

    before = dict(matplotlib.rcParams)
    to_png(CALLS["bars"]())
    assert dict(matplotlib.rcParams) == before


def test_drawing_needs_no_screen_and_no_pyplot():
    done = run_python(
        "import sys\n"
        "from gpunet.show.plots import bars\n"
        "assert 'matplotlib' not in sys.modules\n"
        "assert bars(['x'], {'a': [1.0]})._repr_png_()[:4] == b'\\x89PNG'\n"
        "print('matplotlib.pyplot' in sys.modules)\n",
        DISPLAY="",
        MPLBACKEND="tkagg",
    )
    assert (done.stdout, done.stderr) == ("False\n", "")


def test_what_cannot_be_written_is_one_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(WriteError):
        save_png(CALLS["bars"](), tmp_path / "file" / "a.png")


@pytest.mark.parametrize("n", [1, 2, 20_000])
def test_residuals_are_drawn(n):
    t = normal(0, n, 1)
    content = to_png(residuals(t + 0.1 * normal(1, n, 1), t, "a $x^{\u5024"))
    assert content.startswith(b"\x89PNG") and len(content) < 300_000
    width, height = (int.from_bytes(content[k : k + 4], "big") for k in (16, 20))
    assert (width, height) == (800, 400)


def test_residuals_of_other_sizes_are_refused():
    for t in ([1.0, 2.0], []):
        with pytest.raises(ConfigError, match="y and t must be as many numbers, got"):
            residuals([1.0] * (3 if t else 0), t)


def test_residuals_of_perfect_answers_are_drawn():
    t = np.ones((5, 1))
    assert to_png(residuals(t, t))


def test_residuals_that_cannot_be_written_are_refused(tmp_path):
    with pytest.raises(WriteError):
        save_png(residuals(np.ones(3), np.arange(3.0)), tmp_path / "no" / "r.png")
