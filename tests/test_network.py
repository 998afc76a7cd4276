"""The network: start, forward, backward, prediction, moving and refusals."""

import sys

import numpy as np
import pytest
from helpers import TIGHT, normal, on_device, run_python

import gpunet
from gpunet import Activation, Dense, Embedding, Network, mlp
from gpunet.backend import open_backend
from gpunet.errors import ConfigError
from gpunet.random import host_rng

pytestmark = pytest.mark.pure

W1 = np.array([[1.0, -1.0], [0.5, 2.0]])
W2 = np.array([[1.0], [2.0]])


def small(bk="cpu", dtype="float64", **options):
    """Return a 2-2-1 network of ReLU whose numbers can be done in the head."""
    layers = [Dense(2, 2, W1, 0.5), Activation("relu"), Dense(2, 1, W2, -1.0)]
    return Network(layers, "half_squared_error", device=bk, dtype=dtype, **options)


def test_network_step_gives_the_numbers_by_hand(bk):
    for dtype in TIGHT:
        net = small(bk, dtype)
        before = {name: bk.to_host(p).copy() for name, p in net.params.items()}
        x, t = bk.array([[2.0, 1.0]], dtype), bk.array([[1.0]], dtype)
        y, caches = net.forward(x, train=True)
        # z = (2 + .5 + .5, -2 + 2 + .5) = (3, .5); y = 3 + 1 - 1
        assert bk.to_host(y).tolist() == [[3.0]] and len(caches) == 3
        grads, dx = net.backward(caches, net.loss.slope(y, t), wrt_input=True)
        wanted = {
            "0.W": [[4, 8], [2, 4]],
            "0.b": [2, 4],
            "2.W": [[6], [1]],
            "2.b": [2],
        }
        assert {k: bk.to_host(g).tolist() for k, g in grads.items()} == wanted
        assert bk.to_host(dx).tolist() == [[-2, 9]]
        for q in (y, dx, *grads.values(), *net.params.values()):
            assert q.dtype == bk.dtype(dtype) and on_device(bk, q)
        for name, p in net.params.items():
            assert np.array_equal(bk.to_host(p), before[name])
        assert bk.to_host(x).tolist() == [[2, 1]]


def test_forward_keeps_what_backward_needs():
    net = small()
    y, (c0, c1, c2) = net.forward(np.array([[2.0, 1.0]]))
    assert c0.tolist() == [[2, 1]]
    assert [q.tolist() for q in c1] == [[[3, 0.5]], [[3, 0.5]]]
    assert c2.tolist() == [[3, 0.5]] and y.tolist() == [[3]]


def test_backward_without_input_gradient_stops_early():
    class Probe(Activation):
        def backward(self, params, cache, dy, *, need_dx=True):
            calls.append(need_dx)
            return super().backward(params, cache, dy, need_dx=need_dx)

    calls = []
    layers = [Probe("tanh"), Dense(2, 2), Probe("tanh"), Dense(2, 1)]
    net = Network(layers, "squared_error")
    y, caches = net.forward(normal(0, 3, 2))
    grads = net.backward(caches, y)
    assert calls == [True] and list(grads) == ["3.W", "3.b", "1.W", "1.b"]
    full, dx = net.backward(caches, y, wrt_input=True)
    assert calls == [True, True, True] and dx.shape == (3, 2)
    assert all(np.array_equal(full[name], grads[name]) for name in grads)


def test_start_is_drawn_in_order_from_the_seed():
    net = mlp([3, 4, 2], seed=5, dtype="float64")
    rng = host_rng(5, "init")
    for i in (0, 2):
        for name, wanted in net.layers[i].init(rng).items():
            assert np.array_equal(net.params[f"{i}.{name}"], wanted)
    assert list(net.params) == ["0.W", "0.b", "2.W", "2.b"]
    assert not np.array_equal(mlp([3, 4, 2], seed=6).params["0.W"], net.params["0.W"])


