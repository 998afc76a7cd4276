"""Fitted estimators and Pipelines are exported with the steps before the MLP."""

import numpy as np
import pytest

pytest.importorskip("sklearn")
pytest.importorskip("pandas")

import pandas
import sklearn.neural_network as original
from exported import RUN, answers, answers_of_js, load_py
from sklearn.base import clone
from sklearn.compose import (
    ColumnTransformer,
    TransformedTargetRegressor,
    make_column_transformer,
)
from sklearn.decomposition import PCA
from sklearn.impute import SimpleImputer
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MaxAbsScaler,
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    RobustScaler,
    StandardScaler,
)

import gpunet
from gpunet.errors import ConfigError
from gpunet.sklearn import MLPClassifier, MLPRegressor

pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning", "ignore:Found unknown categories"
)
RNG = np.random.default_rng(1)
N = 80
SIZE, COLOR, GRADE, FLAG, RATE = ['si"ze */', "cölor ??/\n", "grade", "__proto__", "r"]
COLORS = ["red", "größe;", '"; //', "rare", ""]
FRAME = pandas.DataFrame(
    {
        SIZE: np.where(np.arange(N) % 9 == 4, np.nan, 1e6 + RNG.normal(size=N)),
        COLOR: [COLORS[k % 3] if k % 20 else "rare" for k in range(N)],
        GRADE: (np.arange(N) % 5) * 10,
        FLAG: np.arange(N) % 7 > 3,
        RATE: RNG.normal(size=N),
    }
)
KIND = np.where(np.arange(N) % 3 == 0, "no", np.where(FRAME[RATE] > 0, "yes", "ünsure"))
SMALL = {"hidden_layer_sizes": (6,), "max_iter": 15, "random_state": 0}
ROWS = [
    [1e6 + 0.5, "red", 10, True, 0.25],
    [None, "größe;", 0, False, -1.0],
    [1e6, '"; //', 40, True, 2.0],
    [1e6, "rare", 20, False, None],
    [1e6, None, 20, False, 0.5],
    [1e6, "green", 20, True, 0.5],
    [1e6, "red", 25, True, 0.5],
]


def filled(*steps):
    return make_pipeline(SimpleImputer(strategy="median"), *steps)


def columns(**options):
    """Return a transformer of the frame; the options are those of the encoders."""
    one_hot = OneHotEncoder(**options.get("color", {"handle_unknown": "ignore"}))
    grade = {"handle_unknown": "use_encoded_value", "unknown_value": -1}
    texts = make_pipeline(SimpleImputer(strategy="most_frequent"), one_hot)
    return ColumnTransformer(
        [
            ("size", filled(StandardScaler()), [SIZE]),
            ("color", texts if options.get("fill", True) else one_hot, [COLOR]),
            ("grade", make_pipeline(OrdinalEncoder(**grade), MinMaxScaler()), [GRADE]),
            ("none", "drop", [SIZE]),
            ("flag", OneHotEncoder(drop="if_binary"), [FLAG]),
            ("twice", filled(RobustScaler()), [RATE, SIZE]),
        ],
        remainder="passthrough",
    )


RARE = "infrequent_if_exist"
PIPELINES = {
    "all": columns(),
    "not filled": columns(fill=False),
    "rare": columns(
        color={"min_frequency": 9, "handle_unknown": "infrequent_if_exist"}
    ),
    "refused": columns(color={"drop": "first"}),
}


def expected(model, rows, method):
    """Return what a model answers to each row; NaN where it refuses."""
    found = []
    for row in rows:
        cells = [np.nan if cell is None else cell for cell in row]
        frame = pandas.DataFrame([cells], columns=list(FRAME), dtype=object)
        kinds = {SIZE: float, RATE: float}
        try:
            found.append(getattr(model, method)(frame.astype(kinds))[0])
        except ValueError:
            found.append(None)
    width = next(np.size(y) for y in found if y is not None)
    return np.array([np.full(width, np.nan) if y is None else y for y in found])


