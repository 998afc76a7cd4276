"""The general CUDA engine: any row of dense layers, any size, one step at a time.

Python still orders each step, but a step is a dozen launches instead of the loop's
forty: products by cuBLAS into arrays that are there already, and one kernel for
what lies between two products. Where plain SGD allows it, the update of a weight
matrix is the product itself, and no gradient is ever stored.
"""

from collections.abc import Sequence
from math import ceil
from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np

from ....network import Network
from ....optimizers import Optimizer
from ....training.evaluate import has_accuracy
from ....training.steppers import Stepper, TrainingState
from ....updates import gradient_norm
from .buffers import ACTIVATIONS, Plan, Pool, stages
from .products import Products
from .updates import Updates, layer_rate, moving

PRECISIONS = ("float32", "tf32", "float16")
# Slopes of half precision are this many times as large: 2^-24 is the smallest
# number, and 65504 / 128 is further than slopes of a network that learns go.
LOSS_SCALE = 128.0
_LOSSES = ("softmax_cross_entropy", "sigmoid_cross_entropy", "squared")
_SQUARES = {"squared_error": lambda n: 1.0, "half_squared_error": lambda n: 0.5}
_SQUARES["mean_squared_error"] = lambda n: 1.0 / n
_THREADS = 256


def refuse(net: Network, optimizer: Optimizer, hooks: Sequence[Any]) -> str:
    """Return why this engine cannot train `net` with `optimizer`, or ""."""
    if hooks:
        return "a callback wants to see every gradient"
    known = stages(net.layers)
    if isinstance(known, str):
        return f"the network: {known}"
    if _loss_of(net, known[-1].n_out) is None:
        return f"it has no kernel for the loss {net.loss.name}"
    if not moving(optimizer, list(net.params)):
        return "every tensor is frozen"
    return ""


def _loss_of(net: Network, n_out: int) -> tuple[int, float, float] | None:
    """Return (kind, smoothing, factor) of the loss kernel, or None."""
    kind, _, number = net.loss.name.partition(":")
    if not net.loss.built_in:
        return None  # of the caller's own making, whatever its name
    if kind in _LOSSES[:2]:
        return _LOSSES.index(kind), float(number or 0), 0.0
    if kind in _SQUARES:
        return 2, 0.0, _SQUARES[kind](n_out)
    return None


