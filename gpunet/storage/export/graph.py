"""What an exported network computes, before it is ONNX, JSON, C or a program.

It is what `predict` computes: the layers without dropout and the inverse link of the
loss, between what `ports` says of raw rows and answers.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ...activations import ACTIVATIONS, ActivationFunction, sigmoid, softmax
from ...errors import ConfigError, ModelFileError
from ...layers import Activation, Dense, Dropout, Flatten
from ...losses import LOSSES, Loss
from ...network import Network
from .ports import Answers, RawRows

_LARGEST = 2**31 - 2**20  # bytes: protobuf ends there, and no text needs more


class DenseStep(NamedTuple):
    """z = x W + b, with host arrays."""

    W: np.ndarray
    b: np.ndarray


class FunctionStep(NamedTuple):
    """An activation by name, with its parameter where it has one."""

    name: str
    alpha: float | None = None


@dataclass(frozen=True)
class ExportGraph:
    """A network as plain steps: DenseStep or FunctionStep."""

    steps: list[DenseStep | FunctionStep]
    dtype: str
    source: RawRows
    target: Answers

    @property
    def dense(self) -> list[DenseStep]:
        """The dense steps alone."""
        return [step for step in self.steps if isinstance(step, DenseStep)]

    @property
    def n_in(self) -> int:
        """Inputs of the first dense step."""
        return self.dense[0].W.shape[0]

    @property
    def n_out(self) -> int:
        """Outputs of the last dense step."""
        return self.dense[-1].W.shape[1]


def export_graph(
    net: Network, source: RawRows | None = None, target: Answers | None = None
) -> ExportGraph:
    """Return what an exported file computes; see `gpunet.export`."""
    if net.population:
        raise ConfigError(
            f"export: the model contains {net.population} networks; name one with "
            f"`member`, 0 to {net.population - 1}"
        )
    steps: list[DenseStep | FunctionStep] = []
    for i, layer in enumerate(net.layers):
        kind = type(layer)  # a class derived from it may compute anything
        if kind is Dense:
            W, b = (net.backend.to_host(net.params[f"{i}.{k}"]) for k in "Wb")
            steps.append(DenseStep(W, b))
        elif isinstance(layer, Activation) and kind is Activation:
            steps += _function(layer.f, i)
        elif kind not in (Dropout, Flatten):  # rows are flat already
            raise ConfigError(
                f"export: layer {i}: {kind.__name__} cannot be exported; only Dense, "
                "built-in activations, Dropout and Flatten can"
            )
    steps += _inverse_link(net.loss)
    graph = ExportGraph(steps, net.dtype, source or RawRows(), target or Answers())
    _check_weights(graph.dense)
    return graph


def _function(f: ActivationFunction, i: int) -> list[FunctionStep]:
    if not f.built_in:
        raise ConfigError(
            f"export: layer {i}: custom activation {f.name!r:.60} cannot be "
            f"exported; use one of {', '.join(ACTIVATIONS)}"
        )
    step = FunctionStep(f.kind, f.parameter if f.name != f.kind else None)
    return [] if f.kind == "identity" else [step]


def _inverse_link(loss: Loss) -> list[FunctionStep]:
    """Return the step from the last layer to what `predict` shows."""
    if not loss.built_in:
        raise ConfigError(
            f"export: custom loss {loss.name!r:.60} cannot be exported; use one of "
            f"{', '.join(LOSSES)}"
        )
    for f in (softmax, sigmoid):
        if loss.inverse_link is f:
            return [FunctionStep(f.__name__)]
    if loss.on_logits:
        raise unwritten(f"inverse link of {loss.name}", "this export")
    return []


def unwritten(what: str, form: str) -> ConfigError:
    """Return the error that a format has no lines for a function yet."""
    return ConfigError(f"export: {form} has no lines for {what}; add them, or use JSON")


def _check_weights(steps: list[DenseStep]) -> None:
    if not steps:
        raise ConfigError("export: the network has no Dense layer; add one")
    arrays = [array for step in steps for array in step]
    if not all(np.isfinite(array).all() for array in arrays):
        raise ModelFileError(
            "export: a weight is not finite; export the last finite model"
        )
    size = sum(array.nbytes for array in arrays)
    if size > _LARGEST:
        raise ModelFileError(
            f"export: the network has {size:,} bytes of weights, more than the "
            f"{_LARGEST:,} allowed; use a smaller one"
        )
