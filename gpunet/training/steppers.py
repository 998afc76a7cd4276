"""Steppers: who executes the training steps, and the step itself.

`LoopStepper` runs the lesson's own lines; compiled engines have steppers of their
own. A population's members are independent, so they may take turns: a CPU trains
a large population in blocks whose weights and gradients stay in its cache. On one
core, 100 networks of 784-16-16-10 take a quarter less time in blocks of 32 than
all together. A block's arrays are views of the whole population's; on a GPU, and
wherever slices are not views, all members are one block.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ..backend import Array, Params, namespace
from ..layers import Activation, Dense, Embedding, Flatten
from ..network import Network
from ..random import DropoutDraws
from ..updates import Optimizer, expand_members, gradient_norm
from .batches import Batches
from .callbacks import Callback
from .device_data import DeviceData
from .metrics import count_correct, has_accuracy
from .settings import Settings

BLOCK = 50  # members; 784-16-16-10 then moves 5 MB a step

_WITHOUT_DRAWS = (Activation, Dense, Embedding, Flatten)  # custom layers may draw
Hook = Callable[[Params], Params]


@dataclass
class StopRequest:
    """Why training is to end after the current step, or ""."""

    reason: str = ""


@dataclass(frozen=True)
class TrainingState:
    """What steps read and change: a network (or population), its data and sums.

    Attributes
    ----------
    seeds : int or tuple of int
        Of the batches: one for all, or one for each member.
    sums : dict of str to array, shape () or (P,)
        "loss" and "n_correct" of the epoch's steps, "grad_norm" of the last.
    compute_metrics : bool
        Whether loss and accuracy are summed.
    hooks : tuple of callable
        What callbacks do to the gradients, in order.
    members : slice
        Which members of the whole population these are.
    request : StopRequest
        Set by others; of blocks, which must all stop at one step, never.
    """

    net: Network
    optimizer: Optimizer
    data: DeviceData
    batch_size: int
    seeds: int | tuple[int, ...]
    shuffle: bool
    sums: Params
    compute_metrics: bool
    hooks: tuple[Hook, ...]
    members: slice
    request: StopRequest = field(default_factory=StopRequest)

    def block(self, some: slice) -> "TrainingState":
        """Return the state of some members; its arrays are views of these."""
        net = self.net.with_params(
            {name: p[some] for name, p in self.net.params.items()},
            seeds=self.net.seeds[some],
            population=some.stop - some.start,
        )
        seeds = self.seeds if isinstance(self.seeds, int) else self.seeds[some]
        return replace(
            self,
            net=net,
            optimizer=self.optimizer.members(some),
            seeds=seeds,
            sums={name: s[some] for name, s in self.sums.items()},
            members=some,
            request=StopRequest(),
        )

    def tensors(self) -> Params:
        """Return every array that a step changes, by its name in checkpoints."""
        state = {f"params.{name}": p for name, p in self.net.params.items()}
        state |= {f"slots.{name}": s for name, s in self.optimizer.state.items()}
        names = {"n_correct": "correct"}
        return state | {f"sums.{names.get(k, k)}": s for k, s in self.sums.items()}


def training_state(
    net: Network,
    optimizer: Optimizer,
    data: DeviceData,
    batch_size: int,
    settings: Settings,
) -> TrainingState:
    """Return the state of a whole network or population at its start."""
    seeds: int | tuple[int, ...] = net.seeds[0]
    if settings.shuffle_seed is not None:
        seeds = settings.shuffle_seed
    if len(set(net.seeds)) > 1 and settings.shuffle == "per_member":
        seeds = net.seeds
    bk, lead = net.backend, (net.population,) if net.population else ()
    dtypes = {"loss": net.dtype, "n_correct": "int64", "grad_norm": net.dtype}
    sums = {
        name: bk.xp.zeros(lead, dtype=bk.dtype(dtype), device=bk.device)
        for name, dtype in dtypes.items()
    }
    hooks = [
        callback.on_gradients
        for callback in settings.callback_objects()
        if type(callback).on_gradients is not Callback.on_gradients
    ]
    return TrainingState(
        net=net,
        optimizer=optimizer,
        data=data,
        batch_size=batch_size,
        seeds=seeds,
        shuffle=bool(settings.shuffle),
        sums=sums,
        compute_metrics=settings.compute_metrics,
        hooks=tuple(hooks),
        members=slice(0, net.population or 1),
    )


def scores(state: TrainingState, n: int) -> dict[str, list[float]]:
    """Return the sums over n examples as means, one for each member; waits."""
    host = {
        name: state.net.backend.to_host(s).reshape(-1).tolist()
        for name, s in state.sums.items()
    }
    means = {"grad_norm": host["grad_norm"]}
    if state.compute_metrics:
        means["loss"] = [v / n for v in host["loss"]]
        if has_accuracy(state.net, state.data.t):
            means["accuracy"] = [v / n for v in host["n_correct"]]
    return means


Snapshot = tuple[Params, int]


class Stepper:
    """The parent of steppers: some members with all they need for their steps."""

    note = ""  # what is said once beside the engine's name

    def __init__(self, state: TrainingState):
        self.state, self.net = state, state.net
        self.optimizer, self.sums = state.optimizer, state.sums
        self.batches = Batches(state.data, state.batch_size, state.seeds, state.shuffle)
        self.draws: DropoutDraws | None = None
        if any(type(layer) not in _WITHOUT_DRAWS for layer in self.net.layers):
            self.draws = DropoutDraws(
                self.net.backend, self.net.seeds, self.net.population
            )

    def run(self, epoch: int, first: int, last: int, factors: Sequence[Any]) -> int:
        """Execute steps first to last - 1 of an epoch that has been started.

        `factors` are what the schedule multiplies the learning rate with, step by
        step: numbers, or lists with one for each member. Returns how many steps
        were taken: fewer than asked for after a StopRequest.
        """
        raise AssertionError("each stepper has its own run")

    def reference_gradients(self, epoch: int, k: int) -> Params:
        """Return step k's gradients by the lesson's lines; nothing moves."""
        self.batches.load_chunk(k, k + 1)
        x, t, weight = self.batches[k]
        draws = self.draws and self.draws.at(epoch, k)
        y, caches = self.net.forward(x, train=True, rng=draws)
        dy = self.net.loss.slope(y, t, weight)
        return self.hooks(self.net.backward(caches, dy))

    def hooks(self, grads: Params) -> Params:
        """Return the gradients as the callbacks want them applied."""
        for hook in self.state.hooks:
            grads = hook(grads)
        return grads

    def snapshot(self) -> Snapshot:
        """Return copies of all that steps change, and the optimizer's step count."""
        copies = {
            name: namespace(p).asarray(p, copy=True)
            for name, p in self.state.tensors().items()
        }
        return copies, self.optimizer.n_steps

    def restore(self, snapshot: Snapshot, keep: Array | None = None) -> None:
        """Put a snapshot back, except for the members where `keep` is true."""
        copies, n_steps = snapshot
        for name, p in self.state.tensors().items():
            old = copies[name]
            if keep is not None:
                # Select, never multiply: 0 x inf is NaN.
                old = namespace(p).where(expand_mask(keep, p), p, old)
            p[...] = old
        if keep is None:
            self.optimizer.n_steps = n_steps


