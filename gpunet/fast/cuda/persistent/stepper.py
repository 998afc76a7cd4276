"""The persistent CUDA engine: a span of steps of small networks in one launch.

A small network's step is a dozen launches of a few microseconds for two of work. Here
there is one launch for a thousand steps: block i trains network i, whose weights
never leave registers and shared memory in between. So one seed gives one run, a
member of a population the bits of the network alone, on one kind of GPU.

Arithmetic, before any measurement, for 784-30-10 at batch 10 (`Plan.counts`; clocks
of one multiprocessor, and what 1.98 GHz makes of them): multiply-adds of the first
layer 3,920 at 128 a clock; reads of x as 16-byte broadcasts 3,920 if every lane's
bytes count, a quarter if a broadcast costs one pass; partial sums 620; all later
layers, the loss and barriers 1,340. Expected: 3 to 4 microseconds a step.
"""

from collections.abc import Sequence
from math import ceil
from numbers import Real
from typing import Any

import numpy as np

from ....backend import Array
from ....network import Network
from ....optimizers import SGD, Optimizer
from ....training.evaluate import has_accuracy
from ....training.steppers import Stepper, TrainingState
from ..general import stepper as general
from ..general.buffers import stages
from .source import ACTIVATIONS, LOSSES, source
from .thread_layout import Plan, Spec, plans

# Steps of one launch: no kernel then runs for longer than a moment.
_PIECE = 1024
_OPTIONS = ("-std=c++17",)
# What the general engine needs for a step's launches, in clocks of the GPU: 60 us.
_LAUNCHES = 100_000
_RIVAL = 64  # multiply-adds a clock and multiprocessor that it may reach


def refuse(net: Network, optimizer: Optimizer, hooks: Sequence[Any]) -> str:
    """Return why this engine cannot train `net` with `optimizer`, or ""."""
    if hooks:
        return "a callback wants to see every gradient"
    if net.dtype != "float32":
        return f"it computes in float32, and the network is {net.dtype}"
    why = _refuse_layers(net) or _refuse_optimizer(optimizer)
    if why:
        return why
    if not plans(describe(net, optimizer), shared_limit(net)):
        return (
            f"{net.n_parameters:,} weights and what trains them do not fit the "
            "registers and shared memory of one multiprocessor"
        )
    return ""


def _refuse_layers(net: Network) -> str:
    known = stages(net.layers)
    if isinstance(known, str):
        return f"the network: {known}"
    for stage in known:
        if stage.kind not in ACTIVATIONS:
            return f"it has no kernel for the activation {stage.kind}"
        if stage.rate:
            return "it has no kernel for Dropout"
    if net.loss.name.partition(":")[0] not in LOSSES or not net.loss.built_in:
        return f"it has no kernel for the loss {net.loss.name}"
    return ""


def _refuse_optimizer(optimizer: Optimizer) -> str:
    if type(optimizer) is not SGD:
        return f"it knows SGD, not {type(optimizer).__name__}"
    settings = {
        "l1": not isinstance(optimizer.l1, Real) or optimizer.l1 != 0,
        "max_norm": optimizer.max_norm is not None,
        "clip_norm": optimizer.clip_norm is not None,
        "layer_rates": bool(optimizer.layer_rates),
        "frozen": bool(optimizer.frozen),
    }
    used = ", ".join(name for name, is_used in settings.items() if is_used)
    return f"it has no kernel for {used}" if used else ""


def describe(net: Network, optimizer: SGD, batch: int = 1, **more: Any) -> Spec:
    """Return what the kernel is generated for.

    Parameters
    ----------
    net : Network
        One that `refuse` lets pass.
    optimizer : SGD
    batch : int
    **more : is_bytes, labels, weighted, track, hits of `Spec`
    """
    known = stages(net.layers)
    kind, _, number = net.loss.name.partition(":")

    def used(name: str) -> bool:
        value = getattr(optimizer, name)
        return not isinstance(value, Real) or value != 0

    return Spec(
        widths=(known[0].n_in, *(s.n_out for s in known)),
        activations=tuple((s.kind, s.alpha) for s in known),
        loss=kind,
        smoothing=float(number or 0),
        batch=batch,
        momentum=used("momentum"),
        nesterov=used("momentum") and optimizer.nesterov,
        l2=used("l2"),
        **more,
    )


def shared_limit(net: Network) -> int:
    """Return the bytes of shared memory a block may have where `net` is."""
    return _properties(net)["sharedMemPerBlockOptin"]


def _properties(net: Network) -> dict[str, Any]:
    import cupy

    return cupy.cuda.runtime.getDeviceProperties(int(net.backend.name[5:]))


