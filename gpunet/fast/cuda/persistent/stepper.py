"""The persistent CUDA engine: a span of steps of small networks in one launch.

One launch takes a thousand steps: block i trains network i, whose weights never leave
registers and shared memory in between. On one kind of GPU, one seed gives one run, and
a member of a population has the bits of the network alone.
"""

from collections.abc import Sequence
from math import ceil
from numbers import Real
from typing import Any

import numpy as np

from ....backend import Array
from ....blocks import dense_blocks
from ....network import Network
from ....optimizers import SGD, Optimizer
from ....training.metrics import has_accuracy
from ....training.steppers import Hook, Stepper, TrainingState
from .. import lowering
from ..general import stepper
from .source import ACTIVATIONS, source
from .thread_layout import KernelSpec, ThreadLayout, thread_layouts

_MAX_STEPS = 1024  # of one launch: no kernel then runs for longer than a moment
_OPTIONS = ("-std=c++17",)
# What the general engine needs for a step's launches, in clocks of the GPU: 60 us.
_LAUNCHES = 100_000
_GENERAL_RATE = 64  # multiply-adds a clock and multiprocessor that it may reach


def why_unsupported(net: Network, optimizer: Optimizer, hooks: Sequence[Hook]) -> str:
    """Return why this engine cannot train `net` with `optimizer`, or ""."""
    if hooks:
        return "a callback must see every gradient"
    if net.dtype != "float32":
        return f"it computes in float32, and the network is {net.dtype}"
    if reason := lowering.why_unsupported(net, ACTIVATIONS):
        return reason
    if any(block.dropout for block in dense_blocks(net.layers)):
        return "there is no kernel for Dropout"
    if type(optimizer) is not SGD:
        return f"optimizer {type(optimizer).__name__} is not SGD"
    names = ("l1", "max_norm", "clip_norm", "layer_rates", "frozen")
    if used := ", ".join(name for name in names if _is_set(getattr(optimizer, name))):
        return f"there is no kernel for {used}"
    if not thread_layouts(kernel_spec(net, optimizer), shared_limit(net)):
        return (
            f"{net.n_parameters:,} weights and what trains them do not fit the "
            "registers and shared memory of one multiprocessor"
        )
    return ""


def _is_set(value: Any) -> bool:
    """Return whether a setting of an optimizer is neither 0 nor empty nor None."""
    return (
        value != 0 if isinstance(value, Real) else value is not None and len(value) > 0
    )


def kernel_spec(
    net: Network, optimizer: SGD, batch: int = 1, **settings: Any
) -> KernelSpec:
    """Return what the kernel is generated for; `settings` are other fields of it."""
    blocks = dense_blocks(net.layers)
    momentum = _is_set(optimizer.momentum)
    return KernelSpec(
        widths=(blocks[0].dense.n_in, *(block.dense.n_out for block in blocks)),
        activations=tuple((block.f.kind, block.f.parameter) for block in blocks),
        loss=lowering.loss_kind(net.loss),
        smoothing=0.0 if net.loss.square_factor else net.loss.parameter,
        square_factor=lowering.square_factor(net),
        batch=batch,
        momentum=momentum,
        nesterov=momentum and optimizer.nesterov,
        l2=_is_set(optimizer.l2),
        **settings,
    )


def shared_limit(net: Network) -> int:
    """Return the bytes of shared memory a block may have where `net` is."""
    return _properties(net)["sharedMemPerBlockOptin"]


def _properties(net: Network) -> dict[str, Any]:
    import cupy

    return cupy.cuda.runtime.getDeviceProperties(int(net.backend.name[5:]))


