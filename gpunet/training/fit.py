"""`gpunet.fit`: train a network on data, in one call."""

import inspect
import sys
import threading
import warnings
from dataclasses import fields, replace
from typing import Any, Never

from .._lazy import load
from ..errors import ConfigError, GpunetWarning, renamed_keywords
from ..network import Network
from .callbacks import Callback
from .diagnosis import not_learned
from .history import History
from .loop import Trainer
from .settings import Settings, settings_from

_SHORT = 0.5  # seconds: what ends sooner shows no bar


@renamed_keywords(order="shuffle", order_seed="shuffle_seed", track="compute_metrics")
def fit(
    net: Network,
    data: Any,
    *more: Never,
    progress: bool | None = None,
    folder: Any = None,
    resume: Any = False,
    checkpoint_every_steps: int | None = None,
    **settings: Any,
) -> History:
    """Train `net` in place by mini-batch gradient descent.

    Parameters
    ----------
    net : Network
        Its loss is lowered; its device and dtype are used.
    data : Splits, Dataset or (x, t)
        x (n, features...), t labels (n,) or targets (n, n_out): lists, arrays of any
        library, DataFrames. Labels that are texts, booleans or other whole numbers
        than 0 to n_out - 1 become `net.classes`.
    progress : bool, optional
        Whether a `gpunet.ProgressBar` is shown on standard error: a bar in a
        terminal or notebook, else a line an epoch. None shows it to a person in a
        terminal or notebook, once half a second has passed.
    folder : path, optional
        Where settings, history, checkpoints, the best and the last network and the
        result are kept; no run in it is overwritten. Ctrl-C saves the step first.
    resume : bool or path
        True continues the run of the folder, bit for bit as if it had never
        stopped, or starts it where the folder has none: give the same network, data
        and settings; epochs, device and engine may change. A path is a checkpoint's.
    checkpoint_every_steps : int, optional
        Checkpoints are written after each epoch, and then also between.
    **settings
        The fields of `gpunet.Settings`.

    Returns
    -------
    history : History

    Warns
    -----
    GpunetWarning
        At the end, if nothing was learned; before, if a number for `validation` may
        have been meant as a percentage.

    Raises
    ------
    ConfigError, DataError
        Settings or data that cannot work, or those of another run than the one to
        resume; nothing was trained.
    Diverged
        A loss or gradient is no longer finite; weights are those of the step
        before it.
    ModelFileError, WriteError, FolderInUse
        Of the folder: a damaged checkpoint, no right or room to write, another
        process at work in it.

    Examples
    --------
    >>> import gpunet, numpy as np
    >>> x, t = np.array([[0., 0], [0, 1], [1, 0], [1, 1]]), np.array([0, 1, 1, 0])
    >>> net = gpunet.mlp([2, 8, 2], "tanh", seed=1)
    >>> history = gpunet.fit(net, (x, t), epochs=200, batch_size=None,
    ...                      optimizer="sgd", learning_rate=1.0)
    >>> net.classify(x).tolist()
    [0, 1, 1, 0]
    """
    if more:
        raise TypeError("fit: the data are one argument: gpunet.fit(net, (x, t))")
    chosen = settings_from(settings)
    bars = _progress_bars(progress, chosen)
    chosen = replace(chosen, callbacks=[*chosen.callbacks, *bars])
    if folder is not None or resume:
        how = {"folder": folder, "resume": resume, "every": checkpoint_every_steps}
        return load("runs.fit").fit_in_folder(net, data, chosen, **how)
    if checkpoint_every_steps is not None:
        raise ConfigError("checkpoint_every_steps: needs a folder to write to")
    trainer = Trainer(net, data, chosen)
    history = trainer.run()
    if fault := not_learned(trainer):
        warnings.warn(fault, GpunetWarning, stacklevel=3)
    return history


def _progress_bars(progress: bool | None, settings: Settings) -> list[Callback]:
    """Return the bar to show, if any, unless the user has given one."""
    if progress not in (None, True, False):
        raise ConfigError(f"progress: must be True, False or None, got {progress!r}")
    if progress or (progress is None and _is_interactive()):
        kind = load("runs.progress").ProgressBar
        if not any(isinstance(callback, kind) for callback in settings.callbacks):
            return [kind(interval=0.0 if progress else _SHORT)]
    return []


def _is_interactive() -> bool:
    """Return whether standard error is a terminal, or the program a notebook's.

    Several workers, processes or threads, would write over each other.
    """
    process = getattr(sys.modules.get("multiprocessing"), "current_process", None)
    if process is not None and process().name != "MainProcess":
        return False
    if threading.current_thread() is not threading.main_thread():
        return False
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    isatty = getattr(sys.stderr, "isatty", lambda: False)
    return shell is not None or (not getattr(sys.stderr, "closed", False) and isatty())


def _document() -> None:
    """Let help(gpunet.fit) and editors show each setting, as `Settings` explains it."""
    kinds = inspect.Parameter
    shown = list(inspect.signature(fit).parameters.values())[:-1]
    shown = [item for item in shown if item.kind is not kinds.VAR_POSITIONAL]
    shown += [
        kinds(item.name, kinds.KEYWORD_ONLY, default=item.default)
        for item in fields(Settings)
    ]
    signature = inspect.Signature(shown, return_annotation=History)
    fit.__signature__ = signature  # type: ignore[attr-defined]
    if fit.__doc__ and Settings.__doc__:  # python -OO has none
        explained = inspect.cleandoc(Settings.__doc__).partition("----------\n")[2]
        settings = explained.partition("\n\n")[0]
        start, end = inspect.cleandoc(fit.__doc__).split("**settings\n")
        end = end.partition("\n\n")[2]
        fit.__doc__ = f"{start}{settings}\n\n{end}"


_document()
