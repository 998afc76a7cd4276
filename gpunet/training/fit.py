"""`gpunet.fit`: train a network on data, in one call."""

import inspect
import warnings
from dataclasses import fields
from typing import Any

from ..errors import GpunetWarning, renamed_keywords
from ..network import Network
from .history import History
from .learned import not_learned
from .loop import Trainer
from .settings import Settings, settings_from


@renamed_keywords(order="shuffle", order_seed="shuffle_seed", track="compute_metrics")
def fit(net: Network, data: Any, **settings: Any) -> History:
    """Train `net` in place by mini-batch gradient descent.

    Parameters
    ----------
    net : Network
        Its loss is lowered; its device and dtype are used.
    data : Splits, Dataset or (x, t)
        Host arrays: x (n, features...), t labels (n,) or targets (n, n_out).
    **settings
        The fields of `gpunet.Settings`: epochs, batch_size, optimizer, schedule,
        validation, early_stopping and others.

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
        Settings or data that cannot work; nothing was trained.
    Diverged
        A loss or gradient is no longer finite; weights are those of the step
        before it.

    Examples
    --------
    >>> import gpunet, numpy as np
    >>> x, t = np.array([[0., 0], [0, 1], [1, 0], [1, 1]]), np.array([0, 1, 1, 0])
    >>> net = gpunet.mlp([2, 8, 2], "tanh", seed=1)
    >>> history = gpunet.fit(net, (x, t), epochs=200, batch_size=None,
    ...                      optimizer=gpunet.SGD(1.0))
    >>> net.classify(x).tolist()
    [0, 1, 1, 0]
    """
    trainer = Trainer(net, data, settings_from(settings))
    history = trainer.run()
    if fault := not_learned(trainer):
        warnings.warn(fault, GpunetWarning, stacklevel=3)
    return history


_KEYWORD = inspect.Parameter.KEYWORD_ONLY
_POSITIONAL = [
    inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    for name in ("net", "data")
]
# What help(gpunet.fit) and editors show.
fit.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
    _POSITIONAL
    + [
        inspect.Parameter(
            item.name, inspect.Parameter.KEYWORD_ONLY, default=item.default
        )
        for item in fields(Settings)
    ],
    return_annotation=History,
)