@pytest.mark.parametrize("family", [original.MLPClassifier, MLPClassifier])
@pytest.mark.parametrize("name", PIPELINES)
def test_pipeline_answers_raw_rows(name, family, tmp_path):
    model = make_pipeline(PIPELINES[name], family(**SMALL)).fit(FRAME, KIND)
    y = expected(model, ROWS, "predict_proba")
    assert np.isnan(y).any() == (name == "refused") and not np.isnan(y).all()
    for kind in RUN:
        if kind == "onnx":
            pytest.importorskip("onnx")
        path = tmp_path / f"net.{kind}"
        gpunet.export(model, path)
        found = answers(kind, path, ROWS, [1], y)
        np.testing.assert_allclose(found, y, rtol=0, atol=2e-6, err_msg=kind)
    answered = ~np.isnan(y).any(axis=1)
    rows = [row for row, kept in zip(ROWS, answered, strict=True) if kept]
    labels = model.classes_[y[answered].argmax(axis=1)].tolist()
    assert answers_of_js(tmp_path / "net.js", rows)[1] == labels
    frame = pandas.DataFrame(rows, columns=list(FRAME))
    assert load_py(tmp_path / "net.py").classify(frame).tolist() == labels


X = RNG.normal(3, 2, size=(N, 3))
STEPS = {
    "standard": [StandardScaler(), StandardScaler(with_mean=False)],
    "no deviation": [StandardScaler(with_std=False), MaxAbsScaler()],
    "min max": [
        MinMaxScaler((-1, 2)),
        "passthrough",
        RobustScaler(with_centering=False),
    ],
    "robust": [RobustScaler(with_scaling=False), FunctionTransformer()],
    "scaled, then filled": [StandardScaler(), SimpleImputer()],
    "union": [FeatureUnion([("a", MinMaxScaler()), ("b", "passthrough")])],
    "nested": [make_pipeline(StandardScaler(), MinMaxScaler()), None],
}