def test_start_is_the_same_on_every_device(bk):
    for dtype in TIGHT:
        net = mlp([3, 4, 2], device=bk, seed=3, dtype=dtype)
        same = mlp([3, 4, 2], seed=3, dtype=dtype)
        for name, p in net.params.items():
            assert p.dtype == bk.dtype(dtype) and on_device(bk, p)
            assert np.array_equal(bk.to_host(p), same.params[name])


def test_given_start_is_copied():
    W = W1.copy()
    net = Network([Dense(2, 2, W)], dtype="float64")
    net.params["0.W"] -= 1.0
    assert np.array_equal(W, W1)


def test_parameters_are_in_c_order_and_counted():
    net = mlp([7, 5, 3], population=4)
    assert all(p.flags.c_contiguous for p in net.params.values())
    assert net.n_parameters == 7 * 5 + 5 + 5 * 3 + 3
    assert Network([Embedding(5, 3)]).n_parameters == 15
    assert Network([Activation("tanh")]).n_parameters == 0


def test_population_of_one_has_its_axis():
    net = mlp([3, 2], population=1, seed=4)
    assert net.params["0.W"].shape == (1, 3, 2) and net.seeds == (4,)
    assert net.predict(normal(0, 5, 3)).shape == (1, 5, 2)
    assert net.n_parameters == 8


def test_to_copies_to_another_device(bk):
    net = mlp([3, 4, 2], seed=2)
    other = net.to(bk)
    assert other.backend is bk and net.backend.name == "cpu"
    assert other.layers == net.layers and other.loss is net.loss
    back = other.to("cpu")
    for name, p in net.params.items():
        assert on_device(bk, other.params[name])
        assert np.array_equal(back.params[name], p)
        back.params[name] += 1.0
    assert np.array_equal(other.to("cpu").params["0.W"], net.params["0.W"])


@pytest.mark.pure(False)
def test_member_is_a_copy_with_its_seed(bk):
    net = mlp([3, 4, 2], population=3, seed=10, device=bk)
    assert net.seeds == (10, 11, 12)
    one = net.member(1)
    alone = mlp([3, 4, 2], seed=11, device=bk)
    assert one.population is None and one.seeds == (11,)
    for name, p in alone.params.items():
        assert np.array_equal(bk.to_host(one.params[name]), bk.to_host(p))
    one.params["0.b"] += 1.0
    assert bk.to_host(net.params["0.b"])[1].tolist() == [0, 0, 0, 0]
    assert net.population == 3 and net.seeds == (10, 11, 12)


def test_member_refuses_numbers_it_does_not_have():
    for net in (mlp([2, 2], population=2), mlp([2, 2])):
        for i in (-1, 2):
            with pytest.raises(ConfigError, match="member"):
                net.member(i)


def test_with_params_shares_all_but_the_parameters():
    net = mlp([3, 2], population=2)
    other = net.with_params(net.member(0).params, population=None, seeds=(0,))
    assert other.layers is net.layers and other.population is None
    assert other.params["0.W"].shape == (3, 2) and net.population == 2


def test_seeds_may_be_given_one_by_one():
    net = mlp([3, 2], population=2, seed=[8, 3])
    assert np.array_equal(
        net.member(1).params["0.W"], mlp([3, 2], seed=3).params["0.W"]
    )
    assert mlp([3, 2], seed=[4]).seeds == (4,)


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"dtype": "float16"}, "dtype: 'float16': choose float32 or float64"),
        ({"population": 0}, "population: expected a whole number >= 1, got 0"),
        ({"population": 2.0}, "population: expected a whole number"),
        ({"population": True}, "population: expected a whole number"),
        ({"seed": -1}, "seed: expected whole numbers from 0, got -1"),
        ({"seed": 2**63}, "seed: expected whole numbers"),
        ({"seed": True}, "seed: expected whole numbers"),
        ({"seed": [1.5]}, "seed: expected whole numbers"),
        ({"seed": 1.5}, "seed: expected"),
        ({"seed": None}, "seed: expected"),
        ({"seed": [1, 2]}, r"seed: expected 1 \(one for each member\), got 2"),
        ({"seed": [1], "population": 2}, "got 1"),
        ({"device": "gpu"}, "no such device"),
        ({"loss": "mse"}, "no such loss"),
    ],
)
def test_network_refuses_what_cannot_work(options, why):
    with pytest.raises(ConfigError, match=why):
        Network([Dense(2, 2)], **options)


