"""The recipes of CONTRIBUTING.md: its own code at the places it names, carried out."""

import re
import shutil
import subprocess
import sys

import pytest
from helpers import ROOT, run_python

GUIDE = (ROOT / ".github" / "CONTRIBUTING.md").read_text("utf-8")
STEP = re.compile(r"^\d\. ([^\n]*)\n(?:\n```python\n(.*?)```$)?", re.M | re.S)


def follow(text, package):
    """Carry out a recipe's steps in a copy of the repository; return how many."""
    path, n = None, 0
    for step, code in STEP.findall(text):
        if named := re.search(r"(?:In|New file) `(gpunet/[^`]+)`", step):
            path = package / named[1]
        if copied := re.match(r"Copy `(.*)` to `(.*)` and change the name", step):
            old, new = (package / name for name in copied.groups())
            new.write_text(old.read_text("utf-8").replace(old.stem, new.stem))
        elif place := re.search(r"(?i)(before|after) `(.+)`:$", step):
            insert(path, *place.groups(), code)
        else:
            assert step.startswith("New file") and not path.exists()
            path.write_text(code, "utf-8")
        n += 1
    return n


def insert(path, side, place, code):
    """Insert lines before or after the one line of a file that contains `place`."""
    lines = path.read_text("utf-8").splitlines(keepends=True)
    (k,) = [k for k, line in enumerate(lines) if place in line]
    if side.lower() == "after":
        lines.insert(k + 1, code)
    else:
        lines.insert(k, code if code[0] == " " else code + "\n\n")
    path.write_text("".join(lines), "utf-8")


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    """A copy of the repository in which every recipe has been followed."""
    folder = tmp_path_factory.mktemp("recipes")
    ignored = shutil.ignore_patterns("__pycache__")
    for name in ("gpunet", "scripts"):
        shutil.copytree(ROOT / name, folder / name, ignore=ignored)
    recipes = re.split(r"^## ", GUIDE, flags=re.M)[1:]
    assert len(recipes) == 7 and all(follow(text, folder) for text in recipes)
    return folder


def carried_out(repository, code):
    start = (
        "import warnings; warnings.simplefilter('ignore')\n"
        "import numpy as np, gpunet\n"
        "from gpunet.cli import main\n"
        "x = np.random.default_rng(0).normal(size=(60, 4)).astype('float32')\n"
        "t = (x[:, 0] > 0).astype('int64')\n"
        "def losses(net, **more):\n"
        "    return gpunet.fit(net, (x, t), epochs=20, **more)['loss']\n"
        "def again(net):\n"
        "    net.save('model')\n"
        "    same = gpunet.load_network('model')\n"
        "    assert np.array_equal(same.predict(x), net.predict(x))\n"
        "    assert all(c.ok for c in gpunet.check_gradients(net, x[:4], t[:4]))\n"
    )
    move = f"import os; os.chdir({str(repository)!r})\n"
    done = run_python(move + start + code, path=[repository])
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_new_layer_learns_and_is_saved(repository):
    code = (
        "from gpunet.layers import Dense, Scale\n"
        "net = gpunet.Network([Dense(4, 5), Scale(5), Dense(5, 2)])\n"
        "first, *_, last = losses(net)\n"
        "assert last < first and net.params['1.s'].std() > 0\n"
        "again(net)\n"
        "many = gpunet.Network([Dense(4, 5), Scale(5), Dense(5, 2)], population=3)\n"
        "losses(many)\n"
        "assert np.array_equal(many.member(0).predict(x), net.predict(x))\n"
    )
    carried_out(repository, code)


def test_new_activation_learns_is_saved_and_exported_or_refused(repository):
    code = (
        "from gpunet.storage.export import exported\n"
        "net = gpunet.mlp([4, 5, 2], 'softsign')\n"
        "first, *_, last = losses(net)\n"
        "assert last < first\n"
        "again(net)\n"
        "assert b'softsign' in exported(net, 'json')\n"
        "for form in ('c', 'js', 'py', 'onnx'):\n"
        "    try: exported(net, form)\n"
        "    except gpunet.GpunetError as error: print(error)\n"
        "main(['gradcheck', '--sizes', '4,5,2', '--activation', 'softsign'])\n"
    )
    printed = carried_out(repository, code)
    assert "C has no lines for softsign; add them, or use JSON" in printed
    assert "JavaScript has no lines for softsign" in printed
    assert "Python has no lines for softsign" in printed
    assert "ONNX has no lines for softsign" in printed or "not installed" in printed
    assert "0.W" in printed


def test_new_loss_learns_and_is_saved(repository):
    code = (
        "net = gpunet.mlp([4, 5, 2], 'tanh', loss='log_cosh')\n"
        "first, *_, last = losses(net)\n"
        "assert last < first\n"
        "again(net)\n"
    )
    carried_out(repository, code)


def test_new_optimizer_learns_by_its_name(repository):
    code = (
        "net = gpunet.mlp([4, 5, 2])\n"
        "first, *_, last = losses(net, optimizer='signum')\n"
        "assert last < first\n"
        "print(gpunet.optimizer('signum', beta=0.5).beta)\n"
        "try: gpunet.optimizer('signum', beta=1.0)\n"
        "except gpunet.GpunetError as error: print(error)\n"
    )
    printed = carried_out(repository, code)
    assert printed.startswith("0.5\n") and "Signum: beta" in printed


def test_new_experiment_runs_with_its_option(repository):
    printed = carried_out(repository, "main(['lab', 'doubling', '--times', '4'])\n")
    assert "doubled" in printed and "16" in printed


def test_new_command_runs_and_its_script_too(repository):
    code = (
        "main(['greet', '--name', 'Ada']); main(['greet', '--help'])\n"
        "import runpy, sys; sys.argv = ['scripts/greet.py']\n"
        "try: runpy.run_path('scripts/greet.py', run_name='__main__')\n"
        "except SystemExit as end: print(end.code)\n"
    )
    printed = carried_out(repository, code)
    assert printed.startswith("Hello Ada\nusage: ") and "Greet somebody." in printed
    assert printed.endswith("Hello you\n0\n")


def test_new_setting_is_an_argument_a_key_and_an_option(repository):
    code = (
        "net = gpunet.mlp([4, 5, 2])\n"
        "history = gpunet.fit(net, (x, t), epochs=9, target_loss=9.0)\n"
        "print(len(history), history.outcome)\n"
        "open('t.csv', 'w').write('a,b\\n' + '1,x\\n2,y\\n' * 20)\n"
        "table = ['--data', 't.csv', '--target', 'b', '--quiet', '--out', 'run']\n"
        "code = main(['train', *table, '--device', 'cpu', '--target-loss', '9'])\n"
        "import json; config = json.load(open('run/config.json'))\n"
        "lines = open('run/history.jsonl').readlines()\n"
        "print(code, config['target_loss'], len(lines))\n"
    )
    printed = carried_out(repository, code)
    assert printed.startswith("1 target loss reached\n")
    assert printed.endswith("0 9.0 1\n")


def test_guide_is_short():
    assert len(GUIDE.split()) <= 600


def test_followed_recipes_pass_the_checks(repository):
    pytest.importorskip("ruff")
    shutil.copy(ROOT / "pyproject.toml", repository)
    for check in (["check"], ["format", "--check"]):
        command = [sys.executable, "-m", "ruff", *check, "gpunet", "scripts"]
        done = subprocess.run(command, cwd=repository, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout
