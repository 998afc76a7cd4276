"""The commands in hostile places: odd settings, closed streams, what one may not read.

Mode bits stop root only without the capabilities that pass over them, so each
child gives these up first; for any other user that changes nothing.
"""

import contextlib
import json
import os
import shutil
import subprocess
import sys

import pytest
from helpers import ROOT, after
from tiny import assert_same_run, environment, error_line, left_behind, write_set

from gpunet.storage import verify

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Linux only")

PLAIN = "import ctypes; [ctypes.CDLL(None).prctl(24, c, 0, 0, 0) for c in (1, 2)]"
TINY = ["--epochs", 2, "--batch-size", 10, "--device", "cpu"]


def gpunet(*args, first=PLAIN, cwd=None, **env):
    """Run `python -m gpunet` as a user whom mode bits stop."""
    words = [sys.executable, "-m", "gpunet", *map(str, args)]
    settings = environment([ROOT]) | {"MPLCONFIGDIR": os.environ["MPLCONFIGDIR"]} | env
    return subprocess.run(
        after(first, words),
        env={name: value for name, value in settings.items() if value is not None},
        cwd=cwd,
        capture_output=True,
        timeout=60,
        text=True,
        encoding="utf-8",
        errors="backslashreplace",
    )


@pytest.fixture(scope="module", autouse=True)
def fonts(tmp_path_factory):
    """Keep matplotlib's list of fonts in one place, wherever HOME points."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MPLCONFIGDIR", str(tmp_path_factory.mktemp("fonts")))
        yield


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Return a folder with a set, a table of broad letters, and a run on each."""
    root = tmp_path_factory.mktemp("place")
    write_set(root / "data")
    rows = [f"{k},{k % 7},{'éß'[k % 2]}" for k in range(60)]
    (root / "t.csv").write_text("\n".join(["größe,b,kind", *rows, ""]), "utf-8")
    pictures(root, root / "run")
    done = gpunet("train", "--data", root / "t.csv", *TABLE, "--out", root / "größe")
    assert done.returncode == 0, done.stderr
    return root


TABLE = ["--target", "kind", "--hidden", 4, *TINY]


def pictures(root, out, *args, **more):
    words = ["--data-dir", root / "data", "--sizes", "16-8-3", "--validation", 12]
    words += ["--threads", 1]
    done = gpunet("train", *words, *TINY, "--out", out, *args, **more)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr and "Exception" not in done.stderr
    return done


@contextlib.contextmanager
def locked(path, mode=0):
    """Take the permissions of a file or folder away for a while."""
    before = path.stat().st_mode
    path.chmod(mode)
    try:
        yield path
    finally:
        path.chmod(before)


# ------------------------------------------------------------------ settings

SETTINGS = {
    "plain C": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    "narrow column": {"COLUMNS": "1", "NO_COLOR": "1", "TERM": "dumb"},
    "wide column": {"COLUMNS": "10000", "FORCE_COLOR": "1"},
    "no threads": {"OMP_NUM_THREADS": "0", "OPENBLAS_NUM_THREADS": "abc"},
    "optimized": {"PYTHONOPTIMIZE": "2", "PYTHONHASHSEED": "1"},
    "another hash, no folder": {
        "PYTHONHASHSEED": "2",
        "TMPDIR": "/nowhere",
        "HOME": None,
        "LANG": None,
        "TZ": "Nowhere/None",
        "GPUNET_DATA": "/nowhere",
    },
}


@pytest.mark.parametrize("name", SETTINGS)
def test_settings_of_the_system_change_no_bit_of_a_run(place, tmp_path, name):
    pictures(place, tmp_path / "run", **SETTINGS[name])
    assert_same_run(tmp_path / "run", left_behind(place / "run"))
    model = tmp_path / "run" / "model.safetensors"
    assert model.read_bytes() == (place / "run" / "model.safetensors").read_bytes()


