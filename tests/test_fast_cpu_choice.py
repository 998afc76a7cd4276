"""Which engine "auto" takes: never one whose compiling costs more than it saves."""

import io
import os
import time
from threading import Thread

import numpy as np
import pytest
from helpers import run_python
from tiny import table, trainer

import gpunet
from gpunet import SGD, Adam, mlp
from gpunet.fast.cpu import compiler, slower, threads
from gpunet.fast.cpu import estimates as est
from gpunet.fast.cpu.jit.functions import clipped_log
from gpunet.fast.cpu.jit.lanes import train_lanes
from gpunet.fast.cpu.jit.span import barrier, train_network

pytest.importorskip("numba")
DENSE = np.ones((100, 784), "float32")


@pytest.fixture
def cold(monkeypatch):
    """Let nothing be compiled, neither here nor on the disk."""
    monkeypatch.setattr(compiler, "_ready", set())
    monkeypatch.setattr(compiler, "_cache_folders", list)


def why(net, *, steps, batch, x=DENSE * 0, optimizer=None):
    return slower(net, optimizer or SGD(0.1), steps, batch, x)


def test_kernels_that_are_ready_cost_nothing(cold):
    net = mlp([784, 30, 10])
    assert "compiling (8 s) would not pay" in why(net, steps=1000, batch=10)
    assert why(net, steps=10**6, batch=10) == ""
    compiler._ready.add(compiler._mark(train_network, "float32", np.uint16))
    assert why(net, steps=1000, batch=10) == ""
    assert why(net, steps=100, batch=10) == "the run is short"  # always the same bits
    assert "would not pay" in why(mlp([784, 5], dtype="float64"), steps=999, batch=10)


def test_kernels_on_the_disk_cost_their_loading(cold, monkeypatch, tmp_path):
    monkeypatch.setattr(compiler, "_cache_folders", lambda: [tmp_path])
    net, mark = mlp([784, 30, 10]), compiler._mark(train_network, "float32", np.uint16)
    assert why(net, steps=20_000, batch=10) != ""
    (tmp_path / mark).touch()
    assert why(net, steps=20_000, batch=10) == ""
    assert "compiling (1 s) would not pay" in why(net, steps=1000, batch=10)


def test_the_size_of_batches_populations_and_optimizers_counts(cold):
    net, crowd = mlp([784, 16, 16, 10]), mlp([784, 16, 16, 10], population=100)
    assert why(net, steps=60_000, batch=10) != ""
    assert why(net, steps=60_000, batch=200) == ""
    assert why(net, steps=60_000, batch=10, optimizer=Adam()) == ""
    assert why(crowd, steps=10_000, batch=10) == ""


def test_the_readmes_first_block_does_not_wait_for_a_compiler(cold):
    net, crowd = mlp([784, 128, 10]), mlp([784, 16, 16, 10], population=20)
    assert why(net, steps=2 * 469, batch=128, optimizer=Adam()) != ""
    assert why(crowd, steps=469, batch=128, optimizer=Adam()) != ""


@pytest.mark.parametrize(
    ("sizes", "batch", "dense", "threads", "loop"),
    [
        ([784, 1024, 10], 1024, True, 1, True),
        ([784, 1024, 10], 1024, True, 2, False),
        ([784, 1024, 10], 1024, False, 1, False),
        ([784, 1024, 10], 200, True, 1, False),
        ([50, 2048, 2048, 2], 512, False, 1, True),
        ([784, 16, 16, 10], 1024, True, 1, False),
    ],
)
def test_large_products_on_one_core_stay_with_blas(
    monkeypatch, sizes, batch, dense, threads, loop
):
    monkeypatch.setattr("gpunet.fast.cpu.usable_threads", lambda: threads)
    x = np.full((50, sizes[0]), float(dense), "float32")
    reason = why(mlp(sizes), steps=10**6, batch=batch, x=x)
    assert reason == ("on one core BLAS multiplies such large matrices faster" * loop)


def test_a_population_in_lanes_waits_for_its_own_kernel_alone(cold):
    x, net = np.ones((50, 20), "float32"), mlp([20, 8, 2], population=1000)
    compiler._ready.add(compiler._mark(train_lanes, "float32", np.uint16))
    assert why(net, steps=1000, batch=32, x=x) == ""
    assert "compiling" in why(net, steps=100, batch=32, x=0 * x)


def test_groups_of_members_in_lanes_take_turns():
    def seconds(members, threads=1):
        work = est.Workload(1000, 32, members, 8, 18, 114, False, 16)
        return est.compiled_seconds(work, threads)

    assert seconds(1) == seconds(16) == seconds(17) / 2
    assert seconds(33, 2) == seconds(64, 2) == seconds(16) * 2


