"""scikit-learn's judgement: its own checks of estimators, and of its own MLPs."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("sklearn")

from sklearn.utils.estimator_checks import parametrize_with_checks

from gpunet.sklearn import MLPClassifier, MLPRegressor

ESTIMATORS = [
    MLPClassifier(max_iter=100),
    MLPRegressor(max_iter=100),
    MLPClassifier(solver="lbfgs", dtype="float32", alpha=1.0, max_iter=30),
    MLPRegressor(solver="lbfgs", dtype="float32", alpha=1.0, max_iter=30),
]


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer:UserWarning")
@pytest.mark.filterwarnings("ignore:lbfgs failed to converge:UserWarning")
@pytest.mark.filterwarnings("ignore:.*batch_size.*:UserWarning")
@parametrize_with_checks(ESTIMATORS)
def test_scikit_learn_finds_no_fault(estimator, check):
    check(estimator)
