"""MLPSweep over a Pipeline gives what GridSearchCV gives, with fewer fits before it."""

import numpy as np
import pytest

pytest.importorskip("sklearn")

import sklearn.neural_network as original
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.decomposition import PCA
from sklearn.feature_selection import SelectKBest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, StandardScaler
from sklearn.utils.estimator_checks import check_set_params

from gpunet.sklearn import MLPClassifier, MLPRegressor, MLPSweep

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
RNG = np.random.default_rng(3)
X = RNG.normal(5, 3, size=(90, 6))
Y = (X[:, 0] + X[:, 1] * X[:, 2] > 30).astype(int) + (X[:, 3] > 6)
SMALL = {"hidden_layer_sizes": (7,), "max_iter": 12, "random_state": 0}
GRID = {"mlp__learning_rate_init": [0.001, 0.02], "mlp__alpha": [1e-4, 1.0]}


class Counted(TransformerMixin, BaseEstimator):
    """Scales by the training rows, and counts its fits."""

    fits = 0

    def fit(self, X, y=None):
        Counted.fits += 1
        self.mean_ = X.mean(axis=0)
        return self

    def transform(self, X):
        return X - self.mean_


def pipeline(family, *before, **settings):
    steps = [(type(step).__name__.lower(), step) for step in before]
    return Pipeline([*steps, ("mlp", family(**SMALL | settings))])


def both(before, grid, y=Y, kind="MLPClassifier", **options):
    own = {"MLPClassifier": MLPClassifier, "MLPRegressor": MLPRegressor}[kind]
    sweep = MLPSweep(pipeline(own, *before), grid, **options)
    search = GridSearchCV(pipeline(getattr(original, kind), *before), grid, **options)
    return sweep.fit(X, y), search.fit(X, y)


def assert_same_answers(sweep, search):
    assert set(sweep.cv_results_) == set(search.cv_results_)
    assert sweep.cv_results_["params"] == search.cv_results_["params"]
    for name, expected in search.cv_results_.items():
        if "test" in name:
            np.testing.assert_allclose(sweep.cv_results_[name], expected, atol=1e-9)
    for W, V in zip(
        sweep.best_estimator_[-1].coefs_, search.best_estimator_[-1].coefs_, strict=True
    ):
        np.testing.assert_allclose(W, V, rtol=0, atol=1e-11)
    np.testing.assert_allclose(sweep.predict(X), search.predict(X), rtol=0, atol=1e-9)


def accuracy_on_raw_rows(est, X, y):
    assert isinstance(est, Pipeline) and X.mean() > 3  # as GridSearchCV hands them over
    return est.score(X, y)


SETTINGS = {
    "one step": ([StandardScaler()], GRID, {}),
    "two steps": ([StandardScaler(), PCA(4, random_state=0)], GRID, {"cv": 4}),
    "no step": ([], GRID, {}),
    "steps that see y": ([SelectKBest(k=3)], GRID, {}),
    "grid of a step": ([PCA(random_state=0)], GRID | {"pca__n_components": [2, 5]}, {}),
    "another step": (
        [StandardScaler()],
        GRID
        | {"standardscaler": [MinMaxScaler(), MinMaxScaler((0, 2)), "passthrough"]},
        {},
    ),
    "shapes and lists": (
        [StandardScaler()],
        [{"mlp__alpha": [0.1, 1.0]}, {"mlp__hidden_layer_sizes": [(3,), (4, 2)]}],
        {},
    ),
    "named scoring": ([StandardScaler()], GRID, {"scoring": "neg_log_loss"}),
    "own scoring": ([StandardScaler()], GRID, {"scoring": accuracy_on_raw_rows}),
}


@pytest.mark.parametrize("name", SETTINGS)
def test_sweep_of_a_pipeline_answers_like_a_grid_search(name):
    before, grid, options = SETTINGS[name]
    assert_same_answers(*both(before, grid, **{"cv": 3} | options))


def test_regressors_are_swept_and_weights_reach_the_mlp():
    assert_same_answers(*both([MinMaxScaler()], GRID, X[:, 0], "MLPRegressor", cv=2))
    weight = RNG.random(len(X))
    plain = MLPSweep(pipeline(MLPClassifier, StandardScaler()), GRID, 2).fit(X, Y)
    sweep = MLPSweep(plain.estimator, GRID, 2).fit(X, Y, weight)
    scores = "mean_test_score"
    assert not np.allclose(plain.cv_results_[scores], sweep.cv_results_[scores])
    alone = pipeline(original.MLPClassifier, StandardScaler())
    alone.set_params(**sweep.best_params_).fit(X, Y, mlp__sample_weight=weight)
    W, V = sweep.best_estimator_[-1].coefs_[0], alone[-1].coefs_[0]
    np.testing.assert_allclose(W, V, rtol=0, atol=1e-11)


def test_steps_are_fitted_once_a_fold_and_setting():
    Counted.fits = 0
    MLPSweep(pipeline(MLPClassifier, Counted()), GRID, cv=3).fit(X, Y)
    assert Counted.fits == 3 + 1  # and for the best one
    Counted.fits = 0
    grid = GRID | {"counted": [Counted(), Counted()]}
    MLPSweep(pipeline(MLPClassifier, Counted()), grid, cv=3, refit=False).fit(X, Y)
    assert Counted.fits == 2 * 3


def test_sparse_features_and_data_frames_are_taken():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"a": X[:, 0].round(), "b": np.where(Y > 0, "u", "v")})
    sweep = MLPSweep(
        pipeline(MLPClassifier, OneHotEncoder(handle_unknown="ignore")), GRID, cv=2
    ).fit(frame, Y)
    search = GridSearchCV(sweep.estimator, GRID, cv=2).fit(frame, Y)
    np.testing.assert_allclose(
        sweep.cv_results_["mean_test_score"], search.cv_results_["mean_test_score"]
    )
    assert list(sweep.feature_names_in_) == ["a", "b"]


def test_pipelines_without_an_mlp_of_gpunet_are_refused():
    for last in (original.MLPClassifier(), LogisticRegression()):
        with pytest.raises(TypeError, match="or a Pipeline that ends with one, got"):
            MLPSweep(make_pipeline(StandardScaler(), last), {}).fit(X, Y)
    sweep = MLPSweep(pipeline(MLPClassifier), {"mlp": [LogisticRegression()]})
    with pytest.raises(TypeError, match="got LogisticRegression"):
        sweep.fit(X, Y)
    with pytest.raises(ValueError, match="Invalid parameter 'alpha' for est"):
        MLPSweep(pipeline(MLPClassifier), {"alpha": [1.0]}).fit(X, Y)


def test_a_sweep_of_a_pipeline_is_an_estimator():
    check_set_params("MLPSweep", MLPSweep(pipeline(MLPClassifier), GRID))
