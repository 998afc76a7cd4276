"""Pickles: what goes to another process comes back, and goes on, bit for bit."""

import copy
import multiprocessing
import pickle
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from helpers import normal, on_device
from tiny import host, same

import gpunet
from gpunet import (
    Activation,
    Callback,
    Dataset,
    Dense,
    Dropout,
    EarlyStopping,
    Embedding,
    Flatten,
    Loss,
    Network,
    Splits,
    activation,
    loss,
    mlp,
    open_backend,
    optimizer,
)
from gpunet.activations import ACTIVATIONS, ActivationFunction
from gpunet.losses import LOSSES
from gpunet.optimizers import OPTIMIZERS
from gpunet.training import schedules

X, T = normal(0, 20, 4), np.arange(20) % 3
PROTOCOLS = range(2, pickle.HIGHEST_PROTOCOL + 1)


def again(x, protocol=pickle.HIGHEST_PROTOCOL):
    return pickle.loads(pickle.dumps(x, protocol))


@pytest.mark.parametrize("name", [*ACTIVATIONS, "leaky_relu:0.1", "elu:0.3"])
def test_built_in_activation_is_pickled_by_its_name(name):
    f, z = activation(name), normal(1, 3, 4)
    for g in (*(again(f, p) for p in PROTOCOLS), copy.deepcopy(f)):
        assert g.name == f.name and np.array_equal(g.value(z), f.value(z))
        if name != "comparator":
            back = [h.backward(z, h.value(z), z) for h in (f, g)]
            assert np.array_equal(*back)
    layer = again(Activation(f))
    assert layer.function.name == f.name
    y, cache = layer.forward({}, z)
    assert np.array_equal(y, f.value(z))
    if name != "comparator":
        assert np.array_equal(layer.backward({}, cache, z)[0], back[0])
    assert again(Activation(name)) == Activation(name)


@pytest.mark.parametrize(
    "name",
    [*LOSSES, "softmax_cross_entropy:0.1", "sigmoid_cross_entropy:0.2", "huber:2"],
)
def test_built_in_loss_is_pickled_by_its_name(name):
    own, y, t = loss(name), normal(2, 5, 3), np.array([0, 2, 1, 1, 0])
    for other in (*(again(own, p) for p in PROTOCOLS), copy.deepcopy(own)):
        assert (other.name, other.on_logits) == (own.name, own.on_logits)
        assert np.array_equal(other.slope(y, t), own.slope(y, t))
        assert other.value(y, t) == own.value(y, t)
        assert np.array_equal(other.inverse_link(y), own.inverse_link(y))


def cube(z):
    return z * z * z


def cube_slope(z, a):
    return 3.0 * z * z


def quartic(y, t):
    return np.sum((y - t) ** 4, axis=-1)


def quartic_slope(y, t):
    return 4.0 * (y - t) ** 3


@pytest.mark.parametrize("name", ["cube", "relu"])
def test_custom_functions_are_pickled_by_where_they_are_defined(name):
    f = again(ActivationFunction(name, cube, cube_slope))
    assert (f.name, f.value, f.slope) == (name, cube, cube_slope)
    changed = replace(activation("tanh"), value=cube, slope=cube_slope)
    assert again(changed).value is cube
    own = again(Loss("squared_error", quartic, quartic_slope))
    assert (own.cost, own.cost_slope) == (quartic, quartic_slope)
    net = again(Network([Dense(4, 3), Activation(f)], own))
    assert net.layers[1].f.value is cube and net.loss.cost is quartic


SCHEDULES = (
    *("constant", "step:2,0.3", "exponential:0.9", "inverse_time:0.1", "cosine:0.1"),
    *("warmup:2+cosine", "one_cycle:0.4", "warmup:1+inverse_time:0.5"),
)


@pytest.mark.parametrize("name", SCHEDULES)
def test_schedule_comes_back(name):
    schedule = schedules.get_schedule(name)
    other = again(schedule)
    for done in (0.0, 0.7, 1.0, 2.5, 3.0, 4.9, 5.0):
        assert other(done, 5) == schedule(done, 5)


def test_plateau_schedule_keeps_what_it_has_seen():
    plateau = schedules.ReduceOnPlateau(patience=1)
    for value in (1.0, 2.0, 2.0):
        plateau.update([value])
    other = again(plateau)
    assert other.state == plateau.state and other(3.0, 9) == 0.5


NETS = {
    "mlp": lambda **o: mlp([4, 6, 3], "leaky_relu:0.1", dropout=0.2, seed=3, **o),
    "population": lambda **o: mlp([4, 6, 3], population=3, seed=[5, 1, 8], **o),
    "layers": lambda **o: Network(
        [
            Flatten((4,)),
            Dense(4, 5, 0.1, "standard_normal"),
            Activation("softplus"),
            Dropout(0.25),
            Dense(5, 3, np.ones((5, 3))),
        ],
        "huber:0.5",
        **o,
    ),
    "embedding": lambda **o: Network([Embedding(7, 2), Dense(8, 3)], **o),
}


def rows(kind):
    return (np.abs(X * 10).astype(int) % 7) if kind == "embedding" else X


def train(net, x, t=T, rule="adam"):
    gpunet.fit(net, (x, t), epochs=2, batch_size=8, optimizer=rule)
    return net


