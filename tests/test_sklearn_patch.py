"""patch, unpatch and `python -m gpunet.accel`."""

import pickle
import re
import sys
import types

import pytest
from helpers import ROOT, run_python

pytest.importorskip("sklearn")

import sklearn.neural_network
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.neural_network import _multilayer_perceptron as home

import gpunet.sklearn
from gpunet.errors import ConfigError


@pytest.fixture(autouse=True)
def unpatched():
    yield
    gpunet.sklearn.unpatch()
    assert sklearn.neural_network.MLPClassifier is home.MLPClassifier


def test_patch_swaps_the_names_and_unpatch_swaps_them_back():
    gpunet.sklearn.patch()
    gpunet.sklearn.patch()
    from sklearn.neural_network import MLPClassifier, MLPRegressor

    assert MLPClassifier is gpunet.sklearn.MLPClassifier
    assert MLPRegressor is gpunet.sklearn.MLPRegressor
    gpunet.sklearn.unpatch()
    assert sklearn.neural_network.MLPClassifier is home.MLPClassifier
    gpunet.sklearn.unpatch()


def test_patch_reaches_modules_that_imported_before(monkeypatch):
    module = types.ModuleType("a_users_module")
    module.Net, module.other = home.MLPClassifier, "kept"
    monkeypatch.setitem(sys.modules, "a_users_module", module)
    gpunet.sklearn.patch()
    assert module.Net is gpunet.sklearn.MLPClassifier
    gpunet.sklearn.unpatch()
    assert module.Net is home.MLPClassifier and module.other == "kept"


def test_unpatch_leaves_alone_what_was_set_since(monkeypatch):
    module = types.ModuleType("a_users_module")
    module.Net = home.MLPClassifier
    monkeypatch.setitem(sys.modules, "a_users_module", module)
    gpunet.sklearn.patch()
    module.Net = None
    gpunet.sklearn.unpatch()
    assert module.Net is None


def test_objects_made_before_a_patch_still_pickle():
    X, y = load_iris(return_X_y=True)
    old = home.MLPClassifier(
        4, solver="lbfgs", random_state=0, max_iter=500, tol=0.1
    ).fit(X, y)
    gpunet.sklearn.patch()
    again = pickle.loads(pickle.dumps(old))
    assert (
        type(again) is home.MLPClassifier and (again.predict(X) == old.predict(X)).all()
    )


def test_patch_can_change_defaults_and_unpatch_restores_them():
    gpunet.sklearn.patch(device="cpu", dtype="float32")
    for name in ("MLPClassifier", "MLPRegressor"):
        est = getattr(sklearn.neural_network, name)()
        assert (est.device, est.dtype, est.engine) == ("cpu", "float32", "auto")
        assert clone(est).dtype == "float32"
    gpunet.sklearn.patch(engine="loop")  # the later defaults alone
    assert sklearn.neural_network.MLPClassifier().dtype is None
    gpunet.sklearn.unpatch()
    assert gpunet.sklearn.MLPClassifier().engine == "auto"
    with pytest.raises(ConfigError, match=r"no parameter 'devise'; .*mean device"):
        gpunet.sklearn.patch(devise="cuda")


README = (ROOT / "gpunet/sklearn/README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```\s*```text\n(.*?)```", README, re.S)


@pytest.mark.parametrize("code, printed", BLOCKS)
def test_readme_block_prints_what_it_says(code, printed):
    done = run_python(code, timeout=300)  # the first may compile
    assert (done.stdout, done.returncode) == (printed, 0)


def test_readme_has_blocks():
    assert len(BLOCKS) == 3
