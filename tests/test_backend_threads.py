"""How many threads compute."""

import os

import numpy as np
import pytest
from helpers import ROOT, run_python
from threadpoolctl import threadpool_info, threadpool_limits
from tiny import table

import gpunet
from gpunet.backend import threads

SMALL, LARGE = 10**6, 10**9


@pytest.fixture(autouse=True)
def free(monkeypatch):
    """Let nothing but gpunet choose; BLAS itself has two threads."""
    for name in threads.VARIABLES:
        monkeypatch.delenv(name, raising=False)
    np.ones(1)
    with threadpool_limits(2, user_api="blas"):
        yield


def blas():
    return {p["num_threads"] for p in threadpool_info() if p["user_api"] == "blas"}


def test_small_products_get_one_thread_and_large_ones_all():
    with threads.blas_threads(SMALL):
        assert blas() == {1}
    with threads.blas_threads(LARGE):
        assert blas() == {2}
    with pytest.raises(KeyError), threads.blas_threads(SMALL):
        raise KeyError
    assert blas() == {2}


@pytest.mark.parametrize("name", threads.VARIABLES)
def test_the_users_own_number_wins(monkeypatch, name):
    monkeypatch.setenv(name, "2")
    with threads.blas_threads(SMALL):
        assert blas() == {2}


def test_fit_trains_with_one_blas_thread_and_gives_the_others_back():
    seen = []

    class Look(gpunet.Callback):
        def on_epoch(self, trainer, record):
            seen.append(blas())

    net = gpunet.mlp([4, 5, 3])
    gpunet.fit(net, table(), epochs=1, callbacks=[Look()], engine="loop")
    assert seen == [{1}] and blas() == {2}


def test_usable_threads_are_at_most_the_cores(monkeypatch):
    cores = threads.usable_cores()
    for wanted, got in (("1", 1), ("9999", cores), ("0", cores), ("x", cores)):
        monkeypatch.setenv("OMP_NUM_THREADS", wanted)
        assert threads.usable_threads() == got


def test_a_command_gives_blas_one_thread_unless_told_otherwise(monkeypatch):
    environment = {}
    monkeypatch.setattr(os, "environ", environment)
    threads.set_threads(None, 1)
    assert environment["OPENBLAS_NUM_THREADS"] == "1"
    assert "OMP_NUM_THREADS" not in environment  # for teams of our own
    threads.set_threads(3, 1)
    assert {environment[name] for name in threads.VARIABLES} == {"3"}
    environment.clear()
    environment["MKL_NUM_THREADS"] = "5"
    threads.set_threads(None, 1)
    assert environment == {"MKL_NUM_THREADS": "5"}


@pytest.mark.parametrize(("command", "own"), [("gradcheck", "1"), ("bench", None)])
def test_benchmarks_alone_take_every_core_for_blas(command, own):
    code = (
        f"import os, sys; from {'gpunet.cli' if own else 'benchmarks'} import main\n"
        "from gpunet.backend.threads import VARIABLES, usable_cores\n"
        "for name in VARIABLES: os.environ.pop(name, None)\n"
        f"main([{command!r}, '--no-such-option'])\n"
        f"main([{command!r}, *{['--sizes', '2,2'] if own else ['--nets', 'x']}])\n"
        "print(os.environ['OPENBLAS_NUM_THREADS'], usable_cores())"
    )
    process = run_python(code, path=[ROOT / "scripts"])
    threads_of_blas, cores = process.stdout.split()[-2:]
    assert threads_of_blas == (own or cores), process.stderr
