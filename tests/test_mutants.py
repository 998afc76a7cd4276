"""The mutation gate: a suite is worth what it catches, so faults are planted.

Each fault of `mutants` and `mutants_rooms` is put into a copy of the package; the
tests it names must then fail, having passed on the untouched copy.
"""

import os
import shutil
import subprocess
import sys

import pytest
from helpers import ROOT
from mutants import LESSON
from mutants_rooms import ROOMS

PACKAGE = ROOT / "gpunet"
MUTANTS = [*LESSON, *ROOMS]


@pytest.fixture(scope="module")
def copied(tmp_path_factory):
    """Return a folder that holds a copy of the package."""
    folder = tmp_path_factory.mktemp("mutant")
    for source in PACKAGE.rglob("*"):
        target = folder / source.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.suffix in (".py", ".pyc"):
            shutil.copy2(source, target)
        elif source.is_file():
            target.symlink_to(source)
    return folder


def run_tests(folder, nodes):
    """Return pytest's exit code and output for some tests of the copy."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith("GPUNET_")}
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-x", "-q", "--tb=line"),
            *("-p", "no:cacheprovider", "-c", str(ROOT / "pyproject.toml")),
            *(str(ROOT / "tests" / node) for node in nodes),
        ],
        env=clean
        | {
            "PYTHONPATH": str(folder),
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",  # starts twice as fast
        },
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_named_tests_pass_on_the_untouched_copy(copied):
    nodes = sorted({node for mutant in MUTANTS for node in mutant.tests.split()})
    code, output = run_tests(copied, nodes)
    assert code == 0, output


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda m: m.name.replace(" ", "_"))
def test_mutant_is_caught(copied, mutant):
    file = copied / "gpunet" / mutant.file
    source = file.read_text("utf-8")
    assert source.count(mutant.old) == 1, (
        f"the text is there {source.count(mutant.old)}x"
    )
    was = file.stat()
    file.write_text(source.replace(mutant.old, mutant.new), "utf-8")
    try:
        code, output = run_tests(copied, mutant.tests.split())
    finally:
        file.write_text(source, "utf-8")
        os.utime(file, ns=(was.st_atime_ns, was.st_mtime_ns))
    # 1 says that a test failed; 2 to 5 that none ran.
    assert code == 1, output


def test_mutants_have_names_of_their_own():
    names = [mutant.name for mutant in MUTANTS]
    assert len(set(names)) == len(names)
