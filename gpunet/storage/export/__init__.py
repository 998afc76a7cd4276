"""A trained network for those who have no gpunet: as a file of another format."""

import os
from typing import Any

from ..._lazy import load
from ...errors import ConfigError
from ...io.messages import Path, printable
from ...io.writing import write_atomically
from ...network import Network
from ..models import choose_member, open_member
from ..network import model_file
from .c import to_c
from .graph import ExportGraph, export_graph
from .json import to_json
from .onnx import to_onnx
from .ports import Answers, RawRows, table_ports
from .programs import to_js, to_py

FORMATS = {"onnx": to_onnx, "json": to_json, "c": to_c, "js": to_js, "py": to_py}


def export(model: Any, path: Path, *, member: int | None = None) -> int:
    """Write a trained model to a file that needs no gpunet; return its size in bytes.

    The file takes what the model takes: raw rows of numbers and texts for a model that
    was trained on a table and for a Pipeline, scaled and encoded inside.

    Parameters
    ----------
    model : Network, path, or fitted estimator
        A path is that of a model file or run folder. An estimator is an MLPClassifier
        or MLPRegressor of gpunet or scikit-learn, or a Pipeline that ends with one.
    path : str, bytes or os.PathLike
        Its suffix is the format: .onnx; .json; .c (C99); .js (a script, for pages and
        Node); .py (a module, needs NumPy). The file is written wholly or not at all.
    member : int, optional
        Which network of a population.

    Raises
    ------
    ConfigError
        Another suffix; a part of the model that the format has no lines for, by name;
        or the onnx package is not installed.
    ModelFileError
        The model file cannot be read, or its weights are not finite or too many.
    WriteError
        The system refused; an old file of that name is intact.

    Examples
    --------
    >>> import gpunet, json, tempfile, pathlib
    >>> path = pathlib.Path(tempfile.mkdtemp(), "net.json")
    >>> size = export(gpunet.mlp([4, 3]), path)
    >>> json.loads(path.read_text())["outputs"]
    {'n': 3, 'task': 'classify'}
    """
    suffix = file_format(path)
    if suffix not in FORMATS:
        choices = ", ".join(f".{kind}" for kind in FORMATS)
        raise ConfigError(
            f"export: {printable(path)}: the suffix is the format; use one of {choices}"
        )
    data = exported(model, suffix, member=member)
    write_atomically(path, data)
    return len(data)


def file_format(path: Path) -> str:
    """Return the suffix of a path, without its point."""
    return os.path.splitext(os.fsdecode(path))[1].lower().removeprefix(".")


def exported(
    model: Any,
    kind: str,
    source: RawRows | None = None,
    target: Answers | None = None,
    *,
    member: int | None = None,
) -> bytes:
    """Return what `export` writes for a kind of `FORMATS`.

    `source` and `target` are what comes before and after a Network.
    """
    return FORMATS[kind](model_graph(model, source, target, member=member))


def model_graph(
    model: Any,
    source: RawRows | None = None,
    target: Answers | None = None,
    *,
    member: int | None = None,
) -> ExportGraph:
    """Return what an exported file of a model computes; arguments as `exported`."""
    if isinstance(model, str | bytes | os.PathLike):
        model, table = open_member(model_file(model), member)
        if table is not None:
            source, target = table_ports(table)
    else:
        if not isinstance(model, Network):
            if not hasattr(model, "fit"):
                raise ConfigError(
                    "export: the model must be a Network, the path of a model file or "
                    f"run folder, or a fitted estimator, got {type(model).__name__}"
                )
            model, source, target = load("sklearn.exporting").parts(model)
        model = choose_member(model, member)
    if target is None and model.classes:
        target = Answers(list(map(str, model.classes)), classes=model.classes)
    return export_graph(model, source, target)