def test_epochs_that_may_never_come_count_a_third():
    def steps(**settings):
        job = {"epochs": 30, "batch_size": None, "optimizer": SGD(0.1)} | settings
        return trainer(mlp([4, 3]), table(), engine="loop", **job)._expected_steps()

    assert steps() == steps(validation=0.5) == 30
    assert steps(validation=0.5, early_stopping=3) == 10
    assert steps(max_steps=7) == 7


def test_estimates_grow_with_everything():
    work = est.Workload(1000, 10, 2, 16, 26, 13_000, False)
    for change in ({"n_steps": 2000}, {"batch": 50}, {"members": 9}, {"adam": True}):
        more = work._replace(**change)
        assert est.loop_seconds(more) > est.loop_seconds(work)
        assert est.compiled_seconds(more, 1) > est.compiled_seconds(work, 1)
    assert est.compiled_seconds(work, 2) == est.compiled_seconds(work, 1) / 2


def test_another_process_knows_what_is_compiled(tmp_path):
    look = (
        "from gpunet.fast.cpu import compiler\n"
        "from gpunet.fast.cpu.jit.functions import clipped_log\n"
        "seconds = lambda: compiler.seconds_until_ready(clipped_log, 'f4')\n"
        "import sys; before = 'numba' in sys.modules, seconds()\n"
    )
    use = (
        "with compiler.announced(clipped_log, 'f4'):\n"
        "    compiler.compiled(clipped_log)(0.5, 0.1)\n"
    )
    say = "print(before[0], before[1], seconds())"
    both = compiler.LOADING + compiler.COMPILING
    folder = {"NUMBA_CACHE_DIR": str(tmp_path)}
    for wanted in (f"False {both} 0.0", f"False {compiler.LOADING} 0.0"):
        done = run_python(look + use + say, **folder)
        assert done.stdout.strip() == wanted, done.stderr
    later = "compiler.sys.version += 'another'; compiler._stamp.cache_clear(); "
    done = run_python(f"{look}{later}print(seconds())", **folder)
    assert done.stdout.strip() == str(both), done.stderr


def test_compiling_is_told_on_a_terminal_while_it_lasts(cold, monkeypatch):
    stream = io.StringIO()
    monkeypatch.setattr("sys.stderr", stream)
    monkeypatch.setenv("FORCE_COLOR", "1")  # a terminal, for rich
    with compiler.announced(clipped_log, "f4"):
        pass
    assert "compiling once, about 7 s" in stream.getvalue()
    assert compiler.seconds_until_ready(clipped_log, "f4") == 0.0
    stream.seek(stream.truncate(0))
    with compiler.announced(clipped_log, "f4"):
        pass
    assert stream.getvalue() == ""


def test_what_is_not_a_terminal_is_left_alone(cold, monkeypatch):
    stream = io.StringIO()
    monkeypatch.setattr("sys.stderr", stream)
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    with compiler.announced(clipped_log, "f4"):
        pass
    assert stream.getvalue() == ""


def test_read_only_data_need_no_kernels_of_their_own():
    x, t = table(48, 4, 3)
    x = x.astype("float32")  # the network's own: shared with it, not copied
    net = mlp([4, 3])
    gpunet.fit(net, (x, t), epochs=1, engine="compiled")
    known = len(compiler.compiled(train_network).signatures)
    for array in (x, t):
        array.flags.writeable = False
    gpunet.fit(net, (x, t), epochs=1, engine="compiled")
    assert len(compiler.compiled(train_network).signatures) == known


def test_a_thread_that_waits_sleeps():
    wait = compiler.compiled(barrier)
    sync = np.zeros(16, np.int64)
    wait(sync, 0, 2), wait(np.zeros(16, np.int64), 1, 1)  # compiled by now
    sync[:] = 0
    waiting = Thread(target=wait, args=(sync, 1, 2))
    began = time.process_time()
    waiting.start()
    waiting.join(1.0)
    used = time.process_time() - began
    sync[8] = 1  # an end
    waiting.join()
    assert used < 0.5  # CPU seconds, whatever else runs; a thread that spins takes 1


def test_threads_are_for_steps_that_outlast_their_meetings(monkeypatch):
    monkeypatch.setattr(threads, "usable_threads", lambda: 4)
    layout = threads.Layout((), None, 1_000_000, 0)
    several = 4 if os.name == "posix" else 1
    assert threads.threads_for(layout, 10) == 1  # few examples to share
    assert threads.threads_for(layout, 32) == several
    assert threads.threads_for(layout._replace(size=10_000), 128) == 1  # too little