def test_letters_that_the_terminal_lacks_are_shown_by_their_codes(place, tmp_path):
    out = tmp_path / "größe"
    done = gpunet(
        *("train", "--data", place / "t.csv", *TABLE, "--out", out),
        PYTHONIOENCODING="ascii",
    )
    assert done.returncode == 0, done.stderr
    assert "gr\\xf6\\xdfe" in done.stdout and "\\xe9" in done.stdout
    done = gpunet("verify", out, PYTHONIOENCODING="ascii")
    assert done.returncode == 0 and "gr\\xf6\\xdfe" in done.stdout


def test_predictions_are_the_same_bytes_in_a_file_and_on_a_narrow_terminal(
    place, tmp_path
):
    words = ["predict", place / "größe", place / "t.csv"]
    shown = gpunet(*words, PYTHONIOENCODING="ascii")
    assert gpunet(*words, "-o", tmp_path / "a.csv").returncode == 0
    assert shown.returncode == 0, shown.stderr
    assert shown.stdout == (tmp_path / "a.csv").read_text("utf-8")
    assert set(shown.stdout.split()) <= {"kind", "é", "ß"}


def test_lab_works_without_docstrings():
    done = gpunet("lab", "by-hand", PYTHONOPTIMIZE="2")
    assert done.returncode == 0 and "ok" in done.stdout, done.stderr


def test_matplotlib_that_cannot_start_costs_the_pictures_only(place, tmp_path):
    done = pictures(place, tmp_path / "run", MPLBACKEND="nosuch")
    assert "warning: pictures: matplotlib: " in done.stderr
    assert "correct MPLBACKEND" in done.stderr
    assert "test accuracy" in done.stdout and "curves.png" not in done.stdout
    verify(tmp_path / "run" / "model.safetensors")


# ------------------------------------------------------------------ streams

CLOSE = f"{PLAIN}; import os; [os.close(n) for n in ({{}},)]"


@pytest.mark.parametrize("numbers", ["0", "1", "2", "0, 1, 2"])
def test_closed_streams_cost_nothing(place, tmp_path, numbers):
    done = pictures(place, tmp_path / "run", first=CLOSE.format(numbers))
    result = json.loads((tmp_path / "run" / "result.json").read_text())
    assert result == json.loads((place / "run" / "result.json").read_text())
    assert ("test accuracy" in done.stdout) == ("1" not in numbers)
    assert ("engine: loop" in done.stderr) == ("2" not in numbers)


def test_error_is_not_printed_among_the_results_where_stderr_is_closed():
    done = gpunet("verify", "/nowhere/model", first=CLOSE.format(2))
    assert (done.returncode, done.stdout, done.stderr) == (4, "", "")


# ------------------------------------------------------------------ permissions


def test_what_may_not_be_read_is_named_with_its_code(place):
    data, run, table = place / "data", place / "run", place / "größe"
    train = ["train", *TINY, "--out", place / "new"]
    cases = [
        (data / "t10k-labels-idx1-ubyte", 3, [*train, "--data-dir", data]),
        (data, 3, [*train, "--data-dir", data]),
        (place / "t.csv", 3, ["train", "--data", place / "t.csv", *TABLE]),
        (place / "t.csv", 3, ["predict", table, place / "t.csv"]),
        (table / "model.safetensors", 4, ["predict", table, place / "t.csv"]),
        (table, 4, ["export", table, "--format", "c"]),
        (run / "best.safetensors", 4, ["verify", run]),
        (run / "checkpoints", 4, ["verify", run]),
        (run, 4, ["verify", run / "model.safetensors"]),
        (run, 4, ["embed_text", "neighbours", "a", "--from", run / "vectors.txt"]),
        (run / "config.json", 2, [*train, "--config", run / "config.json"]),
        (run / "history.jsonl", 4, ["train", "--resume", run, "--epochs", 3]),
        (run / ".lock", 8, ["train", "--resume", run, "--epochs", 3]),
    ]
    for path, code, words in cases:
        with locked(path):
            line = error_line(gpunet(*words, cwd=place), code)
        assert path.name in line and "Permission denied" in line
    assert not (place / "new" / "history.jsonl").exists()