@pytest.mark.parametrize("copied", [again, copy.deepcopy])
@pytest.mark.parametrize("kind", NETS)
def test_network_comes_back_and_learns_on_with_the_same_bits(bk, kind, copied):
    net, x = NETS[kind](device=bk), rows(kind)
    train(net, x)
    before, outputs = host(net), net.predict(x)
    other = copied(net)
    assert type(other.backend) is type(bk) and other.backend.name == bk.name
    assert all(on_device(bk, p) for p in other.params.values())
    assert same(host(other), before) and repr(other) == repr(net)
    assert (other.seeds, other.dtype) == (net.seeds, net.dtype)
    assert np.array_equal(other.predict(x), outputs)
    train(other, x)
    assert same(host(net), before)  # they share no memory
    assert same(host(train(net, x)), host(other))
    assert not same(host(net), before)


@pytest.mark.parametrize("copied", [again, copy.deepcopy, copy.copy])
@pytest.mark.parametrize("population", [None, 2])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizer_goes_on_in_the_middle_of_a_run(bk, name, population, copied):
    rate = [0.1, 0.2] if population else 0.1
    more = {"momentum": 0.9} if name == "sgd" else {}
    if population:
        more["l2"] = [0.1, 0.3]
    rule = optimizer(name, learning_rate=rate, **more)
    net = mlp([4, 3], population=population, device=bk, dtype="float64")
    grads = {n: bk.array(normal(9, *p.shape)) for n, p in net.params.items()}
    rule.start(net.params, bk, population)
    rule.step(net.params, grads, 0.5)
    net2, rule2 = copy.deepcopy(net), copied(rule)
    assert rule2 == rule and rule2.n_steps == 1
    for one, r in ((net2, rule2), (net, rule)):
        for _ in range(2):
            r.step(one.params, grads, 0.5)
    shared = copied is copy.copy and rule.slot_names  # by a shallow copy
    if not shared:
        assert same(host(net), host(net2))
    assert all(on_device(bk, s) for s in rule2.state.values())


def test_optimizer_that_has_not_begun_comes_back():
    rule = gpunet.SGD([0.1, 0.2], layer_rates={"0": 2.0}, frozen=("2",))
    assert again(rule) == rule and again(rule).state == {}


def test_backend_comes_back_by_its_name(bk):
    other = again(bk)
    assert (type(other), other.name, other.xp) == (type(bk), bk.name, bk.xp)
    assert on_device(bk, other.array([1.0]))
    assert again(open_backend("auto")).name == open_backend("auto").name


def test_data_and_callbacks_come_back():
    data = Dataset(X, T, np.ones(20))
    splits = again(Splits(data, None, data.take(slice(3)), 3, "mine"))
    assert np.array_equal(splits.train.x, X) and splits.n_classes == 3
    assert np.array_equal(splits.test.weight, np.ones(3))
    assert again(EarlyStopping(3)) == EarlyStopping(3)
    assert type(again(Callback())) is Callback
    history = gpunet.fit(mlp([4, 3]), data, epochs=2)
    other = again(history)
    assert other.records == history.records and other.outcome == "all epochs done"


def test_table_and_its_preprocessing_come_back(tmp_path):
    from gpunet.data import read_splits

    path = tmp_path / "t.csv"
    lines = [f"{k},{'ab'[k % 2]},{'xy'[k % 3 == 0]}" for k in range(40)]
    path.write_text("n,c,target\n" + "\n".join(lines) + "\n")
    splits = read_splits(path, "target")
    other = again(splits)
    assert np.array_equal(other.train.x[:], splits.train.x[:])
    assert other.table.inputs == splits.table.inputs
    assert again(splits.table).to_json() == splits.table.to_json()


def test_custom_function_that_cannot_be_pickled_is_named():
    f = ActivationFunction("mine", lambda z: z, cube_slope)
    with pytest.raises((pickle.PicklingError, AttributeError), match="lambda"):
        pickle.dumps(Network([Dense(4, 3), Activation(f)]))


def test_other_process_trains_to_the_same_bits():
    spawn = multiprocessing.get_context("spawn")
    nets = {kind: NETS[kind]() for kind in ("mlp", "population", "layers")}
    with ProcessPoolExecutor(1, mp_context=spawn) as pool:
        jobs = {k: pool.submit(train, net, X) for k, net in nets.items()}
        there = {k: job.result(timeout=120) for k, job in jobs.items()}
    for kind, net in nets.items():
        assert same(host(train(net, X)), host(there[kind]))
        assert np.array_equal(net.predict(X), there[kind].predict(X))


def test_joblib_trains_to_the_same_bits():
    joblib = pytest.importorskip("joblib")
    nets = [NETS["mlp"](), NETS["population"]()]
    jobs = [joblib.delayed(train)(net, X) for net in nets]
    # beyond a megabyte joblib hands out read-only maps of a file
    wide = mlp([4, 50_000, 3])
    jobs.append(joblib.delayed(train)(wide, X))
    there = joblib.Parallel(n_jobs=2, backend="loky")(jobs)
    for net, other in zip(nets, there, strict=False):
        assert same(host(train(net, X)), host(other))
    assert not same(host(wide), host(there[2]))