class GeneralStepper(Stepper):
    """All members with what they need to take steps on a CUDA GPU."""

    def __init__(self, state: TrainingState, precision: str = "float32"):
        super().__init__(state)
        import cupy

        net, batches = self.net, self.batches
        self._counts = state.compute_metrics and has_accuracy(net, state.data.t)
        self._factor: Any = None  # the schedule's, as last seen
        self.half, self.stages = precision == "float16", stages(net.layers)
        exact = net.dtype if precision == "float32" else precision
        self.operand = "float16" if self.half else net.dtype
        self.real = np.dtype(net.dtype).type
        self.products = Products(cupy, exact)
        self.pool = Pool(cupy, net.dtype)
        self._kernels(cupy)
        self._lay_out(cupy)
        sizes = sorted({batches.size(0), batches.size(batches.n_steps - 1)})[::-1]
        self._plans = {rows: Plan(self, rows) for rows in sizes}

    def _kernels(self, cupy: Any) -> None:
        """Compile the kernels for what the weights and the data are."""
        names = {"uint8": "unsigned char", "float32": "float", "float64": "double"}
        real, pixel = names[self.net.dtype], names[str(self.state.data.x.dtype)]
        text = Path(__file__).with_name("general.cu").read_text("utf-8")
        options = (f"-Dreal={real}", f"-Dpixel={pixel}", f"-DHALF={int(self.half)}")
        self._kernel = cupy.RawModule(code=text, options=options).get_function

        kernel = self._kernel
        self._gather, self._dropout = kernel("gather"), kernel("dropout")
        self._activate, self._pullback = kernel("bias_activation"), kernel("pullback")
        self._compare = kernel("loss_slope")

    def _lay_out(self, cupy: Any) -> None:
        """Make the arrays that do not depend on the batch."""
        net, opt, number = self.net, self.optimizer, self.products.number
        self.zero, self.one = number(0.0), number(1.0)
        self.alphas = [number(0.0) for _ in self.stages]
        self.betas = [number(1.0) for _ in self.stages]
        self.grads = {name: cupy.empty_like(p) for name, p in net.params.items()}
        self.weights = [net.params[f"{s.at}.W"] for s in self.stages]
        if self.half:
            self.weights = [cupy.empty(W.shape, dtype="float16") for W in self.weights]
        halves = {
            f"{s.at}.W": h for s, h in zip(self.stages, self.weights, strict=True)
        }
        self.updates = Updates(
            cupy, self._kernel, net, opt, self.grads, halves if self.half else {}
        )
        self._tickets = cupy.zeros(net.population or 1, dtype="uint32")
        self._loss = _loss_of(net, self.stages[-1].n_out)
        if self.draws is not None:
            self._keys = cupy.asarray(np.stack(self.draws.keys))
        self._rates = None  # each member's learning rate, where they differ
        self.updates.refresh()

    def run(self, epoch: int, first: int, last: int, factors: Sequence[Any]) -> int:
        """Execute steps first to last - 1."""
        self.batches.load_chunk(first, last)
        self.updates.refresh()  # resumed or put back, weights may be others now
        for k, factor in enumerate(factors, first):
            if self.state.request.reason and k > first:
                return k - first
            self._take(epoch, k, factor, k == self.batches.n_steps - 1)
        return last - first

    def _take(self, epoch: int, k: int, factor: Any, last: bool) -> None:
        plan = self._plans[self.batches.size(k)]
        if factor is not self._factor:
            self._set_rate(factor)
        place = self.batches.chunk(k)
        self._forward(plan, place, epoch, k)
        one_rate = self._rate is not None
        direct = self.updates.plain and not last and (one_rate or not self.optimizer.l2)
        self._slope(plan, place, direct)
        self._backward(plan, direct)
        if direct:
            self.optimizer.n_steps += 1
            self.updates.refresh()
            return
        if last:
            self.sums["grad_norm"][...] = gradient_norm(self.grads, self.net.population)
        self._update(factor)

    def _set_rate(self, factor: Any) -> None:
        """Take in what the schedule gives: one rate, or one for each member."""
        rate, self._factor = self.optimizer.learning_rate, factor
        self._rate = None
        if isinstance(rate, Real) and isinstance(factor, Real):
            self._rate = float(rate) * float(factor)
        elif self.updates.plain:
            rates = self.optimizer.rates(factor)
            scaled = np.array(rates) * (LOSS_SCALE if self.half else 1.0)
            self._rates = self.net.backend.array(scaled, self.net.dtype)

    def _forward(self, plan, place, epoch: int, k: int) -> None:
        i32, real, net = np.int32, self.real, self.net
        members = net.population or 1
        self._gather(
            (plan.rows, members if self.batches.per_member else 1),
            (_THREADS,),
            (
                self.state.data.x,
                place.index,
                plan.x,
                i32(plan.x.shape[-1]),
                i32(place.stride),
                i32(place.first),
                real(self.state.data.scale),
            ),
        )
        drawn = 0
        for i, s in enumerate(self.stages):
            plan.forward[i]()
            n = plan.rows * s.n_out
            if s.rate:
                self._mask(plan.masks[i], n, drawn, epoch, k, s.rate)
                drawn += n
            if i == len(self.stages) - 1 and net.loss.on_logits:
                return
            self._activate(
                (min(ceil(members * n / _THREADS), 4096),),
                (_THREADS,),
                (
                    plan.z[i],
                    net.params[f"{s.at}.b"],
                    plan.a[i],
                    plan.half_a[i],
                    plan.masks[i],
                    i32(plan.total),
                    i32(plan.rows),
                    i32(s.n_out),
                    i32(ACTIVATIONS.index(s.kind)),
                    real(s.alpha),
                    real(1.0 / (1.0 - s.rate)),
                ),
            )

    def _mask(self, mask, n, drawn, epoch, k, rate) -> None:
        blocks = (drawn + n + 7) // 8 - drawn // 8
        i64, grid = np.int64, (ceil(blocks / _THREADS), self.net.population or 1)
        counts = (np.int32(n), i64(drawn), i64(epoch), i64(k), np.float32(rate))
        self._dropout(grid, (_THREADS,), (self._keys, mask, *counts))

    def _slope(self, plan, place, direct: bool) -> None:
        """Compare: the slope of the loss, and the sums that people read."""
        i32, real, s = np.int32, self.real, self.stages[-1]
        last = len(self.stages) - 1
        labels, targets = place.t, None
        if labels.ndim == 2 + self.batches.per_member:
            labels, targets = None, labels
        kind, smoothing, factor = self._loss
        per_member = direct and self._rate is None
        scale = LOSS_SCALE if self.half else 1.0
        # Without labels the kernel's hits say what a single output says.
        track, counts = self.state.compute_metrics, self._counts
        self._compare(
            (ceil(plan.rows / 4), self.net.population or 1),
            (128,),
            (
                plan.a[last],
                self.net.params[f"{s.at}.b"] if self.net.loss.on_logits else None,
                labels,
                targets,
                place.weight,
                plan.da[last],
                plan.half_dz[last],
                plan.costs if track else None,
                plan.hits if track else None,
                self._tickets,
                self.sums["loss"],
                self.sums["n_correct"] if counts else None,
                i32(plan.rows),
                i32(s.n_out),
                i32(place.stride),
                i32(place.first),
                i32(kind),
                real(smoothing),
                real(factor),
                real(scale),
                self._rates if per_member else None,
            ),
        )

    def _backward(self, plan: Plan, direct: bool) -> None:
        """Back-propagate; the last product of each stage is its gradient or step."""
        i32, real, opt = np.int32, self.real, self.optimizer
        scale = 1.0 / (LOSS_SCALE if self.half else 1.0)
        for i in range(len(self.stages) - 1, -1, -1):
            s = self.stages[i]
            W, b = f"{s.at}.W", f"{s.at}.b"
            rate_W = rate_b = scale / plan.rows
            if direct:
                rate = -scale
                if self._rate is not None:
                    rate *= self._rate / plan.rows
                rate_W = rate * layer_rate(opt, W) if W in self.updates.moving else 0.0
                rate_b = rate * layer_rate(opt, b) if b in self.updates.moving else 0.0
                self._decay(i, W)
            last = i == len(self.stages) - 1
            self._pullback(
                (ceil(s.n_out / 16), self.net.population or 1),
                (16, 32),
                (
                    plan.da[i],
                    plan.z[i],
                    plan.a[i],
                    plan.masks[i],
                    plan.da[i],
                    None if last and s.kind == "identity" else plan.half_dz[i],
                    self.net.params[b] if direct else self.grads[b],
                    i32(plan.rows),
                    i32(s.n_out),
                    i32(ACTIVATIONS.index(s.kind)),
                    real(s.alpha),
                    real(1.0 / (1.0 - s.rate)),
                    real(direct),
                    real(rate_b),
                ),
            )
            if i:
                plan.to_left[i]()  # before W moves
            self.alphas[i][0] = rate_W
            if not direct or rate_W:
                plan.to_weights[i][direct]()

    def _decay(self, i: int, W: str) -> None:
        """Let the product shrink the weights by their penalty: W (1 - rate l2)."""
        rate = self._rate or 0.0
        shrink = rate * layer_rate(self.optimizer, W) * self.optimizer.l2
        self.betas[i][0] = 1.0 - shrink

    def _update(self, factor: Any) -> None:
        """Apply the gradients: in one launch, or by the optimizer's own lines."""
        if self._rate is not None and self.updates.fused:
            self.optimizer.n_steps += 1
            self.updates.apply(self._rate)
            return
        self.optimizer.step(self.net.params, self.grads, factor)
        self.updates.refresh()


def make_steppers(state: TrainingState, precision: str = "float32") -> list[Stepper]:
    """Return the one stepper that trains all members."""
    return [GeneralStepper(state, precision)]
