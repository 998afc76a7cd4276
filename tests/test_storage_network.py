"""Models as files: what was saved comes back, what does not fit changes nothing."""

from unittest.mock import patch

import numpy as np
import pytest
from helpers import error, normal, on_device
from tiny import host, same

import gpunet
from gpunet import Activation, Dense, Dropout, Embedding, Flatten, Network, mlp
from gpunet.errors import ModelFileError
from gpunet.storage import (
    codec,
    load_network,
    read_tensors,
    save_network,
    write_tensors,
)
from gpunet.storage.network import check_tensors, network_to_config


def bump():
    return gpunet.activation("bump", lambda z: np.exp(-z * z), lambda z, a: -2 * z * a)


NETS = {
    "mlp": lambda **o: mlp([4, 6, 3], "tanh", seed=3, **o),
    "population": lambda **o: mlp([4, 6, 3], population=3, seed=[5, 1, 8], **o),
    "layers": lambda **o: Network(
        [
            Flatten((2, 2)),
            Dense(4, 5, 0.1, "standard_normal"),
            Activation("leaky_relu:0.2"),
            Dropout(0.25),
            Dense(5, 2, np.ones((5, 2))),
        ],
        "huber:0.5",
        **o,
    ),
    "embedding": lambda **o: Network([Embedding(7, 2), Dense(4, 3)], **o),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kind", NETS)
def test_saved_network_comes_back_on_every_device(bk, tmp_path, kind, dtype):
    path = tmp_path / "m.safetensors"
    net = NETS[kind](dtype=dtype)
    net.save(path)
    again = Network.load(path, bk)
    assert again.backend is bk and same(host(again), host(net))
    assert all(on_device(bk, p) for p in again.params.values())
    assert network_to_config(again) == network_to_config(net)
    assert (again.seeds, again.population) == (net.seeds, net.population)
    x = normal(0, 5, 2, 2) if kind == "layers" else normal(0, 5, 4)
    x = np.arange(10).reshape(5, 2) % 7 if kind == "embedding" else x
    tight = 1e-5 if dtype == "float32" else 1e-12
    assert error(again.predict(x), net.predict(x)) < tight


@pytest.mark.parametrize("kind", NETS)
def test_saving_what_was_loaded_gives_the_same_bytes(bk, tmp_path, kind):
    first, second = tmp_path / "a.safetensors", tmp_path / "b.safetensors"
    NETS[kind](device=bk).save(first)
    Network.load(first, bk).save(second)
    assert first.read_bytes() == second.read_bytes()


def test_saved_network_learns_on_with_the_same_bits(tmp_path):
    x, t = normal(0, 20, 4), np.arange(20) % 3
    net = NETS["mlp"]()
    net.save(tmp_path / "m")
    again = Network.load(tmp_path / "m")
    for each in (net, again):
        gpunet.fit(each, (x, t), epochs=2)
    assert same(host(net), host(again))


def test_own_activation_and_loss_are_given_again(tmp_path):
    path = tmp_path / "m.safetensors"
    mine = gpunet.loss(
        "quartic",
        lambda y, t: np.sum((y - t) ** 4, axis=-1),
        lambda y, t: 4 * (y - t) ** 3,
    )
    net = Network([Dense(4, 5), Activation(bump()), Dense(5, 3)], mine)
    with pytest.warns(UserWarning, match=r"path, activations=\[bump\], loss=quartic"):
        net.save(path)
    again = Network.load(path, activations=[bump()], loss=mine)
    x = normal(0, 5, 4)
    assert np.array_equal(again.predict(x), net.predict(x)) and again.loss is mine
    for own in ({"loss": mine}, {"activations": [bump()]}, {}):
        with pytest.raises(ModelFileError, match="give custom layers=, activations="):
            Network.load(path, **own)


def test_what_is_kept_beside_the_layers_comes_back(tmp_path):
    save_network(NETS["mlp"](), tmp_path / "m", step=7, note={"a": [1, None]})
    _, state = read_tensors(tmp_path / "m")
    assert state["step"] == 7 and state["note"] == {"a": [1, None]}
    assert state["kind"] == "model"


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_network_that_is_not_finite_is_not_saved(tmp_path, value):
    net, path = NETS["mlp"](), tmp_path / "m"
    net.save(path)
    before = path.read_bytes()
    net.params["0.W"][1, 2] = value
    with pytest.raises(ModelFileError, match=r"0\.W"):
        net.save(path)
    assert path.read_bytes() == before


def crafted(path, change):
    """Write a file with right digests around wrong content."""
    NETS["mlp"]().save(path)
    tensors, state = read_tensors(path)
    change(tensors, state)
    with patch("gpunet.storage.codec._is_finite", return_value=True):
        write_tensors(path, tensors, state)
    return tensors


def layers(state):
    return state["network"]["layers"]


UNFIT = {
    "shape": (
        lambda t, s: t.update({"0.W": t["0.W"][:3]}),
        r"0\.W is float32 of shape \(3, 6\), the network's is .*\(4, 6\)",
    ),
    "dtype": (
        lambda t, s: t.update({"0.b": t["0.b"].astype("float64")}),
        r"0\.b is float64 of shape \(6,\), the network's is float32",
    ),
    "missing": (lambda t, s: t.pop("2.W"), r"lacks 2\.W"),
    "extra": (
        lambda t, s: t.update(x=t["0.b"]),
        "contains x, which this network does not have",
    ),
    "nan": (lambda t, s: t["0.W"].fill(np.nan), r"0\.W.*(finite|NaN|nan)"),
}
UNBUILT = {
    "no network": lambda t, s: s.pop("network"),
    "no layers": lambda t, s: s["network"].update(layers=[]),
    "layers a number": lambda t, s: s["network"].update(layers=3),
    "unknown layer": lambda t, s: layers(s)[0].update(layer="os.system"),
    "layer a list": lambda t, s: layers(s)[0].update(layer=["Dense"]),
    "unknown entry": lambda t, s: layers(s)[0].update(__class__="x"),
    "width a word": lambda t, s: layers(s)[0].update(n_in="4"),
    "width negative": lambda t, s: layers(s)[0].update(n_in=-4),
    "function unknown": lambda t, s: layers(s)[1].update(function="eval"),
    "function a dict": lambda t, s: layers(s)[1].update(function={}),
    "loss unknown": lambda t, s: s["network"].update(loss="exec"),
    "loss a list": lambda t, s: s["network"].update(loss=[]),
    "population a word": lambda t, s: s["network"].update(population="many"),
    "population negative": lambda t, s: s["network"].update(population=-1),
    "seeds missing": lambda t, s: s["network"].update(seeds=[]),
    "seeds words": lambda t, s: s["network"].update(seeds=["x"]),
    "dtype a number": lambda t, s: s["network"].update(dtype=3),
    "dtype unknown": lambda t, s: s["network"].update(dtype="float128"),
}


@pytest.mark.parametrize("kind", UNFIT)
def test_tensors_that_do_not_fit_are_refused(bk, tmp_path, kind):
    change, why = UNFIT[kind]
    crafted(tmp_path / "m", change)
    with pytest.raises(ModelFileError, match=why) as caught:
        load_network(tmp_path / "m", bk)
    assert len(str(caught.value)) <= 480 and caught.value.exit_code == 4


@pytest.mark.parametrize("kind", UNBUILT)
def test_description_that_cannot_be_built_is_refused(tmp_path, kind):
    crafted(tmp_path / "m", UNBUILT[kind])
    with pytest.raises(ModelFileError, match="does not describe a network") as caught:
        load_network(tmp_path / "m")
    assert len(str(caught.value)) <= 480


def test_network_too_large_for_its_file_is_refused_before_it_is_made(tmp_path):
    def change(tensors, state):
        layers(state)[0]["n_out"] = layers(state)[2]["n_in"] = 10**12

    crafted(tmp_path / "m", change)
    with pytest.raises(ModelFileError):  # 32 TB must not even be asked for
        load_network(tmp_path / "m")


def test_version_from_the_future_is_refused(tmp_path, monkeypatch):
    with monkeypatch.context() as future:
        future.setattr(codec, "VERSION", codec.VERSION + 1)
        NETS["mlp"]().save(tmp_path / "m")
    with pytest.raises(ModelFileError, match="written by a later gpunet"):
        load_network(tmp_path / "m")


def test_checkpoint_loads_as_the_network_it_holds(tmp_path):
    net = NETS["population"]()
    tensors = {f"params.{name}": p for name, p in net.params.items()}
    tensors |= {"slots.0.W.mean": net.params["0.W"], "sums.loss": np.zeros(3)}
    state = {"kind": "checkpoint", "network": network_to_config(net)}
    write_tensors(tmp_path / "c", tensors, state)
    assert same(host(load_network(tmp_path / "c")), host(net))


def test_run_folder_stands_for_its_model(tmp_path):
    net = mlp([4, 3], seed=1)
    save_network(net, tmp_path / "model.safetensors")
    for path in (tmp_path, str(tmp_path), bytes(tmp_path)):
        assert same(host(load_network(path)), host(net))
    (tmp_path / "checkpoints").mkdir()
    checkpoint = tmp_path / "checkpoints" / "step-0000000007.safetensors"
    (tmp_path / "model.safetensors").rename(checkpoint)
    with pytest.raises(ModelFileError, match=r"has not ended; resume it, or .*-00000"):
        load_network(tmp_path)
    checkpoint.unlink()
    with pytest.raises(ModelFileError, match=r"holds no model\.safetensors; name a"):
        load_network(tmp_path)


def test_file_that_is_missing_or_damaged_is_refused(tmp_path):
    with pytest.raises(ModelFileError, match="check the path"):
        load_network(tmp_path / "none")
    NETS["mlp"]().save(tmp_path / "m")
    data = bytearray((tmp_path / "m").read_bytes())
    data[-1] ^= 1
    (tmp_path / "m").write_bytes(data)
    with pytest.raises(ModelFileError):
        load_network(tmp_path / "m")


def test_check_tensors_accepts_exactly_what_is_wanted():
    tensors = {"a": np.zeros((2, 3), np.float32)}
    check_tensors({"a": ((2, 3), "float32")}, tensors, "m")
    for wanted in ({}, {"a": ((3, 2), "float32")}, {"a": ((2, 3), "float64")}):
        with pytest.raises(ModelFileError):
            check_tensors(wanted, tensors, "m")