@pytest.mark.parametrize("name", STEPS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_steps_on_numbers_are_exact(name, dtype, tmp_path):
    x = X.astype(dtype)
    if "filled" in name:
        x[::7, 1] = np.nan
    steps = [(str(k), step) for k, step in enumerate(STEPS[name])]
    model = Pipeline([*steps, ("mlp", MLPRegressor(**SMALL))]).fit(x, X[:, 0])
    y = model.predict(x)[:, None]
    for kind in ("js", "py", "c"):
        gpunet.export(model, tmp_path / f"net.{kind}")
        rows = [[None if v != v else v for v in row] for row in x.tolist()]
        found = answers(kind, tmp_path / f"net.{kind}", rows, [], y)
        np.testing.assert_allclose(
            found, y, rtol=0, atol=1e-12 if dtype == "float64" else 2e-6
        )


CODES = np.stack([np.arange(N) % 4 * 2.5, np.arange(N) % 3 - 1.0, X[:, 0]], axis=1)
CODES[::9, 0] = CODES[::7, 1] = np.nan
NUMBERS = [[2.5, -1.0, 0.5], [None, 0.0, 0.5], [7.5, None, 0.5], [3.0, 1.0, 0.5]]
ENCODERS = {
    "one-hot": OneHotEncoder(handle_unknown="ignore"),
    "dropped": OneHotEncoder(drop=[7.5, 0.0], handle_unknown="ignore"),
    "ordinal": OrdinalEncoder(
        handle_unknown="use_encoded_value", unknown_value=-9, encoded_missing_value=-1
    ),
}


@pytest.mark.parametrize("name", ENCODERS)
def test_categories_that_are_numbers_may_be_missing(name, tmp_path):
    encoder = make_column_transformer((ENCODERS[name], [0, 1]), (MaxAbsScaler(), [2]))
    model = make_pipeline(encoder, MLPRegressor(**SMALL)).fit(CODES, X[:, 1])
    y = model.predict(np.array(NUMBERS, float))[:, None]
    for kind in RUN:
        if kind == "onnx":
            pytest.importorskip("onnx")
        gpunet.export(model, tmp_path / f"net.{kind}")
        found = answers(kind, tmp_path / f"net.{kind}", NUMBERS, [], y)
        np.testing.assert_allclose(found, y, rtol=0, atol=1e-9, err_msg=kind)


def test_scaled_target_and_searches_are_unwrapped(tmp_path):
    y = 1e4 + 50 * X[:, 0]
    for scaler in (None, StandardScaler(), MinMaxScaler((-1, 1))):
        mlp = make_pipeline(StandardScaler(), original.MLPRegressor(**SMALL))
        model = TransformedTargetRegressor(mlp, transformer=scaler).fit(X, y)
        gpunet.export(model, tmp_path / "net.py")
        found = load_py(tmp_path / "net.py").predict(X)[:, 0]
        np.testing.assert_allclose(found, model.predict(X), rtol=1e-12)
    search = GridSearchCV(mlp, {"mlpregressor__alpha": [0.1, 1.0]}, cv=2).fit(X, y)
    gpunet.export(search, tmp_path / "net.py")
    found = load_py(tmp_path / "net.py").predict(X)[:, 0]
    np.testing.assert_allclose(found, search.predict(X), rtol=1e-9)
    for bare in (clone(search), clone(search).set_params(refit=False).fit(X, y)):
        with pytest.raises(ConfigError, match="GridSearchCV: has no best_estimator_"):
            gpunet.export(bare, tmp_path / "net.py")


def test_estimators_alone_are_exported(tmp_path):
    labels = (X > 3).astype(int)
    for clf, y in (
        (MLPClassifier(**SMALL), labels),
        (original.MLPClassifier(**SMALL), KIND),
    ):
        clf.fit(X, y)
        gpunet.export(clf, tmp_path / "net.js")
        outputs, classes = answers_of_js(tmp_path / "net.js", X.tolist())
        np.testing.assert_allclose(outputs, clf.predict_proba(X), atol=1e-12)
        assert classes == clf.predict(X).tolist()
    two = MLPClassifier(**SMALL).fit(X, KIND == "no")
    gpunet.export(two, tmp_path / "net.py")
    python = load_py(tmp_path / "net.py")
    np.testing.assert_allclose(python.predict(X)[:, 0], two.predict_proba(X)[:, 1])
    assert (python.classify(X) == two.predict(X)).all()
    many = MLPClassifier(**SMALL, n_members=2).fit(X, KIND)
    with pytest.raises(
        ConfigError, match="contains 2 networks; name one with `member`"
    ):
        gpunet.export(many, tmp_path / "net.py")
    gpunet.export(many, tmp_path / "net.py", member=1)
    found = load_py(tmp_path / "net.py").predict(X)
    np.testing.assert_allclose(found, many.to_network().member(1).predict(X))


class Derived(StandardScaler):
    """Whatever it computes, an export does not know it."""


REFUSED = {
    "PCA: cannot be exported; only": [PCA(2)],
    "Derived: cannot be exported": [Derived()],
    "MinMaxScaler: clip=True": [MinMaxScaler(clip=True)],
    "SimpleImputer: missing_values=-1": [SimpleImputer(missing_values=-1)],
    "SimpleImputer: add_indicator=True": [SimpleImputer(add_indicator=True)],
    "FunctionTransformer: a function": [FunctionTransformer(np.abs)],
    "OrdinalEncoder: comes after a scaler": [StandardScaler(), OrdinalEncoder()],
    "SimpleImputer: comes after an encoder": [OrdinalEncoder(), SimpleImputer()],
    "FeatureUnion: transformer_weights": [
        FeatureUnion([("a", MinMaxScaler())], transformer_weights={"a": 2.0})
    ],
    "ColumnTransformer: selects one-hot": [
        OneHotEncoder(sparse_output=False),
        ColumnTransformer([("a", "passthrough", [0, 1])]),
    ],
}


@pytest.mark.parametrize("reason", REFUSED)
def test_what_no_file_can_repeat_is_refused_by_name(reason, tmp_path):
    model = make_pipeline(*REFUSED[reason], MLPRegressor(**SMALL)).fit(X, X[:, 0])
    with pytest.raises(ConfigError, match=f"export: {reason}"):
        gpunet.export(model, tmp_path / "net.js")
    with pytest.raises(
        ConfigError, match=r"use one of \.onnx, \.json, \.c, \.js, \.py"
    ):
        gpunet.export(model, tmp_path / "net.pt")
    with pytest.raises(ConfigError, match="must be a Network, the path"):
        gpunet.export([1], tmp_path / "net.js")
    assert not list(tmp_path.iterdir())
