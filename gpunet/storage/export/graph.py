"""What an exported network computes, before it is ONNX, JSON or C.

What is exported is what `predict` computes: the layers, the link of the loss
(softmax or sigmoid for the cross-entropies), and for a network trained on a
table the scaling before and after it. A category's one-hot columns are inputs
of their own, 0 or 1. Dropout does nothing when a network predicts, and is gone.
"""

from dataclasses import dataclass, field
from typing import Any

from gpunet.activations import ACTIVATIONS, ActivationFunction
from gpunet.errors import ConfigError
from gpunet.layers import Activation, Dense, Dropout, Flatten
from gpunet.losses import LOSSES


@dataclass(frozen=True)
class Port:
    """How numbers enter or leave a network that was trained on a table.

    Parameters
    ----------
    names : list of str
        Of the inputs or outputs.
    shift, factor : float64 arrays, or None
        Inputs: z = (x - shift) * factor. Outputs: y = a * factor + shift.
    """

    names: list[str] = field(default_factory=list)
    shift: Any = None
    factor: Any = None


@dataclass(frozen=True)
class Plan:
    """A network as plain steps.

    Attributes
    ----------
    steps : list of (kind, ...)
        ("dense", W, b) with host arrays, ("activation", name, parameter).
    dtype : str
    n_in, n_out : int
    source, target : Port
    """

    steps: list[tuple]
    dtype: str
    n_in: int
    n_out: int
    source: Port
    target: Port

    @property
    def x_dtype(self) -> str:
        """The dtype of the inputs: raw numbers of a table keep float64."""
        return self.dtype if self.source.shift is None else "float64"

    @property
    def y_dtype(self) -> str:
        """The dtype of the outputs."""
        return self.dtype if self.target.shift is None else "float64"


def make_plan(net: Any, source: Port | None = None, target: Port | None = None) -> Plan:
    """Return what an exported file computes.

    Raises
    ------
    ConfigError
        A population, or a layer, activation or loss that has no counterpart.
    """
    if net.population:
        raise ConfigError(
            f"export: the model holds {net.population} networks; name one with "
            f"`member`, 0 to {net.population - 1}"
        )
    steps: list[tuple] = []
    for i, layer in enumerate(net.layers):
        kind = type(layer)  # a class derived from it may compute anything
        if kind is Dense:
            W, b = (net.backend.to_host(net.params[f"{i}.{k}"]) for k in "Wb")
            steps.append(("dense", W, b))
        elif kind is Activation:
            steps += _activation(layer.f, i)
        elif kind not in (Dropout, Flatten):  # rows are flat already
            raise ConfigError(
                f"export: layer {i}: {kind.__name__} cannot be exported; only Dense, "
                "built-in activations, Dropout and Flatten can"
            )
    dense = [step for step in steps if step[0] == "dense"]
    if not dense:
        raise ConfigError("export: the network has no Dense layer; add one")
    steps += _link(net.loss)
    n_in, n_out = dense[0][1].shape[0], dense[-1][1].shape[1]
    return Plan(steps, net.dtype, n_in, n_out, source or Port(), target or Port())


def _activation(function: ActivationFunction, i: int) -> list[tuple]:
    kind, _, number = str(function.name).partition(":")
    if not function.built_in:
        raise ConfigError(
            f"export: layer {i}: custom activation {function.name!r:.60} cannot be "
            f"exported; use one of {', '.join(ACTIVATIONS)}"
        )
    if kind == "identity":
        return []
    default = {"leaky_relu": 0.01, "elu": 1.0}.get(kind)
    return [("activation", kind, float(number) if number else default)]


def _link(loss: Any) -> list[tuple]:
    """Return the step from the last layer to what `predict` shows."""
    kind = str(loss.name).partition(":")[0]
    if not loss.built_in:
        raise ConfigError(
            f"export: custom loss {loss.name!r:.60} cannot be exported; use one of "
            f"{', '.join(LOSSES)}"
        )
    if not loss.on_logits:
        return []
    return [("activation", kind.partition("_")[0], None)]
