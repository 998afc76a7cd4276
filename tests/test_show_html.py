"""What a notebook displays: well-formed, escaped, small, with the right numbers."""

import dataclasses
import re
from html.parser import HTMLParser
from xml.etree import ElementTree

import numpy as np
import pytest
from helpers import run_python

import gpunet
from gpunet.checks import explain
from gpunet.checks.gradcheck import GradientChecks
from gpunet.data import Dataset, Splits, read_splits
from gpunet.training import History

HOSTILE = "<script>alert(1)</script>&\"'\ud800\n\x00"


class Page(HTMLParser):
    """Collects tags, attributes, texts and the rows of tables."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.attributes, self.words, self.rows = [], [], [], []
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += attributes
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_data(self, data):
        self.words.append(data)
        if self.rows and self.rows[-1]:
            self.rows[-1][-1] += data


def page(thing):
    """Return what is displayed, parsed: well-formed, below 100 kB, no scripts."""
    html = thing._repr_html_()
    assert len(html.encode()) < 100_000  # so it can be encoded
    ElementTree.fromstring(re.sub(r"(<img[^>]*)>", r"\1/>", html))
    parsed = Page(html)
    assert not {"script", "style", "link", "iframe"} & set(parsed.tags)
    for name, value in parsed.attributes:
        assert not name.startswith("on")
        assert name not in ("href", "src") or value.startswith("data:image/png;base64,")
    return parsed


def curves(n, members=None):
    def number(k, shift):
        values = [1.0 / (k + 1) + shift + 0.1 * m for m in range(members or 1)]
        return values if members else values[0]

    names = ("loss", "accuracy", "val_loss", "val_accuracy")
    return History(
        [
            {"epoch": k + 1, "step": 8 * k, "learning_rate": number(0, 0)}
            | {name: number(k, shift) for shift, name in enumerate(names)}
            for k in range(n)
        ]
    )


def test_network_has_a_row_for_each_layer():
    net = gpunet.mlp([784, 16, 10], population=3, seed=0)
    rows = page(net).rows
    assert [row[:4] for row in rows[1:]] == [
        ["0", "Dense(784, 16)", "(n, 16)", "12,560"],
        ["1", "relu", "(n, 16)", "0"],
        ["2", "Dense(16, 10)", "(n, 10)", "170"],
        ["", "total", "", "12,730"],
    ]
    W = np.asarray(net.params["0.W"])
    assert rows[1][4:] == [f"{W.mean():.4g}", f"{W.std():.4g}"]
    assert len(page(gpunet.mlp([2000, 1100])).rows[0]) == 4  # large: not read


def test_network_on_another_device_is_shown(bk):
    assert len(page(gpunet.mlp([4, 3], device=bk)).rows) == 3


def test_history_has_two_charts_and_its_last_epochs():
    shown = page(curves(9))
    assert shown.tags.count("svg") == 2 and shown.tags.count("polyline") == 4
    assert shown.rows[0][:2] == ["epoch", "step"]
    assert [row[0] for row in shown.rows[1:]] == ["5", "6", "7", "8", "9"]
    assert shown.rows[-1][3] == f"{1 / 9:.4g}"
    assert {"training", "validation", "loss", "accuracy"} <= set(shown.words)


def test_population_has_a_thin_line_for_each_member():
    shown = page(curves(4, members=3))
    assert shown.tags.count("polyline") == 4 * (1 + 3)
    assert shown.rows[-1][3] == f"{0.25 + 0.1:.4g}"  # the mean
    assert "Lines: medians of 3 members; numbers: means." in shown.words
    widths = [value for name, value in shown.attributes if name == "stroke-width"]
    assert widths.count("0.4") == 12 and widths.count("2") == 4


def test_member_far_above_the_others_flattens_no_line():
    shown = page(History([{"epoch": k, "loss": [1, 2, 1e9]} for k in (1, 2)]))
    assert "loss (cut at 8)" in shown.words and "2" in shown.words
    assert "(cut" not in " ".join(page(curves(4, members=3)).words)


def test_network_of_enormous_weights_is_shown():
    net = gpunet.mlp([3, 2])
    net.params["0.W"][...] = 1e30
    assert page(net).rows[1][4] == "1e+30"


def test_members_are_a_table_the_best_first():
    h = curves(2, members=3)
    h.stopped[1] = f"diverged at epoch 2{HOSTILE}"
    shown = page(h.members())
    assert "3 members: 2 active, 1 diverged (member 1)" in shown.words
    assert all("..." not in words for words in shown.words)  # sentences are whole
    rows = shown.rows
    assert rows[0][:2] == ["member", "epoch"] and rows[0][-1] == "state"
    assert [row[0] for row in rows[1:]] == ["2", "0", "1"]
    page(History().members())


def test_long_history_of_many_members_stays_small():
    assert page(curves(500, members=200)).tags.count("polyline") == 4 * (1 + 25)


@pytest.mark.parametrize(
    "h",
    [
        History(),
        History([{"loss": 1.0}]),
        History([{"epoch": 1, "loss": None, "accuracy": [None, None]}]),
        History([{"epoch": 1, "loss": [1.0, None], "mine": HOSTILE}]),
        History([{"epoch": 1, "loss": float("inf")}, {"epoch": 2, "loss": 1.0}]),
    ],
)
def test_history_of_little_is_shown(h):
    page(h)


def test_splits_count_their_classes_and_show_digits():
    data = gpunet.load_mnist()
    shown = page(data)
    assert shown.rows[1][:2] == ["train", "60,000"]
    assert shown.rows[3] == ["class", "train", "test"]
    assert shown.rows[4] == ["0", "5,923", "980"] and len(shown.rows) == 4 + 10
    assert shown.tags.count("img") == 1
    assert page(data.test).rows[1] == ["0", "980"]


def test_only_images_are_shown_as_images():
    x, t = np.full((4, 64), 0.5), np.arange(4) % 2
    assert "img" in page(Dataset(x, t)).tags
    assert "img" in page(Dataset(np.full((4, 64), 9, np.uint8), t, scale=1 / 9)).tags
    for other in (3 * x, -x, x[:, :63], x[:, :49]):
        assert "img" not in page(Dataset(other, t)).tags
    assert "img" not in page(Dataset(x, np.ones((4, 2)))).tags


def test_hostile_names_are_escaped(tmp_path):
    path = tmp_path / "t.csv"
    rows = "".join(f"{k},{'<b>x</b>' if k % 2 else 'y&z'}\n" for k in range(40))
    path.write_text(f"<i>,kind\n{rows}")
    shown = page(read_splits(path, "kind"))
    assert {row[0] for row in shown.rows} >= {"<b>x</b>", "y&z"}
    assert "i" not in shown.tags
    train = Dataset(np.zeros((2, 3)), np.ones((2, 1)))
    page(Splits(train, None, None, None, HOSTILE, notes=(HOSTILE,)))
    page(History([{"epoch": 1, HOSTILE: 1.0}]))


def test_labels_of_any_kind_are_counted():
    x = np.zeros((4, 2))
    for t, classes, shown in (
        (["b", "<a>", "b", "b"], None, [["<a>", "1"], ["b", "3"]]),
        ([10, 9, 10, 10], None, [["9", "1"], ["10", "3"]]),
        ([1, 0, 1, 1], ["<lo>", "hi"], [["<lo>", "1"], ["hi", "3"]]),
        (np.array(["b", 1, "b", "b"], object), None, [["1", "1"], ["b", "3"]]),
        ([True, False, True, True], None, [["False", "1"], ["True", "3"]]),
    ):
        assert page(Dataset(x, t, classes=classes)).rows[1:] == shown
    images = np.linspace(0, 1, 4)[:, None] * np.ones(64)
    assert "img" in page(Dataset(images, ["b", "a", "b", "a"])).tags


def test_many_classes_are_cut():
    t = np.arange(1000)
    shown = page(Dataset(np.zeros((1000, 2)), t))
    assert len(shown.rows) == 1 + 20 and "... and 980 more classes" in shown.words


def test_gradient_checks_say_which_fails():
    x, t = np.full((3, 4), 0.3), np.array([0, 1, 1])
    checks = gpunet.check_gradients(gpunet.mlp([4, 3, 2], "tanh"), x, t)
    assert [row[-1] for row in page(checks).rows[1:]] == ["ok"] * 4
    bad = GradientChecks([dataclasses.replace(checks[0], error=0.5), *checks[1:]])
    assert [row[-1] for row in page(bad).rows[1:]] == ["FAILED", "ok", "ok", "ok"]


def test_explanation_has_every_derivative():
    net = gpunet.mlp([2, 3, 2], "sigmoid", output="sigmoid", loss="squared_error")
    e = explain(net, [0.5, -0.5], 1)
    rows = page(e).rows
    assert rows[1] == ["0", *(f"{v:.4g}" for v in first_neuron(e.layers[0]))]
    assert rows[5] == ["0", "0.5", *(f"{v:.4g}" for v in e.layers[0].dW[0])]
    assert len(rows) == (1 + 3) + (1 + 2) + (1 + 2) + (1 + 3)
    wide = gpunet.mlp([300, 30, 10], "sigmoid", output="sigmoid", loss="squared_error")
    page(explain(wide, np.zeros(300), 1))


def first_neuron(layer):
    return [float(v[0]) for v in (layer.z, layer.a, layer.slope, layer.da, layer.dz)]


def test_displaying_loads_no_plot_library():
    done = run_python(
        "import sys, gpunet\n"
        "net = gpunet.mlp([4, 3])\n"
        "assert 'gpunet.show' not in sys.modules\n"
        "assert net._repr_html_().startswith('<div>')\n"
        "print([m for m in ('matplotlib', 'pandas', 'PIL') if m in sys.modules])\n"
    )
    assert (done.stdout, done.stderr) == ("[]\n", "")
