"""`gpunet.fit`: train a network on data, in one call."""

import warnings
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ..data import (
    Dataset,
    Splits,
    class_weights,
    doubtful_count,
    split_validation,
)
from ..errors import ConfigError, GpunetWarning
from ..network import Network
from ..optimizers import Optimizer, get_optimizer
from ..random import host_rng
from .callbacks import Callback, EarlyStopping
from .evaluate import check_fit, n_outputs
from .history import History
from .learned import not_learned
from .loop import Trainer


def fit(
    net: Network,
    data: Any,
    *,
    epochs: int = 10,
    batch_size: int | None = 32,
    optimizer: "str | Optimizer" = "adam",
    schedule: Any = "constant",
    validation: Any = None,
    early_stopping: "int | EarlyStopping | None" = None,
    class_weight: Any = None,
    order: str = "own",
    order_seed: int | None = None,
    track: bool = True,
    callbacks: Sequence[Callback] = (),
    max_steps: int | None = None,
    engine: str = "auto",
    precision: str = "float32",
) -> History:
    """Train `net` in place by mini-batch gradient descent.

    Parameters
    ----------
    net : Network
        Its loss is lowered; its device and dtype are used.
    data : Splits, Dataset or (x, t)
        Host arrays: x (n, features...), t labels (n,) or targets (n, n_out).
    epochs : int
        Times through the data.
    batch_size : int or None
        Examples a step; None takes all: gradient descent proper. A shorter last
        batch is taken too, and its gradient is the mean over its true size.
    optimizer : str or Optimizer
    schedule : str or callable
        See `gpunet.schedule`.
    validation : Dataset, (x, t), float or int, optional
        Held-out data; a pair is multiplied with the scale of the training data.
        A number parts so much of `data` off, every class in proportion. None
        takes that of the Splits.
    early_stopping : int or EarlyStopping, optional
        Patience in epochs; needs validation data.
    class_weight : "balanced", dict or sequence, optional
        Weight of each class, on top of the data's own weights.
    order : "own", "shared" or "none"
        Each member of a population shuffles by its own seed; all see the same
        batches, which is faster; or nothing is shuffled.
    order_seed : int, optional
        The seed of the order that all share; None takes the first member's. A part
        of a population, trained alone with the first seed of the whole, sees the
        batches that it would see there.
    track : bool
        False computes no loss and no accuracy while training: not needed.
    callbacks : sequence of Callback
    max_steps : int, optional
    engine : "auto", "loop" or "compiled"
        What takes the steps: the lesson's own lines, or a compiled engine, which
        is faster and knows fewer networks. "auto" takes the better one.
    precision : "float32", "tf32" or "float16"
        What matrix products are computed in where the engine is a GPU's: weights
        stay float32, results differ in the third digit. "float32" is the network's
        own dtype.

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
        A loss or gradient is no longer finite; weights stand at the step
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
    job = trainer(
        net,
        data,
        epochs=epochs,
        batch_size=batch_size,
        optimizer=optimizer,
        schedule=schedule,
        validation=validation,
        early_stopping=early_stopping,
        class_weight=class_weight,
        order=order,
        order_seed=order_seed,
        track=track,
        callbacks=callbacks,
        max_steps=max_steps,
        engine=engine,
        precision=precision,
    )
    history = job.run()
    if fault := not_learned(job):
        warnings.warn(fault, GpunetWarning, stacklevel=2)
    return history


def trainer(
    net: Network,
    data: Any,
    *,
    validation: Any = None,
    early_stopping: "int | EarlyStopping | None" = None,
    class_weight: Any = None,
    optimizer: "str | Optimizer" = "adam",
    **settings: Any,
) -> Trainer:
    """Return the Trainer that `fit` would run, with everything checked."""
    train, held_out = _parts(data)
    train = check_fit(net, train, "training data")
    if isinstance(validation, int | float) and not isinstance(validation, bool):
        rng = host_rng(0, "split")  # one split for all seeds: they stay comparable
        if doubt := doubtful_count(validation, len(train)):
            warnings.warn(f"validation: {doubt}", GpunetWarning, stacklevel=3)
        train, held_out = split_validation(train, validation, rng)
    elif validation is not None:
        held_out = _dataset(validation, train.scale)
    if held_out is not None:
        held_out = check_fit(net, held_out, "validation data", one_class_ok=True)
    if class_weight is not None:
        train = _weighted(net, train, class_weight)
    if isinstance(early_stopping, int):
        early_stopping = EarlyStopping(early_stopping)
    if early_stopping and held_out is None:
        raise ConfigError(
            "early stopping: there are no validation data to judge by; give validation="
        )
    return Trainer(
        net,
        train,
        held_out,
        optimizer=get_optimizer(optimizer),
        early_stopping=early_stopping,
        **settings,
    )


def _parts(data: Any) -> tuple[Dataset, Dataset | None]:
    if isinstance(data, Splits):
        return data.train, data.validation
    return _dataset(data), None


def _dataset(data: Any, scale: float = 1.0) -> Dataset:
    """Return `data` as a Dataset; bare arrays get `scale`."""
    if isinstance(data, Dataset):
        return data
    if isinstance(data, tuple | list) and len(data) in (2, 3):
        return Dataset(*data, scale=scale)
    raise ConfigError(
        f"data: expected a Dataset, Splits or (x, t), got {type(data).__name__}"
    )


def _weighted(net: Network, train: Dataset, class_weight: Any) -> Dataset:
    if train.t.ndim != 1:
        raise ConfigError("class weights: the targets are no labels; leave them out")
    weight = class_weights(train.t, class_weight, n_outputs(net))
    if train.weight is not None:
        weight = weight * train.weight
    return replace(train, weight=weight)
