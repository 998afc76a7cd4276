"""Steppers: a population trains as its members would alone, in blocks or together."""

import numpy as np
import pytest
from tiny import host, same, table, trainer

import gpunet
from gpunet import SGD, Adam, Callback, RMSProp, mlp
from gpunet.training import steppers

X, T = table()
HELD_OUT = table(20, seed=1)
SEEDS = [4, 0, 9, 2, 7, 5, 1]
RATES = [0.1, 0.5, 0.02, 0.3, 0.2, 0.05, 0.4]

# name: optimizer for the values of some members, and settings of fit
CASES = {
    "sgd": (lambda r: SGD(0.3), {}),
    "rates": (lambda r: SGD(r), {}),
    "momentum": (lambda r: SGD(r, momentum=[v / 2 for v in r]), {}),
    "nesterov": (lambda r: SGD(0.1, momentum=0.9, nesterov=True), {}),
    "adam": (lambda r: Adam([v / 10 for v in r]), {}),
    "rmsprop": (lambda r: RMSProp(0.01, layer_rates={"0": 2.0}), {}),
    "penalties": (lambda r: SGD(0.1, l2=[v / 10 for v in r], l1=r), {}),
    "max norm": (lambda r: SGD(0.3, max_norm=1.0), {}),
    "clip norm": (lambda r: SGD(r, clip_norm=0.1), {}),
    "one cycle": (lambda r: SGD(r), {"schedule": "one_cycle"}),
    "dropout": (lambda r: Adam(0.02), {"dropout": 0.4}),
    "plateau": (lambda r: SGD(r), {"schedule": "plateau:0.5,1", "epochs": 20}),
    "stopping": (lambda r: SGD(0.5), {"early_stopping": 1, "epochs": 25}),
    "weights": (lambda r: SGD(r), {"class_weight": [1.0, 3.0, 0.5]}),
    "untracked": (lambda r: Adam(0.02), {"compute_metrics": False}),
}


def learn(case, seeds, rates, population, **more):
    make, options = CASES[case]
    options = {"epochs": 4, **options, **more}
    net = mlp(
        [4, 8, 3],
        "tanh",
        population=population,
        seed=list(seeds),
        dropout=options.pop("dropout", 0.0),
        dtype=options.pop("dtype", "float32"),
        device=options.pop("device", "cpu"),
    )
    h = gpunet.fit(
        net,
        (X, T),
        optimizer=make(list(rates)),
        batch_size=10,
        validation=HELD_OUT,
        **options,
    )
    return net, h


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", CASES)
def test_member_equals_the_single_network_bit_for_bit(case, dtype):
    crowd, h = learn(case, SEEDS, RATES, 7, dtype=dtype)
    lengths = set()
    for i, (seed, rate) in enumerate(zip(SEEDS, RATES, strict=True)):
        alone, own = learn(case, [seed], [rate], None, dtype=dtype)
        assert same(host(crowd.member(i)), host(alone))
        for column in own.last.keys() - {"seconds", "epoch", "step"}:
            mine = [row[i] for row in h[column]]
            assert mine[: len(own)] == own[column]
            assert set(mine[len(own) :]) <= {None}
        lengths.add(len(own))
    # The cases of their own ends must really have different ones.
    assert (len(lengths) > 1) == (case == "stopping")


@pytest.mark.parametrize("block", [1, 3, 7])
@pytest.mark.parametrize("case", CASES)
def test_blocks_equal_one_block_bit_for_bit(monkeypatch, case, block):
    whole, h = learn(case, SEEDS, RATES, 7)
    monkeypatch.setattr(steppers, "BLOCK", block)
    blocks, other = learn(case, SEEDS, RATES, 7)
    assert same(host(whole), host(blocks))
    for record, again in zip(h, other, strict=True):
        assert record | {"seconds": 0} == again | {"seconds": 0}
    assert h.stopped == other.stopped and h.outcome == other.outcome


def test_population_beyond_a_block_is_split():
    n = steppers.BLOCK + 3
    seeds = range(n)
    job = trainer(mlp([4, 3], population=n), (X, T), epochs=1, batch_size=8)
    assert [part.state.members for part in job.steppers] == [
        slice(0, steppers.BLOCK),
        slice(steppers.BLOCK, n),
    ]
    crowd, _ = learn("momentum", seeds, [0.1] * n, n)
    for i in (0, steppers.BLOCK - 1, steppers.BLOCK, n - 1):
        alone, _ = learn("momentum", [i], [0.1], None)
        assert same(host(crowd.member(i)), host(alone))


