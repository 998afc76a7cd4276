"""Classes: labels that are texts, booleans or any numbers, learned and answered."""

import json

import numpy as np
import pytest

import gpunet
from gpunet import Dataset, Network, Splits, mlp
from gpunet.backend.classes import find_classes, read_labels
from gpunet.errors import ConfigError, DataError, ModelFileError

RNG = np.random.default_rng(0)
X = RNG.standard_normal((60, 4))
T = (X[:, 0] > 0).astype(int) + (X[:, 1] > 0)
NAMES = np.array(["ant", "bee", "cat"])


def trained(t, n_out=3, loss="softmax_cross_entropy", **settings):
    """Return a network trained on these labels for a moment, and its history."""
    net = mlp([4, 8, n_out], loss=loss, seed=1)
    return net, gpunet.fit(net, (X, t), epochs=3, **settings)


@pytest.mark.parametrize(
    ("values", "classes"),
    [
        (NAMES, ("ant", "bee", "cat")),
        (NAMES.astype(object), ("ant", "bee", "cat")),
        (NAMES.astype("S"), ("ant", "bee", "cat")),
        (np.array([3, 5, 7]), (3, 5, 7)),
        (np.array([-1.0, 0.0, 1.0]), (-1, 0, 1)),
        (np.array([1, 2, 3], np.uint8), (1, 2, 3)),
    ],
)
def test_network_learns_labels_by_their_places_and_answers_them(values, classes):
    (plain, expected), (net, history) = trained(T), trained(values[T])
    assert plain.classes is None and net.classes == classes
    for name, p in plain.params.items():
        assert np.array_equal(net.params[name], p)
    assert history["accuracy"] == expected["accuracy"]
    labels = plain.classify(X)
    assert net.classify(X).tolist() == [classes[k] for k in labels]
    assert net.classify(X[0]) == classes[labels[0]]
    result = gpunet.evaluate(net, (X, values[T].tolist()))
    assert result == gpunet.evaluate(plain, (X, T))


def test_labels_of_zero_and_up_stay_what_they_are():
    for t in (T, T.astype(float), T.astype(np.uint8), T % 2):
        net, _ = trained(t)
        assert net.classes is None and net.classify(X).dtype == np.int64


@pytest.mark.parametrize("n_out", [1, 2])
def test_booleans_are_answered_as_booleans(n_out):
    loss = "sigmoid_cross_entropy" if n_out == 1 else "softmax_cross_entropy"
    net, _ = trained(T > 0, n_out, loss)
    plain, _ = trained((T > 0).astype(int), n_out, loss)
    answers = net.classify(X)
    assert net.classes == (False, True) and answers.dtype == bool
    assert np.array_equal(answers, plain.classify(X))


def test_single_output_tells_two_texts_apart():
    net, history = trained(NAMES[(T > 0) * 1], 1, "sigmoid_cross_entropy")
    assert net.classes == ("ant", "bee") and len(history["accuracy"]) == 3
    assert set(net.classify(X).tolist()) <= {"ant", "bee"}


def test_population_answers_classes_for_each_member():
    nets = mlp([4, 3], population=2)
    gpunet.fit(nets, (X, NAMES[T]), epochs=1, validation=0.2)
    assert nets.classify(X).shape == (2, 60)
    assert np.array_equal(nets[1].classify(X), nets.classify(X)[1])


def test_validation_and_weights_are_by_class():
    weight = {"ant": 2.0, "cat": 0.5}
    settings = {"validation": (X[:20], NAMES[T[:20]]), "class_weight": weight}
    net, history = trained(NAMES[T], **settings)
    settings = {"validation": (X[:20], T[:20]), "class_weight": {0: 2.0, 2: 0.5}}
    plain, expected = trained(T, **settings)
    assert history["val_loss"] == expected["val_loss"]
    assert np.array_equal(net.params["0.W"], plain.params["0.W"])