class LoopStepper(Stepper):
    """The lesson's own lines, step by step, on any device and for any network."""

    def __init__(self, state: TrainingState):
        super().__init__(state)
        self.metrics = RunningMetrics(state)
        # Freed all at once, a step's arrays go back to the system, and the next step
        # must fault every page in again: holding them until then makes a step of
        # 784-512-512-10 at batch 1024 a fifth faster. GPU libraries pool memory.
        self._holds = self.net.backend.name == "cpu"
        self._held: tuple[Any, ...] = ()

    def run(self, epoch: int, first: int, last: int, factors: Sequence[Any]) -> int:
        """Execute steps first to last - 1: the step that the README shows."""
        net, members = self.net, self.state.members
        self.batches.load_chunk(first, last)
        for k, factor in enumerate(factors, first):
            if self.state.request.reason and k > first:
                return k - first
            if isinstance(factor, list):
                factor = factor[members]
            x, t, weight = self.batches[k]
            draws = self.draws and self.draws.at(epoch, k)
            y, caches = net.forward(x, train=True, rng=draws)
            dy = net.loss.slope(y, t, weight)
            grads = self.hooks(net.backward(caches, dy))
            self.optimizer.step(net.params, grads, factor)
            self.metrics.add(y, t, weight)
            if self._holds:
                self._held = (caches, grads)
            if k == self.batches.n_steps - 1:
                self.metrics.keep_norm(grads)
        return last - first


class RunningMetrics:
    """Sums over an epoch's steps, on the device: nothing waits for them."""

    def __init__(self, state: TrainingState):
        self._net, self._sums = state.net, state.sums
        self._compute = state.compute_metrics
        self._count = self._compute and has_accuracy(state.net, state.data.t)

    def add(self, y: Array, t: Array, weight: Array | None) -> None:
        """Add the loss and the correct answers of a batch."""
        if self._compute:
            value = self._net.loss.value(y, t, weight)
            self._sums["loss"] += value * float(y.shape[-2])
        if self._count:
            self._sums["n_correct"] += count_correct(self._net, y, t)

    def keep_norm(self, grads: Params) -> None:
        """Keep the length of each network's gradient."""
        self._sums["grad_norm"][...] = gradient_norm(grads, self._net.population)


def expand_mask(mask: Array, p: Array) -> Array:
    """Return a mask of members, shape (P,) or (), with axes after it that fit p."""
    return expand_members(mask, p) if mask.ndim else mask


def member_mask(net: Network, flags: list[bool]) -> Array:
    """Return flags of the members as a device array, shape (P,) or ()."""
    mask = net.backend.array(flags, "bool")
    return mask if net.population else mask[0]


def make_steppers(state: TrainingState) -> list[Stepper]:
    """Return the loop's steppers: one, or one for each block of members on NumPy."""
    if state.net.backend.name == "cpu" and not state.data.on_disk:
        state = replace(state, data=state.data.converted())
    n = state.net.population or 1
    if n <= BLOCK or state.hooks or state.net.backend.name != "cpu":
        return [LoopStepper(state)]
    return [
        LoopStepper(state.block(slice(start, min(start + BLOCK, n))))
        for start in range(0, n, BLOCK)
    ]