class PersistentStepper(Stepper):
    """All members with what they need to take a span of steps in one launch.

    Attributes
    ----------
    plan : Plan
    kernel : cupy.RawKernel
    """

    def __init__(self, state: TrainingState, plan: Plan):
        super().__init__(state)
        import cupy

        net, optimizer, self.plan = state.net, state.optimizer, plan
        module = cupy.RawModule(code=source(plan), options=_OPTIONS)
        self.kernel = module.get_function("gpunet_span")
        self.kernel.max_dynamic_shared_size_bytes = plan.shared_bytes
        bk, n = net.backend, net.population or 1
        self._x = state.data.x
        if not plan.spec.is_bytes:
            self._x = state.data.floats(self._x)
        self._momenta, self._penalties = (
            bk.array([v] * n if isinstance(v, Real) else v, "float32")
            for v in (optimizer.momentum, optimizer.l2)
        )
        names = [f"{s.at}.{p}" for p in "Wb" for s in stages(net.layers)]
        self._tensors = [net.params[name] for name in names]
        if plan.spec.momentum:
            self._tensors += [optimizer.state[f"{name}.velocity"] for name in names]
        self._factors: list[Any] = []

    def run(self, epoch: int, first: int, last: int, factors: Sequence[Any]) -> int:
        """Execute steps first to last - 1."""
        self.batches.load_chunk(first, last)
        for k in range(first, last, _PIECE):
            if self.state.request.reason and k > first:
                return k - first
            self._launch(k, list(factors[k - first : min(k + _PIECE, last) - first]))
        return last - first

    def _launch(self, first: int, factors: list[Any]) -> None:
        batches, data, sums = self.batches, self.state.data, self.sums
        last, spec = first + len(factors), self.plan.spec
        n = min(last * batches.batch_size, data.n) - first * batches.batch_size
        place = batches.chunk(first)
        rates, step, member = self._learning_rates(factors)
        self.kernel(
            (self.net.population or 1,),
            (self.plan.threads,),
            (
                self._x,
                np.float32(data.scale),
                place.index,
                place.t if spec.labels else None,
                None if spec.labels else place.t,
                place.weight,
                np.int64(place.stride),
                np.int64(place.first),
                np.int64(n),
                rates,
                np.int32(step),
                np.int32(member),
                self._momenta,
                self._penalties,
                np.int32(last == batches.n_steps),
                sums["loss"],
                sums["n_correct"],
                sums["grad_norm"],
                *self._tensors,
            ),
            shared_mem=self.plan.shared_bytes,
        )
        self.optimizer.n_steps += len(factors)

    def _learning_rates(self, factors: list[Any]) -> tuple[Array, int, int]:
        """Return rates on the device and their strides over steps and members.

        Multiplied on the host in double precision and rounded once, as the
        optimizer does.
        """
        if all(factor is factors[0] for factor in factors):
            factors = factors[:1]
        listed = not isinstance(self.optimizer.learning_rate, Real)
        listed = listed or any(isinstance(factor, list) for factor in factors)
        width = self.net.population or 1 if listed else 1
        if not self._factors or len(factors) > 1 or factors[0] is not self._factors[0]:
            rows = [self.optimizer.rates(f)[:width] for f in factors]
            self._rates = self.net.backend.array(rows, "float32")
            self._factors = factors if len(factors) == 1 else []
        return self._rates, width if len(factors) > 1 else 0, int(width > 1)


def make_steppers(state: TrainingState, precision: str = "float32") -> list[Stepper]:
    """Return the one stepper that trains all members.

    Batches too large for shared memory, and networks whose step is so much work
    that its launches do not matter, are the general engine's.
    """
    reason = refuse(state.net, state.optimizer, state.hooks)
    if precision == "float32" and not reason and (plan := choose(state)):
        return [PersistentStepper(state, plan)]
    return general.make_steppers(state, precision)


def choose(state: TrainingState) -> Plan | None:
    """Return the plan for the batches, or None where the general engine wins.

    An expectation by arithmetic: no GPU was asked.
    """
    net, data, track = state.net, state.data, state.compute_metrics
    hits = "LARGEST_OUTPUT" if net.n_out > 1 else "THRESHOLD"
    spec = describe(
        net,
        state.optimizer,
        state.batch_size,
        is_bytes=str(data.x.dtype) == "uint8" and data.x.shape[1] % 4 == 0,
        labels=data.t.ndim == 1,
        weighted=data.weight is not None,
        track=track,
        hits=hits if track and has_accuracy(net, data.t) else "NONE",
    )
    device = _properties(net)
    known = plans(spec, shared_limit(net))
    if not known:
        return None
    members, processors = net.population or 1, device["multiProcessorCount"]
    products = 3 * members * spec.batch * net.n_parameters
    mine = ceil(members / processors) * known[0].counts.clocks
    return known[0] if mine < _LAUNCHES + products / (processors * _RIVAL) else None