@pytest.mark.parametrize("values", [NAMES, np.array([3, 5, 7])])
def test_part_split_off_and_run_in_a_folder_know_the_classes(values, tmp_path):
    test = Dataset(X[:20], values[T[:20]])
    data = Splits(Dataset(X, values[T]), None, test, None, "mine")
    net, plain = (mlp([4, 8, 3], seed=1) for _ in range(2))
    gpunet.fit(plain, (X, T), epochs=2, validation=0.2)
    gpunet.fit(net, data, epochs=1, validation=0.2, folder=tmp_path / "run")
    gpunet.fit(
        net, data, epochs=2, validation=0.2, folder=tmp_path / "run", resume=True
    )
    assert np.array_equal(net.params["0.W"], plain.params["0.W"])
    result = json.loads((tmp_path / "run" / "result.json").read_text())
    expected = gpunet.evaluate(plain, (X[:20], T[:20]))
    assert result["test_accuracy"] == expected["accuracy"]


def test_dataset_may_say_its_classes_in_any_order():
    net = mlp([4, 3])
    data = Dataset(X, NAMES[T], classes=["cat", "bee", "ant"])
    gpunet.fit(net, data.take(slice(40)), epochs=1)
    assert net.classes == ("cat", "bee", "ant")
    coded = Dataset(X, 2 - T, classes=["cat", "bee", "ant"])
    assert gpunet.evaluate(net, coded) == gpunet.evaluate(net, data)


@pytest.mark.parametrize(
    ("t", "n_out", "kind", "why"),
    [
        (NAMES[T], 2, ConfigError, r"has 3 classes \(ant, bee, cat\), .* 2 outputs"),
        (NAMES[T % 2], 3, ConfigError, r"has 2 classes \(ant, bee\), .* 3 outputs"),
        (NAMES[T * 0], 3, ConfigError, r"has 1 class \(ant\), .* 3 outputs"),
        (NAMES[T], 1, ConfigError, "1 output, which tells two classes apart"),
        (
            [*NAMES[T[:-1]], None],
            3,
            DataError,
            "label 59 is None, and others are texts",
        ),
        (np.append(T[:-1], 9), 3, DataError, "label 59 is 9, outside 0..2"),
    ],
)
def test_labels_that_fit_no_output_are_refused(t, n_out, kind, why):
    net = mlp([4, n_out], loss="hinge")
    with pytest.raises(kind, match=f"training data: .*{why}"):
        gpunet.fit(net, (X, t))
    assert net.classes is None


def test_unknown_label_is_named():
    net, _ = trained(NAMES[T])
    with pytest.raises(
        DataError, match="label 1 is 'dog', none of the classes ant, be"
    ):
        gpunet.evaluate(net, (X[:2], ["ant", "dog"]))
    with pytest.raises(DataError, match="label 0 is 'ant', and the network has no cla"):
        gpunet.evaluate(mlp([4, 3]), (X[:2], ["ant", "bee"]))
    net.classes = ("ant", "bee")
    with pytest.raises(ConfigError, match="classify: has 2 classes"):
        net.classify(X)


def test_labels_are_not_given_another_meaning_later(tmp_path):
    net, _ = trained(T)
    net.save(tmp_path / "net.safetensors")
    loaded = Network.load(tmp_path / "net.safetensors")
    before = net.params["0.W"].copy()
    for other in (net, net.to("cpu"), loaded):
        for values in (np.array([1, 2, 3]), NAMES):
            with pytest.raises(ConfigError, match="was trained or loaded without cla"):
                gpunet.fit(other, (X, values[T]), epochs=1)
        assert other.classes is None
    assert np.array_equal(net.params["0.W"], before)
    gpunet.fit(net, (X, T), epochs=1)
    two, _ = trained((T > 0) * 1, 2)
    gpunet.fit(two, (X, T > 0), epochs=1)  # false is 0 and true is 1, as before
    loaded.classes = NAMES[::-1]  # an array, as numpy.unique gives it
    gpunet.fit(loaded, (X, NAMES[T]), epochs=1)
    assert loaded.classes == ("cat", "bee", "ant")
    with pytest.raises(DataError, match="label 0 is 'dog', none of the classes"):
        gpunet.fit(loaded, (X, ["dog", *NAMES[T[1:]]]))


