"""A pytest plugin: scikit-learn's own tests of its MLPs, run against gpunet's.

    PYTHONPATH=tests python -m pytest -c /dev/null -p sklearn_own \
        --pyargs sklearn.neural_network.tests.test_mlp

Left out are the tests that call scikit-learn's private methods; a name in the
list that scikit-learn no longer has is an error, so that the list cannot rot.
"""

import pytest

import gpunet.sklearn

PRIVATE = {
    "test_gradient": "calls _loss_grad_lbfgs with lists of buffers",
}


def pytest_configure(config):
    """Swap the names before anything is collected."""
    gpunet.sklearn.patch()


def pytest_unconfigure(config):
    """Give scikit-learn its names back."""
    gpunet.sklearn.unpatch()


def pytest_collection_modifyitems(config, items):
    """Leave the private ones out, and refuse to run against the wrong classes."""
    names = {item.originalname for item in items}
    if stale := set(PRIVATE) - names:
        raise pytest.UsageError(f"sklearn_own: no such test any more: {sorted(stale)}")
    module = items[0].module
    for name in ("MLPClassifier", "MLPRegressor"):
        if getattr(module, name) is not getattr(gpunet.sklearn, name):
            raise pytest.UsageError(f"sklearn_own: {name} is not gpunet's")
    left = [item for item in items if item.originalname in PRIVATE]
    config.hook.pytest_deselected(items=left)
    items[:] = [item for item in items if item.originalname not in PRIVATE]