class PersistentStepper(Stepper):
    """All members, a span of steps in one launch on a CUDA GPU."""

    def __init__(self, state: TrainingState, layout: ThreadLayout):
        super().__init__(state)
        import cupy

        net, self.layout, optimizer = state.net, layout, state.optimizer
        assert isinstance(optimizer, SGD)
        module = cupy.RawModule(code=source(layout), options=_OPTIONS)
        self.kernel = module.get_function("gpunet_span")
        self.kernel.max_dynamic_shared_size_bytes = layout.shared_bytes
        bk, n = net.backend, net.population or 1
        self._x = state.data.x
        if not layout.spec.is_bytes:
            self._x = state.data.floats(self._x)
        self._momenta, self._penalties = (
            bk.array([v] * n if isinstance(v, Real) else v, "float32")
            for v in (optimizer.momentum, optimizer.l2)
        )
        blocks = dense_blocks(net.layers)
        names = [f"{block.index}.{p}" for p in "Wb" for block in blocks]
        self._tensors = [net.params[name] for name in names]
        if layout.spec.momentum:
            self._tensors += [optimizer.state[f"{name}.velocity"] for name in names]
        self._factors: list[Any] = []

    def run(self, epoch: int, first: int, last: int, factors: Sequence[Any]) -> int:
        """Execute steps first to last - 1."""
        self.batches.load_chunk(first, last)
        for k in range(first, last, _MAX_STEPS):
            if self.state.request.reason and k > first:
                return k - first
            end = min(k + _MAX_STEPS, last)
            self._launch(k, list(factors[k - first : end - first]))
        return last - first

    def _launch(self, first: int, factors: list[Any]) -> None:
        batches, data, sums = self.batches, self.state.data, self.sums
        last, labels = first + len(factors), self.layout.spec.labels
        n = min(last * batches.batch_size, data.n) - first * batches.batch_size
        chunk = batches.chunk(first)
        rates, step, member = self._learning_rates(factors)
        self.kernel(
            (self.net.population or 1,),
            (self.layout.threads,),
            (
                *(self._x, np.float32(data.scale), chunk.index),
                chunk.t if labels else None,
                None if labels else chunk.t,
                *(chunk.weight, np.int64(chunk.stride), np.int64(chunk.first)),
                *(np.int64(n), rates, np.int32(step), np.int32(member)),
                *(self._momenta, self._penalties, np.int32(last == batches.n_steps)),
                *(sums["loss"], sums["n_correct"], sums["grad_norm"], *self._tensors),
            ),
            shared_mem=self.layout.shared_bytes,
        )
        self.optimizer.n_steps += len(factors)

    def _learning_rates(self, factors: list[Any]) -> tuple[Array, int, int]:
        """Return rates on the device and their strides over steps and members.

        Multiplied on the host in double precision and rounded once, as the
        optimizer does.
        """
        if all(factor is factors[0] for factor in factors):
            factors = factors[:1]
        per_member = not isinstance(self.optimizer.learning_rate, Real)
        per_member = per_member or any(isinstance(factor, list) for factor in factors)
        width = self.net.population or 1 if per_member else 1
        if not self._factors or len(factors) > 1 or factors[0] is not self._factors[0]:
            rows = [self.optimizer.rates(f)[:width] for f in factors]
            self._rates = self.net.backend.array(rows, "float32")
            self._factors = factors if len(factors) == 1 else []
        return self._rates, width if len(factors) > 1 else 0, int(width > 1)


def make_steppers(state: TrainingState, precision: str = "float32") -> list[Stepper]:
    """Return the one stepper of all members: the general engine's unless `choose`."""
    reason = why_unsupported(state.net, state.optimizer, state.hooks)
    if precision == "float32" and not reason and (layout := choose(state)):
        return [PersistentStepper(state, layout)]
    return stepper.make_steppers(state, precision)


def choose(state: TrainingState) -> ThreadLayout | None:
    """Return the layout for the batches, or None where the general engine wins.

    It wins where batches do not fit shared memory, or a step is so much work that its
    launches do not matter. An expectation by arithmetic: it was not measured.
    """
    net, data, optimizer = state.net, state.data, state.optimizer
    accuracy = "none"
    if state.compute_metrics and has_accuracy(net, data.t):
        accuracy = "largest_output" if net.n_out > 1 else "threshold"
    assert isinstance(optimizer, SGD)
    spec = kernel_spec(
        net,
        optimizer,
        state.batch_size,
        is_bytes=str(data.x.dtype) == "uint8" and data.x.shape[1] % 4 == 0,
        labels=data.t.ndim == 1,
        weighted=data.weight is not None,
        compute_metrics=state.compute_metrics,
        accuracy=accuracy,
    )
    layouts = thread_layouts(spec, shared_limit(net))
    if not layouts:
        return None
    members = net.population or 1
    processors = _properties(net)["multiProcessorCount"]
    products = 3 * members * spec.batch * net.n_parameters
    clocks = ceil(members / processors) * layouts[0].counts.clocks
    general_clocks = _LAUNCHES + products / (processors * _GENERAL_RATE)
    return layouts[0] if clocks < general_clocks else None
