"""Child processes, forked ones above all, train and save as their parents do."""

import contextlib
import importlib.util
import io
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest
from rich.console import Console

import gpunet
from gpunet.runs.progress import ProgressBar

forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
trains = pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in ("numba", "sklearn")),
    reason="numba or scikit-learn is not installed",
)
# Seconds. Compiling takes a tenth of it, far more where the machine is busy.
LIMIT = 600
FORK = """
import os, sys, threading

def child(work):
    # Return what a forked child does with `work`: its exit code, or minus its signal.
    pid = os.fork()
    if pid:
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    try:
        work()
    except BaseException as error:
        print(repr(error), flush=True)
        os._exit(1)
    os._exit(0)
"""


def run(code, *args):
    """Run code in a process of its own; return its output; end all its children."""
    paths = [Path(__file__).parent, Path(gpunet.__file__).parent.parent]
    process = subprocess.Popen(
        # Python 3.12 warns of every fork beside threads.
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", code, *args],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(map(str, paths))},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    hung = False
    try:
        process.wait(LIMIT)
    except subprocess.TimeoutExpired:
        hung = True
    finally:
        if hasattr(os, "killpg"):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        process.kill()
        out, err = process.communicate()
    assert not hung, f"not done after {LIMIT} s: {out}{err}"
    assert process.returncode == 0, out + err
    return out


MANY = """
import multiprocessing, sys, joblib
import fork_jobs
method, wanted = sys.argv[1], fork_jobs.work("parent")
if method == "loky":
    jobs = [joblib.delayed(fork_jobs.work)(name) for name in "ab"]
    found = joblib.Parallel(2, "loky")(jobs)
else:
    with multiprocessing.get_context(method).Pool(2) as pool:
        found = pool.map(fork_jobs.work, "ab", chunksize=1)
for one in found:
    assert one == wanted, [name for name in wanted if one[name] != wanted[name]]
print("equal")
"""


@trains
@pytest.mark.parametrize("method", [pytest.param("fork", marks=forks), "spawn", "loky"])
def test_children_train_by_every_engine_as_their_parent_did(method):
    assert run(MANY, method) == "equal\n"


@trains
@forks
def test_grid_search_in_forked_children_is_that_in_one_process():
    code = """
import joblib, warnings
from sklearn.model_selection import GridSearchCV
from fork_jobs import X, Y, estimator
warnings.simplefilter("ignore")
def scores(n_jobs):
    grid = {"alpha": [1e-4, 1e-2], "random_state": [0, 1]}
    done = GridSearchCV(estimator(), grid, cv=2, n_jobs=n_jobs).fit(X, Y)
    return done.cv_results_["mean_test_score"].tolist()
alone = scores(1)
with joblib.parallel_backend("multiprocessing"):
    assert scores(2) == alone
print("equal")
"""
    assert run(code) == "equal\n"


@trains
@forks
def test_a_child_forked_while_another_thread_trains_trains_too():
    code = """
import fork_jobs
wanted, done = fork_jobs.work("parent"), threading.Event()
def busy():
    while not done.is_set():
        fork_jobs.JOBS["compiled"]()
        fork_jobs.JOBS["words"]()
thread = threading.Thread(target=busy)
thread.start()
def same():
    assert fork_jobs.work("child") == wanted
codes = [child(same) for _ in range(3)]
done.set()
thread.join()
print(codes)
"""
    assert run(FORK + code) == "[0, 0, 0]\n"


@forks
def test_a_team_of_a_forked_child_has_its_own_threads_and_lock():
    code = """
import numpy as np
from gpunet.fast.cpu import threads
def team():
    seen = []
    sync = np.zeros(16, np.int64)
    threads.run_threads(lambda thread, n: seen.append(thread), 2, sync, ())
    assert sorted(seen) == [0, 1], seen
team()
with threads._lock:  # as if another span were running
    codes = [child(team)]
team()
print(codes)
"""
    assert run(FORK + code) == "[0]\n"


@trains
@forks
def test_a_fork_waits_until_nobody_compiles():
    code = """
import time, numpy as np
from gpunet.fast.cpu import compiler
from gpunet.fast.cpu.jit.span import share
share = compiler.compiled(share)
from numba.core.compiler_lock import global_compiler_lock
inside = threading.Event()
def compiling():
    with global_compiler_lock:
        inside.set()
        time.sleep(1)
thread = threading.Thread(target=compiling)
thread.start()
inside.wait()
def compile_too():
    assert share(10, 0, 2) == (0, 8)
print(child(compile_too))
thread.join()
compile_too()
"""
    assert run(FORK + code) == "0\n"


@pytest.mark.usefixtures("signals_heard")
@forks
def test_a_signal_ends_a_forked_child_of_a_run():
    code = """
import signal, time
from gpunet.runs.signals import stop_on_signals
def die_by(number):
    signal.raise_signal(number)
    time.sleep(5)
stopped = []
with stop_on_signals() as request:
    request.forward_to(stopped.append)
    codes = [child(lambda n=n: die_by(n)) for n in (signal.SIGTERM, signal.SIGINT)]
    signal.raise_signal(signal.SIGTERM)
print(codes, request.signal == signal.SIGTERM, stopped)
"""
    wanted = "KeyboardInterrupt()\n[-15, 1] True ['interrupted by SIGTERM']\n"
    assert run(FORK + code) == wanted


@forks
def test_cuda_in_a_forked_child_is_an_error_with_the_cure():
    code = """
import numpy as np, pytest
import fake_cupy, gpunet
with pytest.MonkeyPatch.context() as patch:
    fake_cupy.install(patch)
    net = gpunet.mlp([3, 2], device="cuda")
    x = np.ones((4, 3), np.float32)
    def forked():
        for use in (
            lambda: gpunet.open_backend("cuda:0"),
            lambda: net.predict(x),
            lambda: net.backend.to_host(net.params["0.W"]),
        ):
            with pytest.raises(gpunet.errors.DeviceError, match="spawn or loky"):
                use()
        assert gpunet.open_backend("auto").name == "cpu"
        assert "forked" in gpunet.open_backend("auto").note
    codes = [child(forked)]
    net.predict(x)
    print(codes)
"""
    assert run(FORK + code) == "[0]\n"


def test_progress_bar_starts_no_thread_and_shows_each_span():
    threads = threading.active_count()
    trainer = SimpleNamespace(
        step=0,
        epochs=2,
        steps_per_epoch=50,
        step_in_epoch=0,
        epoch=0,
        compute_metrics=False,
    )
    out = io.StringIO()
    bar = ProgressBar(Console(file=out, force_terminal=True, width=80))
    bar.on_start(trainer)
    assert threading.active_count() == threads
    trainer.step = 37
    bar.on_span(trainer)
    assert " 37%" in out.getvalue()