def test_positions_are_those_of_the_data_sets_own_classes():
    net, _ = trained(NAMES[T])
    turned = Dataset(X, 2 - T, classes=NAMES[::-1])
    assert gpunet.evaluate(net, turned) == gpunet.evaluate(net, (X, NAMES[T]))
    assert gpunet.evaluate(net, (X, T)) == gpunet.evaluate(net, (X, NAMES[T]))
    with pytest.raises(DataError, match="label 0 is 'dog', none of the classes ant"):
        gpunet.evaluate(net, Dataset(X, T * 0, classes=["dog", "bee", "ant"]))


@pytest.mark.parametrize("numbers", [(-1, 1), (1, 2), (0, 7)])
def test_single_output_tells_two_numbers_apart(numbers):
    plain, _ = trained((T > 0) * 1, 1, "sigmoid_cross_entropy")
    net, _ = trained(np.where(T > 0, *numbers[::-1]), 1, "sigmoid_cross_entropy")
    assert net.classes == numbers
    assert np.array_equal(net.params["0.W"], plain.params["0.W"])
    line, _ = trained(np.where(T > 0, *numbers[::-1]), 1, "half_squared_error")
    assert line.classes is None
    with pytest.raises(
        DataError, match=r"target \d+ is 2; sigmoid_cross_entropy needs"
    ):
        gpunet.fit(mlp([4, 1], loss="sigmoid_cross_entropy"), (X, T))


@pytest.mark.parametrize(
    ("classes", "why"),
    [
        ("abc", "must be a list of texts or whole numbers, got 'abc'"),
        (5, "must be a list of texts or whole numbers, got 5"),
        ([], "must be a list"),
        (["a", "a", "b"], "classes must differ, got a, a, b"),
        (["a", 1, "b"], "must be all texts or all whole numbers, got a, 1, b"),
    ],
)
def test_classes_that_are_no_list_of_names_are_refused(classes, why):
    net = mlp([4, 3])
    with pytest.raises(ConfigError, match=why):
        gpunet.fit(net, Dataset(X, T, classes=classes))
    net.classes = classes
    with pytest.raises(ConfigError, match=f"classify: .*{why}"):
        net.classify(X)


def test_column_of_whole_numbers_holds_labels():
    (plain, _), (net, _) = trained(T), trained(T[:, None])
    assert np.array_equal(net.params["0.W"], plain.params["0.W"])
    assert gpunet.evaluate(net, (X, T[:, None])) == gpunet.evaluate(plain, (X, T))


def test_classes_are_kept_in_the_file(tmp_path):
    for values in (NAMES, np.array([3, 5, 7]), np.array([True, False, True])):
        net, _ = trained(values[T], 2 if values.dtype == bool else 3)
        net.save(tmp_path / "net.safetensors")
        other = Network.load(tmp_path / "net.safetensors")
        assert other.classes == net.classes
        assert [type(c) for c in other.classes] == [type(c) for c in net.classes]
        assert np.array_equal(other.classify(X), net.classify(X))
    net.classes = ("a", "b", "c")
    net.save(tmp_path / "net.safetensors")
    with pytest.raises(ModelFileError, match="has 3 classes"):
        Network.load(tmp_path / "net.safetensors")


def test_column_of_texts_and_pandas_categories_are_labels():
    pandas = pytest.importorskip("pandas")
    names = pandas.Series(NAMES[T])
    for t in (names, names.astype("category"), names.to_frame()):
        assert find_classes(read_labels(t, "t"), 3, "t") == ("ant", "bee", "cat")