def test_shared_and_absent_orders_show_all_members_the_same_batches(monkeypatch):
    for shuffle in ("shared", False):
        nets = []
        for block in (7, 2):
            monkeypatch.setattr(steppers, "BLOCK", block)
            nets.append(learn("dropout", SEEDS, RATES, 7, shuffle=shuffle)[0])
        assert same(host(nets[0]), host(nets[1]))
        first, _ = learn("dropout", SEEDS[:1], RATES[:1], None, shuffle=shuffle)
        assert same(host(nets[0].member(0)), host(first))
    # The same start and one order: dropout's own draws are all that differs.
    twins = mlp([4, 3], population=2, seed=[3, 3])
    gpunet.fit(twins, (X, T), epochs=2, shuffle="shared")
    assert same(host(twins.member(0)), host(twins.member(1)))


def test_hooks_see_all_members_at_once(monkeypatch):
    class Look(Callback):
        def on_gradients(self, grads):
            shapes.add(grads["0.W"].shape)
            return grads

    shapes = set()
    monkeypatch.setattr(steppers, "BLOCK", 2)
    learn("sgd", SEEDS, RATES, 7, callbacks=[Look()])
    assert shapes == {(7, 4, 8)}


def test_members_agree_with_single_networks_on_every_device(bk):
    crowd, _ = learn("dropout", SEEDS, RATES, 7, device=bk, epochs=1, dtype="float64")
    for i, seed in enumerate(SEEDS):
        alone, _ = learn("dropout", [seed], [0.1], None, epochs=1, dtype="float64")
        for name, p in host(alone).items():
            assert np.max(np.abs(host(crowd)[name][i] - p)) < 1e-9


def test_snapshot_brings_back_all_but_the_members_kept(bk):
    net = mlp([4, 3], population=3, device=bk)
    job = trainer(net, (X, T), epochs=1, batch_size=8, optimizer="adam")
    (part,) = job.steppers
    before = part.snapshot()
    part.batches.start_epoch(0)
    assert part.run(0, 0, 2, [1.0, 1.0]) == 2
    moved = {name: bk.to_host(p).copy() for name, p in part.state.tensors().items()}
    assert part.optimizer.n_steps == 2
    part.restore(before, bk.array([True, False, True], "bool"))
    for name, p in part.state.tensors().items():
        p, old = bk.to_host(p), bk.to_host(before[0][name])
        assert np.array_equal(p[[0, 2]], moved[name][[0, 2]])
        assert np.array_equal(p[1], old[1])
    assert part.optimizer.n_steps == 2  # the others go on
    part.restore(before)
    for name, p in part.state.tensors().items():
        assert np.array_equal(bk.to_host(p), bk.to_host(before[0][name]))
    assert part.optimizer.n_steps == 0


@pytest.mark.parametrize("shuffle", ["per_member", "shared"])
@pytest.mark.parametrize("n_out", [1, 3])
def test_members_learn_targets_as_single_networks_do(n_out, shuffle):
    t = X[:, :n_out] * 2.0
    if n_out == 1:
        t = t[:, 0]
    results = []
    for population, seed in ((2, [3, 8]), (None, 3)):
        net = mlp([4, 6, n_out], loss="squared_error", population=population, seed=seed)
        data = {"validation": (X, t), "shuffle": shuffle}
        h = gpunet.fit(net, (X, t), epochs=2, batch_size=10, optimizer=SGD(0.1), **data)
        results.append((net, h))
    (crowd, h), (alone, own) = results
    assert same(host(crowd.member(0)), host(alone))
    for column in ("loss", "val_loss"):
        assert [row[0] for row in h[column]] == own[column]


def test_members_count_the_hits_of_one_output():
    t = (X[:, 0] > 0).astype(np.int64)
    net = mlp([4, 1], loss="sigmoid_cross_entropy", population=2)
    h = gpunet.fit(net, (X, t), epochs=2, validation=(X, t), batch_size=10)
    right = (net.classify(X) == t).mean(axis=1)
    assert h.last["val_accuracy"] == pytest.approx(right.tolist(), rel=1e-6)


