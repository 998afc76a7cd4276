"""A network as text: what its title and its table say."""

from gpunet import Activation, Dense, Dropout, Embedding, Flatten, Network, mlp


def test_title_names_what_is_not_the_default():
    net = mlp([4, 3, 3, 2], ["relu", "tanh"], dropout=0.5, dtype="float64")
    assert repr(net) == "4-3-3-2 relu/tanh, dropout 0.5, 35 parameters, float64"
    single = mlp([4, 1], output="sigmoid", loss="hinge")
    assert repr(single) == "4-1, output sigmoid, loss hinge, 5 parameters"
    words = Network([Embedding(9, 4), Dense(8, 3)], device="cpu")
    assert repr(words) == "Embedding(9, 4) - Dense(8, 3), 63 parameters"


def test_summary_has_a_row_for_each_layer():
    summary = mlp([784, 16, 10], population=3, loss="hinge").summary()
    assert summary.rows[2] == (2, "Dense(16, 10)", ("n", 10), 170)
    assert summary.total == 12_730 and len(summary.rows) == 3
    lines = str(summary).splitlines()
    assert lines[2].split() == ["1", "relu", "(n,", "16)", "0"]
    assert lines[4].split() == ["total", "12,730"]
    assert lines[5] == "loss hinge, float32 on cpu, 3 members"
    layers = [Embedding(9, 4), Activation("relu"), Dense(8, 3), Dropout(0.5)]
    shapes = [shape for _, _, shape, _ in Network(layers).summary().rows]
    assert shapes == [("n", 8), ("n", 8), ("n", 3), ("n", 3)]
    pictures = Network([Flatten((2, 3)), Dense(6, 2)]).summary()
    assert pictures.rows[0] == (0, "Flatten(2, 3)", ("n", 6), 0)
