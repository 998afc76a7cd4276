"""Pictures that a user asks for by name: digits, first weights, confusion."""

import numpy as np
import pytest
from helpers import run_python

pytest.importorskip("matplotlib")

import gpunet
from gpunet import show
from gpunet.errors import ConfigError
from gpunet.show.style import to_png


def captions(figure):
    return [axes.get_xlabel() for axes in figure.axes]


def shown(figure):
    """Return the pictures of a grid, as drawn."""
    return [np.asarray(axes.get_images()[0].get_array()) for axes in figure.axes]


def test_images_have_their_labels_as_captions():
    x = np.linspace(0, 1, 3 * 64).reshape(3, 64)
    figure = show.images(x, np.array([7, 2, 1]), title="three")
    assert captions(figure) == ["7", "2", "1"]
    assert np.array_equal(shown(figure)[1], x[1].reshape(8, 8))


def test_few_images_make_a_narrow_picture():
    x = np.zeros((3, 64))
    assert [show.images(x, columns=n).get_figwidth() for n in (3, 6)] == [8.0, 4.0]
    assert show.images(x, title="three").get_figwidth() == 8.0


def test_bytes_are_shades_and_images_may_be_wide():
    x = np.array([[[0, 51, 255]]], np.uint8)
    (picture,) = shown(show.images(x))
    assert np.allclose(picture, [[0.0, 0.2, 1.0]])


def test_dollars_in_a_caption_are_no_formula():
    figure = show.images(np.zeros((1, 4)), ["$x^{"])
    assert to_png(figure)
    assert to_png(show.confusion_matrix([0, 1], [0, 1], names=["$x^{", "b"]))


@pytest.mark.parametrize("shape", [(784,), (2, 5), (0, 784), (1, 2, 3, 4)])
def test_what_is_not_images_is_refused(shape):
    with pytest.raises(ConfigError, match=r"^images: pictures must have the shape"):
        show.images(np.zeros(shape))


def test_weights_are_those_of_each_neuron():
    net = gpunet.mlp([16, 5, 3], seed=1)
    figure = show.weights(net, n=3)
    assert captions(figure) == ["0", "1", "2"]
    W = net.backend.to_host(net.params["0.W"])
    for k, picture in enumerate(shown(figure)):
        assert np.allclose(picture, W[:, k].reshape(4, 4))
    assert len(show.weights(net).axes) == 5


def test_weights_of_a_population_or_a_table_are_refused():
    with pytest.raises(ConfigError, match=r"^weights: net is a population; use one"):
        show.weights(gpunet.mlp([16, 3], population=2))
    with pytest.raises(ConfigError, match=r"^weights: the 13 inputs of net are not"):
        show.weights(gpunet.mlp([13, 3]))


def test_confusion_counts_true_labels_by_row():
    figure = show.confusion_matrix([0, 1, 1, 2], [0, 2, 2, 2], names=["a", "b", "c"])
    (axes,) = figure.axes
    words = [text.get_text() for text in axes.texts]
    assert words == ["1", "·", "·", "·", "·", "2", "·", "·", "1"]
    ticks = [text.get_text() for text in axes.get_yticklabels()]
    assert ticks == ["a", "b", "c"]


def test_confusion_of_texts_is_by_name():
    t, answers = ["b", "a", "b"], np.array(["b", "b", "c"])
    for names in ((), ["c", "b", "a"]):
        (axes,) = show.confusion_matrix(t, answers, names=names).axes
        order = [text.get_text() for text in axes.get_yticklabels()]
        assert order == (list(names) or ["a", "b", "c"])
        words = [text.get_text() for text in axes.texts]
        assert words[3 * order.index("a") + order.index("b")] == "1"
        assert words[3 * order.index("b") + order.index("c")] == "1"
        assert words.count("·") == 6


@pytest.mark.parametrize("answers", [[0, 1], [[0, 1, 1]], []])
def test_confusion_of_labels_that_do_not_fit_is_refused(answers):
    with pytest.raises(ConfigError, match=r"^confusion_matrix: t and answers must be"):
        show.confusion_matrix([0, 1, 1], answers)


def test_a_notebook_displays_a_figure_once_and_pyplot_never_hears_of_it():
    pytest.importorskip("IPython")
    code = (
        "import warnings, sys; warnings.simplefilter('ignore')\n"
        "from IPython.core.interactiveshell import InteractiveShell\n"
        "from gpunet import show\n"
        "shell = InteractiveShell.instance()\n"
        "figure = show.bars(['x'], {'a': [1.0]})\n"
        "data, _ = shell.display_formatter.format(figure)\n"
        "print(sorted(data), data['image/png'][:4] == b'\\x89PNG')\n"
        "print('matplotlib.pyplot' in sys.modules)\n"
    )
    done = run_python(code, MPLBACKEND="agg", IPYTHONDIR="/nowhere/else")
    assert done.stdout == "['image/png', 'text/plain'] True\nFalse\n", done.stderr
