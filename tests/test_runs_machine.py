"""What a run's bits depend on: told by the libraries, compared when resuming."""

import importlib.util
import sys

import numpy as np
import pytest
from helpers import run_python
from tiny import carry, settings, write_set

from gpunet.backend import open_backend
from gpunet.errors import ModelFileError
from gpunet.runs import machine
from gpunet.runs import run as run_module
from gpunet.runs.machine import blas, differences, fingerprint
from gpunet.storage import RunFolder

ALWAYS = {"gpunet", "device", "library", "machine", "threads", "python", "numpy"}
HOST = ALWAYS | {"blas", "simd"}
WHERE = """
import os
from gpunet.backend import open_backend
from gpunet.runs.machine import blas, fingerprint
"""


def says(code, **env):
    """Return what `code` prints in a process whose environment has `env`."""
    process = run_python(WHERE + code, **env)
    assert process.returncode == 0, process.stderr
    return process.stdout.split()


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_set(tmp_path_factory.mktemp("data"))


def test_fingerprint_says_what_bits_depend_on(monkeypatch):
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "3")
    mark = fingerprint(open_backend("cpu"), "loop")
    assert mark.keys() == HOST | {"engine"}
    assert mark["threads"] == "3" and mark["device"] == "cpu"
    assert mark["library"] == f"numpy {np.__version__}"
    assert mark["python"] == f"{sys.version_info[0]}.{sys.version_info[1]}"
    found = np.show_config(mode="dicts")
    assert mark["blas"].startswith(found["Build Dependencies"]["blas"]["name"])
    assert set(mark["simd"].split()) == set(found["SIMD Extensions"]["found"])


def test_fingerprint_of_another_library_leaves_numpys_blas_out():
    pytest.importorskip("torch")
    assert fingerprint(open_backend("torch:cpu")).keys() == ALWAYS


openblas = pytest.mark.skipif(blas()["core"] is None, reason="NumPy has no OpenBLAS")


@openblas
def test_blas_tells_the_threads_that_it_took():
    code = "print(blas()['threads'])"
    assert says(code, OPENBLAS_NUM_THREADS="1", OMP_NUM_THREADS="1") == ["1"]


@openblas
def test_blas_tells_the_core_whose_kernels_it_took():
    cores = {"x86_64": "Nehalem", "AMD64": "Nehalem", "aarch64": "ARMV8"}
    core = cores.get(machine.platform.machine(), "")
    if not core:
        pytest.skip("no core is known that every such processor can be")
    code = "print(fingerprint(open_backend('cpu'))['blas'])"
    assert core in says(code, OPENBLAS_CORETYPE=core)


def test_blas_is_spelled_as_earlier_versions_wrote_it(monkeypatch):
    library = {"name": "openblas", "version": "0.3", "core": "Zen", "threads": 1}
    monkeypatch.setattr(machine, "blas", lambda: library)
    assert fingerprint(open_backend("cpu"))["blas"] == "openblas 0.3 Zen 1 threads"


def test_blas_of_another_make_is_told_without_core_and_threads(monkeypatch):
    monkeypatch.setattr(machine, "_libraries", list)
    found = blas()
    assert (found["core"], found["threads"]) == (None, None) and found["name"]
    assert fingerprint(open_backend("cpu"))["blas"].startswith(found["name"])


def test_fingerprint_of_the_compiled_engine_names_numba_and_its_target(monkeypatch):
    numba = pytest.importorskip("numba")
    mark = fingerprint(open_backend("cpu"), "compiled")
    assert mark["compiler"].split()[:2] == ["numba", numba.__version__]
    code = "print(fingerprint(open_backend('cpu'), 'compiled')['compiler'])"
    plain = says(code, NUMBA_CPU_NAME="generic", NUMBA_CPU_FEATURES="")
    assert plain[2] == "generic" and plain[3] != mark["compiler"].split()[3]


@pytest.mark.skipif(not importlib.util.find_spec("numba"), reason="numba is absent")
def test_fingerprint_of_the_loop_loads_no_numba():
    code = "fingerprint(open_backend('cpu'), 'loop'); import sys; "
    assert says(code + "print('numba' in sys.modules)") == ["False"]


def test_entries_that_only_one_side_has_are_no_difference():
    new = {"threads": "2", "blas": "b", "engine": "loop"}
    assert differences({"threads": "2", "compiler": "numba"}, new) == []
    (line,) = differences({"threads": "2", "blas": "a"}, new)
    assert line.startswith("blas was 'a' and is 'b'")
    assert differences(None, new) == []


def test_run_notes_its_machine_and_tells_another_when_resumed(
    data, tmp_path, monkeypatch
):
    config = settings(data)
    carry(config, tmp_path / "p", max_steps=3)
    mark = RunFolder(tmp_path / "p").newest_checkpoint()[2]["fingerprint"]
    assert mark.keys() == HOST | {"engine"}

    def elsewhere(*args):
        return true(*args) | {"blas": "other 1.0 Zen", "python": "3.99"}

    true = run_module.fingerprint
    monkeypatch.setattr(run_module, "fingerprint", elsewhere)
    with pytest.raises(ModelFileError, match=r"blas was .* and is 'other 1.0 Zen'"):
        carry(config, tmp_path / "p", resume="auto", strict_resume=True)
    *_, notes = carry(config, tmp_path / "p", resume="auto", max_steps=5)
    warned = [note.split()[2] for note in notes if note.startswith("warning: resume:")]
    assert warned == ["blas", "python"]


def test_checkpoint_of_an_older_version_resumes_without_a_word(
    data, tmp_path, monkeypatch
):
    def older(*args):
        known = ("gpunet", "device", "library", "machine", "threads", "engine")
        return {key: value for key, value in true(*args).items() if key in known}

    true = run_module.fingerprint
    monkeypatch.setattr(run_module, "fingerprint", older)
    carry(settings(data), tmp_path / "p", max_steps=3)
    monkeypatch.undo()
    *_, notes = carry(settings(data), tmp_path / "p", resume="auto", strict_resume=True)
    assert not [note for note in notes if note.startswith("warning")]