@pytest.mark.skipif(sys.platform != "linux", reason="Linux limits its memory")
@pytest.mark.parametrize("population", [10**12, 10**30, 10**5])
def test_population_that_fits_no_memory_is_refused_at_once(population):
    code = f"""
import resource
resource.setrlimit(resource.RLIMIT_AS, (2**30, 2**30))
import gpunet
try:
    gpunet.mlp([784, 16, 10], population={population})
except gpunet.errors.OutOfMemory as error:
    print(error)
"""
    process = run_python(code, timeout=20, OPENBLAS_NUM_THREADS="1")
    assert process.stdout.startswith(f"memory: population: {population:,} networks")
    assert "use fewer networks" in process.stdout and process.returncode == 0


def test_network_refuses_layers_that_do_not_fit():
    with pytest.raises(ConfigError, match="at least one layer"):
        Network([])
    with pytest.raises(ConfigError, match=r"layer 2: Dense expects 4 inputs, but .* 3"):
        Network([Dense(2, 3), Activation("relu"), Dense(4, 1)])
    for ending in ("softmax", "sigmoid"):
        for name in ("softmax_cross_entropy", "sigmoid_cross_entropy:0.1"):
            with pytest.raises(ConfigError, match="applies its own softmax or sigmoid"):
                Network([Dense(2, 2), Activation(ending)], name)
            with pytest.raises(ConfigError, match="works on logits"):
                Network([Dense(2, 2), Activation(gpunet.activation(ending))], name)
        Network([Dense(2, 2), Activation(ending)], "squared_error")


def test_population_is_a_sequence_of_its_members(bk):
    nets = mlp([3, 4, 2], population=5, seed=10, device=bk)
    assert len(nets) == 5 and [net.seeds for net in nets] == [
        (10 + i,) for i in range(5)
    ]
    assert next(net.seeds for net in reversed(nets)) == nets[-1].seeds == (14,)
    some = nets[3:1:-1]
    assert some.population == len(some) == 2 and some.seeds == (13, 12)
    for got, member in zip([nets[3], *some], (3, 3, 2), strict=True):
        for name, p in nets.member(member).params.items():
            assert np.array_equal(bk.to_host(got.params[name]), bk.to_host(p))
    some.params["0.b"] = some.params["0.b"] + 1.0
    assert not np.any(bk.to_host(nets.params["0.b"]))


def test_sequence_refuses_members_that_are_not_there():
    nets, net = mlp([2, 2], population=3), mlp([2, 2])
    for i in (3, -4, slice(2, 2)):
        with pytest.raises(IndexError, match=r"^(no )?member.* (0 to 2|of 3)"):
            nets[i]
    with pytest.raises(TypeError, match="member: expected a number or a slice, got 'a"):
        nets["a"]
    with pytest.raises(ConfigError, match=r"member: 3: expected 0 to 2$"):
        nets.member(3)
    with pytest.raises(ConfigError, match=r"member: 0: this is one network$"):
        net.member(0)
    for call in (len, list, lambda net: net[0]):
        with pytest.raises(TypeError, match="this is one network"):
            call(net)
    assert net and nets and net in [net]


def test_repr_says_what_it_is():
    net = mlp([2, 3, 1], "tanh", loss="squared_error", population=5)
    assert repr(net) == "2-3-1 tanh, loss squared_error, 13 parameters x 5 members"
    assert repr(mlp([784, 16, 10])) == "784-16-10 relu, 12,730 parameters"


def test_network_takes_an_open_backend():
    bk = open_backend("cpu")
    assert mlp([2, 2], device=bk).backend is bk
