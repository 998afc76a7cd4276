"""MNIST from the package itself, and every data set in the same four files.

Each use checks the digits against a SHA-256, as a file may rot long after it was
installed. Pixels stay bytes until the training code scales them: 47 MB, not 188.
"""

import os
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from ..errors import ConfigError
from ..io.messages import data_error, nearest
from .checks import check_labels
from .dataset import Dataset, Splits
from .idx import read_images_and_labels

EMBEDDED = Path(__file__).parent / "mnist"
SYSTEM_FOLDERS = {"fashion-mnist": Path("/usr/share/datasets/fashion-mnist")}
SHA256 = {  # of the uncompressed files
    "train-images": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
_DIMS = {"images": 3, "labels": 1}
_NIELSEN_TOTAL, _NIELSEN_TRAIN = 60_000, 50_000


def read_mnist(folder: str | Path | None = None, *, name: str = "mnist") -> Splits:
    """Return MNIST, or another data set in its format, as bytes.

    The four files may be plain or .gz, and be named ``train-images-idx3-ubyte`` or
    ``train-images.idx3-ubyte``; the names of labels end in ``idx1``, those of the
    test files begin with ``t10k``.

    Parameters
    ----------
    folder : str or path-like, optional
        None uses the package's own files for "mnist"; for other names it tries
        ``$GPUNET_DATA/<name>``, ``$GPUNET_DATA`` and the system's folder.
    name : str
        Letters, digits, ``.``, ``_`` and ``-``.

    Returns
    -------
    splits : Splits
        x is uint8, one flat image a row (60000, 784), t int64, scale 1 / 255; no
        validation part; n_classes is the largest training label plus 1.

    Raises
    ------
    DataError
        If a file is missing or damaged, the four do not fit together, or the
        package's copy was changed.

    Examples
    --------
    >>> splits = read_mnist()
    >>> splits.train.x.shape, splits.test.x.shape, splits.train.t[:5].tolist()
    ((60000, 784), (10000, 784), [5, 0, 4, 1, 9])
    """
    if not re.fullmatch(r"[A-Za-z0-9][\w.-]*", name, re.ASCII):
        raise ConfigError(f"a data set must have a plain name, got {name!r}")
    if folder is not None:
        return _load(Path(os.fsdecode(folder)), name, {})
    if name == "mnist":
        return _load(EMBEDDED, name, SHA256)
    root = os.environ.get("GPUNET_DATA")
    folders = [Path(root) / name, Path(root)] if root else []
    folders += [SYSTEM_FOLDERS[name]] if name in SYSTEM_FOLDERS else []
    for known in folders:
        if any(map(os.path.lexists, _candidates(known, "train-images"))):
            return _load(known, name, {})
    looked = ", ".join(map(str, folders)) or "no folder, as $GPUNET_DATA is not set"
    reason = f"not found; looked in {looked}"
    near = nearest(name, ["mnist", "fashion-mnist"], 1)
    hint = f"; did you mean {near[0]}?" if near and near != [name] else ""
    raise data_error("data set", name, reason, f"give its folder{hint}")


def load_mnist(
    folder: str | Path | None = None, *, name: str = "mnist", dtype: str = "float32"
) -> Splits:
    """Return `read_mnist` with x as floats of `dtype` from 0 to 1, and scale 1.

    Examples
    --------
    >>> data = load_mnist()
    >>> data.train.x.dtype, float(data.train.x.max()), data.test.t[:3].tolist()
    (dtype('float32'), 1.0, [7, 2, 1])
    """
    raw = read_mnist(folder, name=name)
    assert raw.test is not None
    train = Dataset(raw.train.scaled(dtype), raw.train.t)
    test = Dataset(raw.test.scaled(dtype), raw.test.t)
    return replace(raw, train=train, test=test)


def _load(folder: Path, name: str, sha256: dict[str, str]) -> Splits:
    """Read the four files of `folder`, with digests where they are known."""
    with ThreadPoolExecutor(2) as pool:  # inflating does not hold Python's lock
        files = pool.map(partial(_read_files, folder, sha256), ("train", "t10k"))
        images, labels, where = next(files)
        train = _part(images, labels, where)
        n_classes = int(np.max(train.t)) + 1
        test_images, labels, where = next(files)
    test = _part(test_images, labels, where, n_classes)
    shape, test_shape = images.shape[1:], test_images.shape[1:]
    if test_shape != shape:
        reason = f"train images are {shape}, test images {test_shape}"
        raise data_error("data set", folder, reason, "give the files of one data set")
    return Splits(train, None, test, n_classes, name)


def _read_files(
    folder: Path, sha256: dict[str, str], part: str
) -> tuple[np.ndarray, np.ndarray, Path]:
    """Return the images and labels of one part, and the path of the labels."""
    stems = f"{part}-images", f"{part}-labels"
    paths = [_find(folder, stem) for stem in stems]
    digests = sha256.get(stems[0]), sha256.get(stems[1])
    return *read_images_and_labels(*paths, sha256=digests), paths[1]


def _part(
    images: np.ndarray, labels: np.ndarray, where: Path, n_classes: int | None = None
) -> Dataset:
    """Return one part as a Dataset; the test part knows the number of classes."""
    is_test = n_classes is not None
    labels = check_labels(labels, n_classes, where, one_class_ok=is_test)
    return Dataset(images.reshape(len(images), -1), labels, scale=1 / 255)


def _find(folder: Path, stem: str) -> Path:
    """Return the path of one of the four files under any of its usual names."""
    candidates = _candidates(folder, stem)
    for path in candidates:
        # lexists: a broken link exists, and its fault is named later.
        if os.path.lexists(path):
            return path
    names = ", ".join(path.name for path in candidates)
    is_folder = os.path.isdir(folder)
    reason = f"contains none of {names}" if is_folder else "is not a folder"
    try:
        os.lstat(candidates[0])
    except PermissionError as error:  # what is hidden may well exist
        reason = f"cannot be listed ({error.strerror})"
    except (OSError, ValueError):  # ValueError: NUL or a lone surrogate
        pass
    remedy = "give the folder of the four IDX files"
    raise data_error("data folder", folder, reason, remedy)


def _candidates(folder: Path, stem: str) -> list[Path]:
    """Return the usual paths of one of the four files, the plain ones first."""
    kind = f"idx{_DIMS[stem.rpartition('-')[2]]}-ubyte"
    return [folder / f"{stem}{dot}{kind}{gz}" for gz in ("", ".gz") for dot in "-."]


def nielsen_split(splits: Splits) -> Splits:
    """Return MNIST with its last 10,000 training digits held out: 50,000 and 10,000.

    The parts are views of the same memory. `mnist_loader.py` of Nielsen's book.
    """
    n = len(splits.train)
    if n != _NIELSEN_TOTAL or splits.validation is not None:
        raise ConfigError(
            f"Nielsen's split must have {_NIELSEN_TOTAL} training rows and no "
            f"validation part, got {n} rows; use split_validation"
        )
    train = splits.train.take(slice(_NIELSEN_TRAIN))
    validation = splits.train.take(slice(_NIELSEN_TRAIN, None))
    return replace(splits, train=train, validation=validation)
