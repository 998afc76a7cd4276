"""The compiled engine on the CPU: spans of steps in one call, members in threads."""

import time
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ...backend import Array
from ...backend.threads import usable_threads
from ...optimizers import Adam
from ...random import seed_sequence
from ...training.metrics import has_accuracy
from ...training.steppers import Stepper, TrainingState
from .compiler import announced, compiled
from .jit.span import train_network
from .jit.structs import MemberState, StepSpan, Workspace
from .lowering import adam_correction, hyper_parameters, layout, lower, pack, unpack
from .threads import pool, run_threads, threads_for
from .workspace import (
    NOTHING,
    aligned,
    column_dtype,
    lay_examples,
    lay_rows,
    layers_for,
    workspace_for,
)

_LONG = 1.0  # seconds: loading what was compiled before takes a tenth of it


def make_steppers(state: TrainingState) -> list[Stepper]:
    """Return the one stepper that trains all members: it has threads of its own."""
    return [CompiledStepper(state)]


class _Memory(NamedTuple):
    """The arrays of one thread: a workspace, and a member's parameters and state."""

    workspace: Workspace
    P: Array
    M: Array
    V: Array


class CompiledStepper(Stepper):
    """All members, and their steps in compiled calls."""

    def __init__(self, state: TrainingState):
        super().__init__(state)
        net, batch_size, data = state.net, state.batch_size, state.data
        self._layout = layout(net)
        self._kernel = compiled(train_network)
        self._lowered = lower(
            net,
            self.optimizer,
            layers_for(self._layout, batch_size),
            labels=data.t.ndim == 1,
            has_accuracy=state.compute_metrics and has_accuracy(net, data.t),
            compute_metrics=state.compute_metrics,
        )
        self._keys = [
            seed_sequence(s, "dropout").generate_state(2, np.uint64) for s in net.seeds
        ]
        several = threads_for(self._layout, batch_size)
        self._n_threads = 1 if net.population else several
        started = time.perf_counter()
        with announced(train_network, net.dtype, column_dtype(data.x.shape[1])):
            self._examples = lay_examples(lay_rows(data.x), data.t, data.weight)
            n = min(usable_threads(), len(net.seeds))
            self._memories = [self._memory() for _ in range(n)]
            # With no steps to take, this only compiles the kernel or loads it.
            no_steps = StepSpan(
                NOTHING, batch_size, np.zeros((0, 1)), np.zeros(0), 0, 0, False
            )
            self._train_member(0, self._memories[0], no_steps)
        seconds = time.perf_counter() - started
        if seconds > _LONG:
            self.note = f"compiled in {seconds:.1f} s"

    def run(self, epoch: int, first: int, last: int, factors: Sequence[Any]) -> int:
        """Execute all steps: a compiled call cannot be interrupted."""
        optimizer, n = self.optimizer, len(self.net.seeds)
        t = range(optimizer.n_steps + 1, optimizer.n_steps + 1 + last - first)
        corrections = np.ones(len(t))
        if isinstance(optimizer, Adam):  # one by one: powers of arrays differ in bits
            betas = optimizer.beta1, optimizer.beta2
            corrections = np.asarray([adam_correction(k, *betas) for k in t])
        rates = [optimizer.rates(factors[0])] * len(factors)
        if any(factor is not factors[0] for factor in factors):
            rates = [optimizer.rates(factor) for factor in factors]
        span = StepSpan(
            np.ascontiguousarray(self.batches.order(first, last)),
            self.state.batch_size,
            np.asarray(rates),
            corrections,
            epoch,
            first,
            last == self.batches.n_steps,
        )
        free = list(self._memories)

        def train(i: int) -> None:
            memory = free.pop()
            self._train_member(i, memory, span)
            free.append(memory)

        if n == 1:
            train(0)
        else:
            list(pool(len(self._memories)).map(train, range(n)))
        optimizer.n_steps += last - first
        return last - first

    def _memory(self) -> _Memory:
        layout, dtype = self._layout, self.net.dtype
        workspace = workspace_for(
            layout, self._examples, self.state.batch_size, self._n_threads, dtype
        )
        size = layout.size if self.optimizer.slot_names else 0
        P, M, V = (aligned(n, dtype) for n in (layout.size, size, size))
        return _Memory(workspace, P, M, V)

    def _train_member(self, i: int, memory: _Memory, span: StepSpan) -> None:
        """Take a member's steps: its tensors go into flat arrays, and come back."""
        net, optimizer, dtype = self.net, self.optimizer, self.net.dtype
        index = i if net.population else None
        state = [
            {name: optimizer.state[f"{name}.{slot}"] for name in net.params}
            for slot in optimizer.slot_names
        ]
        pairs = list(zip(memory[1:], (net.params, *state), strict=False))
        for flat, arrays in pairs:
            pack(flat, arrays, self._layout, index)
        loss, n_correct, grad_norm = (
            self.sums[name].reshape(-1)[i : i + 1]
            for name in ("loss", "n_correct", "grad_norm")
        )
        hyper, l2 = (np.asarray(v, dtype) for v in hyper_parameters(optimizer, i))
        member = MemberState(
            *memory[1:], loss, n_correct, grad_norm, hyper, l2, self._keys[i]
        )
        span = span._replace(
            order=span.order if span.order.ndim == 1 else span.order[i],
            rates=span.rates[:, i].astype(dtype),
            corrections=span.corrections.astype(dtype),
        )
        task = (self._lowered, self._examples, member, memory.workspace, span)
        run_threads(self._kernel, self._n_threads, memory.workspace.sync, task)
        if span.order.size:
            for flat, arrays in pairs:
                unpack(flat, arrays, self._layout, index)
