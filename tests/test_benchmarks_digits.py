"""What benchmarks and checks of devices train on: digits divided by 255 once."""

from dataclasses import replace

import numpy as np
import pytest
from benchmarks import digits as digits_module
from benchmarks import processes, sklearn_fits
from benchmarks.gpu import Request, checks, measurements

from gpunet.cli.commands import parity
from gpunet.data import load_mnist, read_mnist

REQUEST = Request("cpu", True, 9.0)
N = 10_000  # read once: more digits would only take longer


@pytest.fixture(scope="module")
def pixels():
    return read_mnist().train.x[:N]


@pytest.fixture(scope="module")
def digits():
    data = load_mnist()
    return replace(data, train=data.train.take(slice(N)))


@pytest.fixture(autouse=True)
def read_once(monkeypatch, digits):
    for module in (digits_module, parity):
        monkeypatch.setattr(module, "load_mnist", lambda: digits)


def given_to_fit(section, monkeypatch):
    """Return the features that the first `fit` of a section is given."""
    features = []

    def fit(net, data, **settings):
        features.append(data[0])
        raise StopIteration

    monkeypatch.setattr(f"{section.__module__}.fit", fit)
    with pytest.raises(StopIteration):
        section(REQUEST)
    return features[0]


def written_for_rivals(folder):
    """Return the features that benchmarks write for their processes."""
    files, _ = processes.write_rows("mnist", [784, 4, 10], 1, str(folder))
    return np.load(files["x"])


READERS = {
    "bench": lambda m, folder: written_for_rivals(folder),
    "bench_sklearn": lambda m, folder: sklearn_fits.rows_of("mnist", None)[0],
    "parity": lambda m, folder: np.concatenate(
        [x for x, _ in parity._batches(parity.CASES[0], "mnist", 0, 4)]
    ),
    **{
        section.__name__: lambda m, folder, section=section: given_to_fit(section, m)
        for section in (checks.engines, checks.repeats, measurements.population)
    },
}


@pytest.mark.parametrize("name", READERS)
def test_benchmarks_train_on_digits_from_0_to_1(name, monkeypatch, tmp_path, pixels):
    x = READERS[name](monkeypatch, tmp_path)
    assert x.dtype.kind == "f" and (x.min(), x.max()) == (0.0, 1.0)
    assert np.max(np.abs(x - pixels[: len(x)] / 255)) < 1e-7


def test_training_digits_are_the_first_with_their_labels():
    x, t = digits_module.training_digits(5)
    assert x.shape == (5, 784) and t.tolist() == [5, 0, 4, 1, 9]
    assert (x.dtype, t.dtype) == (np.float32, np.int64)
    assert len(digits_module.training_digits()[0]) == N