def test_what_may_not_be_written_is_said_before_any_training(place, tmp_path):
    table, words = place / "größe", place / "t.csv"
    closed = tmp_path / "closed"
    closed.mkdir()
    data = ["--data-dir", place / "data", "--validation", 12, *TINY]
    cases = [
        ["train", *data, "--out", closed],
        ["train", *data, "--out", closed / "a" / "b"],
        ["train", *data, "--out", tmp_path / "run", "--log", closed / "log"],
        ["train", *data],  # in runs/ of the folder it stands in
        ["predict", table, words, "-o", closed / "answers.csv"],
        ["export", table, "--format", "c", "-o", closed / "model.c"],
        ["lab", "by-hand", "--out", closed],
        ["images", "--count", 1, "--out", closed],
        ["embed_text", "train", "--corpus", words, "--out", closed / "words"],
    ]
    with locked(closed, 0o555):
        for words in cases:
            done = gpunet(*words, cwd=closed)
            line = error_line(done, 8)
            assert "Permission denied" in line and "epoch 1" not in done.stderr
            assert done.stdout == ""
    assert list(closed.iterdir()) == []


def test_run_of_another_user_can_be_used_and_not_changed(place, tmp_path):
    """A finished run lies in a place where everything is read-only."""
    for name in ("run", "größe"):
        shutil.copytree(place / name, tmp_path / name)
    paths = [path for name in ("run", "größe") for path in _tree(tmp_path / name)]
    with contextlib.ExitStack() as stack:
        for path in paths:
            stack.enter_context(locked(path, 0o555 if path.is_dir() else 0o444))
        assert gpunet("verify", tmp_path / "run").returncode == 0
        done = gpunet("predict", tmp_path / "größe", place / "t.csv", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        done = gpunet("train", "--resume", tmp_path / "run", "--epochs", 3)
        assert "choose a folder you may write to" in error_line(done, 8)


def _tree(folder):
    return [folder, *folder.rglob("*")]


def test_diary_that_may_not_be_written_is_found_before_any_training(place, tmp_path):
    shutil.copytree(place / "run", tmp_path / "run")
    with locked(tmp_path / "run" / "history.jsonl", 0o444):
        done = gpunet("train", "--resume", tmp_path / "run", "--epochs", 3)
    assert "history.jsonl: Permission denied" in error_line(done, 8)
    assert "epoch 3" not in done.stderr


def test_folder_that_is_gone_is_no_place_for_a_run(place, tmp_path):
    gone = f"{PLAIN}; import os; os.rmdir(os.getcwd())"
    (tmp_path / "gone").mkdir()
    words = ["train", "--data-dir", place / "data", *TINY]
    done = gpunet(*words, cwd=tmp_path / "gone", first=gone)
    assert "cannot write: runs/" in error_line(done, 8)


def test_read_only_installation_without_a_home_trains(place, tmp_path):
    """As in a container: nothing beside the package can be written but the run."""
    shutil.copytree(ROOT / "gpunet", tmp_path / "site" / "gpunet", symlinks=True)
    for cache in (tmp_path / "site").rglob("__pycache__"):
        shutil.rmtree(cache)
    with contextlib.ExitStack() as stack:
        for path in _tree(tmp_path / "site"):
            if path.is_dir():
                stack.enter_context(locked(path, 0o555))
        (tmp_path / "out").mkdir()
        pictures(
            *(place, tmp_path / "out" / "run"),
            cwd=tmp_path / "out",
            PYTHONPATH=str(tmp_path / "site"),
            HOME=str(tmp_path / "site"),
        )
    assert not list((tmp_path / "site").rglob("__pycache__"))