@pytest.mark.parametrize("engine", ["loop", "compiled"])
@pytest.mark.parametrize("dropout", [0.0, 0.4])
def test_part_of_a_population_trained_alone_is_bit_equal(engine, dropout):
    if engine == "compiled":
        pytest.importorskip("numba")

    def train(seeds, **more):
        net = mlp([4, 8, 3], population=len(seeds), seed=seeds, dropout=dropout)
        more |= {"shuffle": "shared", "engine": engine, "optimizer": Adam(0.02)}
        return net, gpunet.fit(net, (X, T), epochs=3, batch_size=10, **more)

    seeds = list(range(7, 107))  # two blocks of the loop
    (whole, h), (half, own) = train(seeds), train(seeds[50:], shuffle_seed=7)
    for name, p in host(half).items():
        assert np.array_equal(p, host(whole)[name][50:])
    assert [row[50:] for row in h["loss"]] == own["loss"]
    other, _ = train(seeds[50:])  # by default the order is its own first member's
    assert not same(host(other), host(half))


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        (
            {"shuffle": "per_member", "shuffle_seed": 3},
            "shuffle 'per_member' has no shared seed",
        ),
        ({"shuffle": False, "shuffle_seed": 3}, "shuffle False has no shared seed"),
        ({"shuffle": "shared", "shuffle_seed": -1}, "must be a whole number >= 0"),
        ({"shuffle": "shared", "shuffle_seed": [3]}, "must be a whole number >= 0"),
        ({"shuffle": "shared", "shuffle_seed": True}, "must be a whole number >= 0"),
    ],
)
def test_seed_of_no_shared_order_is_refused(settings, why):
    with pytest.raises(gpunet.GpunetError, match=f"shuffle_seed: {why}"):
        gpunet.fit(mlp([4, 3]), (X, T), **settings)


def test_single_network_names_the_order_of_its_population():
    settings = {"shuffle": "shared", "epochs": 2, "batch_size": 10, "engine": "loop"}
    crowd, alone = mlp([4, 3], population=3, seed=5), mlp([4, 3], seed=7)
    gpunet.fit(crowd, (X, T), **settings)
    gpunet.fit(alone, (X, T), shuffle_seed=5, **settings)
    assert same(host(crowd.member(2)), host(alone))


@pytest.mark.parametrize("engine", ["loop", "compiled"])
@pytest.mark.parametrize("shuffle", ["per_member", "shared"])
@pytest.mark.parametrize("init", ["per_member", "shared"])
def test_start_and_order_are_each_members_own_or_shared(init, shuffle, engine):
    if engine == "compiled":
        pytest.importorskip("numba")
    settings = {"epochs": 2, "batch_size": 10, "engine": engine}
    crowd = mlp([4, 3], population=3, seed=5, init=init)
    gpunet.fit(crowd, (X, T), shuffle=shuffle, **settings)
    assert crowd.seeds == (5, 6, 7)
    for i in range(3):
        start, order = (5 + i * (name == "per_member") for name in (init, shuffle))
        alone = mlp([4, 3], seed=start)
        gpunet.fit(alone, (X, T), shuffle="shared", shuffle_seed=order, **settings)
        assert same(host(crowd.member(i)), host(alone))


@pytest.mark.parametrize("engine", ["loop", "compiled"])
def test_members_of_one_seed_differ_by_their_rates_alone(engine, monkeypatch):
    if engine == "compiled":
        pytest.importorskip("numba")
    monkeypatch.setattr(steppers, "BLOCK", 2)
    settings = {"epochs": 2, "batch_size": 10, "engine": engine}
    rates = [0.1, 0.4, 0.1]
    crowd = mlp([4, 8, 3], population=3, seed=[6] * 3, dropout=0.3)
    gpunet.fit(crowd, (X, T), optimizer=SGD(rates), **settings)
    for i, rate in enumerate(rates):
        alone = mlp([4, 8, 3], seed=6, dropout=0.3)
        gpunet.fit(alone, (X, T), optimizer=SGD(rate), **settings)
        assert same(host(crowd.member(i)), host(alone))
    job = trainer(crowd, (X, T))
    assert not job.steppers[0].batches.per_member  # one order is drawn, not three
