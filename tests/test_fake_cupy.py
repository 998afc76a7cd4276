"""The stand-in has a GPU's manners, and gpunet's loop trains on it."""

import fake_cupy
import numpy as np
import pytest
from helpers import error
from tiny import host, table

import gpunet


def test_loop_trains_on_it_as_on_numpy(monkeypatch):
    x, t = table()
    nets = {}
    for device in ("cpu", "cuda"):
        if device == "cuda":
            fake_cupy.install(monkeypatch)
        net = gpunet.mlp([4, 8, 3], device=device, seed=1)
        kind = {"engine": "loop", "epochs": 2, "batch_size": 10}
        history = gpunet.fit(net, (x, t), optimizer=gpunet.SGD(0.1), **kind)
        nets[device] = host(net), history["loss"]
    assert net.backend.name == "cuda:0"
    for name, p in nets["cpu"][0].items():
        assert error(nets["cuda"][0][name], p) < 1e-5
    assert nets["cuda"][1] == pytest.approx(nets["cpu"][1], rel=1e-5)


def test_host_and_device_do_not_mix(monkeypatch):
    fake = fake_cupy.install(monkeypatch)
    bk = gpunet.open_backend("cuda")
    x = bk.array(np.ones(3, np.float32))
    for mix in (lambda: x + np.ones(3), lambda: np.ones(3) * x, lambda: np.sum(x)):
        with pytest.raises(TypeError):
            mix()
    before = fake.copies_to_host
    total = bk.xp.sum(x)
    assert type(total) is fake_cupy.Array and fake.copies_to_host == before
    assert float(total) == 3 and fake.copies_to_host == before + 1


def test_memory_ends_at_the_given_allocation(monkeypatch):
    fake = fake_cupy.install(monkeypatch)
    bk = gpunet.open_backend("cuda")
    fake.fails_at = fake.allocations + 2
    x = bk.array(np.ones(3, np.float32))
    with pytest.raises(MemoryError, match="allocating 12 bytes"):
        x + x
