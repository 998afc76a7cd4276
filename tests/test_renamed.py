"""Old names that a user may have typed: they work for one release, and say so."""

import numpy as np
import pytest
from tiny import host, same, table

import gpunet
from gpunet.errors import renamed_keywords

X, T = table()
OLD = {
    "mlp": lambda: gpunet.mlp([4, 3], weights=0.5, biases=0.25).layers[0],
    "Dense": lambda: gpunet.Dense(4, 3, weights=0.5, biases=0.25),
}


@pytest.mark.parametrize("name", OLD)
def test_old_starts_are_the_new_ones(name):
    with pytest.warns(DeprecationWarning) as caught:
        layer = OLD[name]()
    assert layer == gpunet.Dense(4, 3, weight_init=0.5, bias_init=0.25)
    said = {str(w.message) for w in caught}
    assert f"{name}: weights is now called weight_init" in said
    assert {w.filename for w in caught} == {__file__}  # the line to change


def test_old_start_of_an_embedding_is_the_new_one():
    with pytest.warns(DeprecationWarning, match="Embedding: weights is now called"):
        layer = gpunet.Embedding(5, 2, weights="zeros")
    assert layer.weight_init == "zeros"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"order": "own"}, {"shuffle": "per_member"}),
        ({"order": "none"}, {"shuffle": False}),
        (
            {"order": "shared", "order_seed": 7},
            {"shuffle": "shared", "shuffle_seed": 7},
        ),
        ({"track": False}, {"compute_metrics": False}),
    ],
)
def test_old_settings_of_fit_are_the_new_ones(old, new):
    nets = []
    for settings in (old, new):
        net = gpunet.mlp([4, 5, 3], population=2, seed=3)
        if settings is old:
            with pytest.warns(DeprecationWarning, match="is now called"):
                history = gpunet.fit(net, (X, T), epochs=2, **settings)
        else:
            history = gpunet.fit(net, (X, T), epochs=2, **settings)
        nets.append((host(net), [r.keys() for r in history]))
    assert same(nets[0][0], nets[1][0]) and nets[0][1] == nets[1][1]


def test_both_names_at_once_are_refused():
    with pytest.raises(TypeError, match="fit: got both order and shuffle"):
        gpunet.fit(gpunet.mlp([4, 3]), (X, T), order="own", shuffle=False)


def test_old_name_of_the_stopped_members():
    net = gpunet.mlp([4, 3], population=2)
    h = gpunet.fit(net, (X, T), epochs=1, optimizer=gpunet.SGD([0.1, 1e38]))
    with pytest.warns(DeprecationWarning, match="frozen is now called stopped"):
        assert h.frozen is h.stopped


def test_unknown_setting_is_named_with_the_known_ones():
    for name, answer in {
        "epohcs": "did you mean epochs[?]",
        "lr": "did you mean learning_rate[?]",
        "validation_data": "did you mean validation[?]",
        "progess": "did you mean progress[?]",
        "zzz": "choose from epochs, batch_size, ",
    }.items():
        with pytest.raises(TypeError, match=f"fit: no setting '{name}'; .*{answer}"):
            gpunet.fit(gpunet.mlp([4, 3]), (X, T), **{name: 3})


def test_decorated_function_keeps_its_positions():
    @renamed_keywords(b="c")
    def f(a, c=2):
        return a, c

    assert f(1, 3) == (1, 3) and f(1) == (1, 2)
    with pytest.warns(DeprecationWarning, match="b is now called c"):
        assert f(np.int64(1), b=4) == (1, 4)
