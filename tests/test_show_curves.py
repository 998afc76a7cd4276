"""Learning curves: two panels, a band for a population, no display needed."""

import sys
import warnings

import pytest

from gpunet.show.curves import learning_curves
from gpunet.show.style import BLUE, ORANGE, to_png
from gpunet.training import History

pytest.importorskip("matplotlib")


def history(**columns):
    n = len(next(iter(columns.values())))
    rows = [{name: values[k] for name, values in columns.items()} for k in range(n)]
    return History([{"epoch": k + 1, "step": k, **row} for k, row in enumerate(rows)])


ONE = history(
    loss=[1.0, 0.5, 0.25],
    accuracy=[0.5, 0.7, 0.9],
    val_loss=[1.1, 0.8, 0.9],
    val_accuracy=[0.4, 0.6, 0.5],
)
CROWD = history(
    loss=[[1.0, 2.0], [0.5, None], [0.25, None]],
    accuracy=[[0.5, 0.1], [0.7, None], [0.9, None]],
    val_loss=[[1.0, 3.0], [0.5, 1.5], [0.25, 0.75]],
    val_accuracy=[[0.5, 0.1], [0.7, 0.3], [0.9, 0.3]],
)


def test_picture_has_two_panels_with_both_lines():
    drawn = learning_curves(ONE)
    loss, accuracy = drawn.axes
    assert (loss.get_title(), accuracy.get_title()) == ("loss", "accuracy")
    for axes, own, held_out in ((loss, "loss", "val_loss"), (accuracy, *ACC)):
        train, validation = axes.get_lines()
        assert list(train.get_xdata()) == list(validation.get_xdata()) == [1, 2, 3]
        assert list(train.get_ydata()) == ONE[own]
        assert list(validation.get_ydata()) == ONE[held_out]
        assert (train.get_color(), validation.get_color()) == (BLUE, ORANGE)
        words = [text.get_text() for text in axes.get_legend().get_texts()]
        assert words == ["training", "validation"] and axes.get_xlabel() == "epoch"
        assert not axes.collections  # one network has no band
    content = to_png(drawn)
    assert content.startswith(b"\x89PNG") and len(content) > 5_000
    width, height = (int.from_bytes(content[k : k + 4], "big") for k in (16, 20))
    assert width > 900 and height > 300


ACC = ("accuracy", "val_accuracy")


def test_population_has_its_median_and_a_thin_line_a_member():
    drawn = learning_curves(CROWD)
    loss, _ = drawn.axes
    train, validation = loss.get_lines()
    assert list(train.get_ydata()) == [1.5, 0.5, 0.25]  # of those that still learn
    assert list(validation.get_ydata()) == [2.0, 1.0, 0.5]
    words = [text.get_text() for text in loss.get_legend().get_texts()]
    assert words == ["training, median", "validation, median"]
    members = [path.vertices.tolist() for path in loss.collections[0].get_paths()]
    assert members == [[[1, 1.0], [2, 0.5], [3, 0.25]], [[1, 2.0]]]
    assert len(loss.collections) == 2 and loss.get_ylim()[1] > 3.0
    assert loss.get_title() == "loss"


def test_many_members_are_fainter_and_the_median_is_none_of_their_extremes():
    opacities = []
    for n in (5, 50, 1000):
        rows = [[k / n + 1 / (epoch + 1) for k in range(n)] for epoch in range(3)]
        rows[1][0] = 1e30
        (axes,) = learning_curves(history(loss=rows)).axes
        opacities.append(axes.collections[0].get_alpha())
        lowest_median = min(line.get_zorder() for line in axes.get_lines())
        assert all(c.get_zorder() < lowest_median for c in axes.collections)
        highest = max(axes.get_lines()[0].get_ydata())
        assert highest < 2.1 and axes.get_ylim()[1] == 4 * highest
        assert axes.get_title() == f"loss (cut at {4 * highest:.3g})"
        assert -0.5 < axes.get_ylim()[0] < 0.5
    assert opacities == [0.6, 0.2, 0.015]


@pytest.mark.parametrize(
    ("h", "titles"),
    [
        (history(loss=[1.0, 0.5]), ["loss"]),
        (history(loss=[1.0], accuracy=[None], val_loss=[2.0]), ["loss"]),
        (history(val_loss=[1.0], val_accuracy=[0.5]), ["loss", "accuracy"]),
        (history(loss=[None, None], accuracy=[0.5, None]), ["accuracy"]),
        (history(loss=[[None, None]], accuracy=[[0.5, None]]), ["accuracy"]),
        (History(), []),
        (history(loss=[None]), []),
    ],
)
def test_only_what_was_measured_is_drawn(h, titles):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        drawn = learning_curves(h)
    assert [axes.get_title() for axes in drawn.axes] == titles
    assert to_png(drawn).startswith(b"\x89PNG")


def test_without_matplotlib_the_extra_is_named(monkeypatch):
    for name in [name for name in sys.modules if name.startswith("matplotlib")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match=r'pip install "gpunet\[plot\]"'):
        learning_curves(ONE)
