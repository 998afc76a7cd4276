"""The compiled engine on the CPU: spans of steps in one call, members in threads."""

import time
from collections.abc import Callable, Sequence
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


class SpanStepper(Stepper):
    """What takes spans of steps in compiled calls, members or groups in threads."""

    def __init__(self, state: TrainingState, kernel: Callable, n_tasks: int):
        super().__init__(state)
        net, data = state.net, state.data
        self._layout, self._n_tasks = layout(net), n_tasks
        self._kernel = compiled(kernel)
        self._lowered = lower(
            net,
            self.optimizer,
            self._layers(),
            labels=data.t.ndim == 1,
            has_accuracy=state.compute_metrics and has_accuracy(net, data.t),
            compute_metrics=state.compute_metrics,
        )
        started = time.perf_counter()
        with announced(kernel, net.dtype, column_dtype(data.x.shape[1])):
            rows = lay_rows(data.x, data.scale, net.dtype)
            self._examples = lay_examples(rows, data.t, data.weight)
            n = min(usable_threads(), n_tasks)
            self._memories = [self._memory() for _ in range(n)]
            # With no steps to take, this only compiles the kernel or loads it.
            order = self.state.batch_size, np.zeros((0, len(net.seeds))), np.zeros(0)
            self._train(0, self._memories[0], StepSpan(NOTHING, *order, 0, 0, False))
        seconds = time.perf_counter() - started
        if seconds > _LONG:
            self.note = f"compiled in {seconds:.1f} s"

    def _layers(self) -> Array:
        """Return the table of layers that the kernel reads."""
        raise AssertionError("each stepper has its own table")

    def _memory(self) -> Any:
        """Return the arrays of one thread."""
        raise AssertionError("each stepper has its own arrays")

    def _train(self, i: int, memory: Any, span: StepSpan) -> None:
        """Take the steps of a span of member or group i."""
        raise AssertionError("each stepper has its own steps")

    def _tensors(self) -> list[Any]:
        """Return the parameters, and the optimizer's memories by the same names."""
        slots, state = self.optimizer.slot_names, self.optimizer.state
        names = self.net.params
        return [names, *({n: state[f"{n}.{slot}"] for n in names} for slot in slots)]

    def run(self, epoch: int, first: int, last: int, factors: Sequence[Any]) -> int:
        """Execute all steps: a compiled call cannot be interrupted."""
        optimizer = self.optimizer
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
            self._train(i, memory, span)
            free.append(memory)

        if self._n_tasks == 1:
            train(0)
        else:
            list(pool(len(self._memories)).map(train, range(self._n_tasks)))
        optimizer.n_steps += last - first
        return last - first


class _Memory(NamedTuple):
    """The arrays of one thread: a workspace, and a member's parameters and state."""

    workspace: Workspace
    P: Array
    M: Array
    V: Array


class CompiledStepper(SpanStepper):
    """Members one by one; a single network may use several threads."""

    def __init__(self, state: TrainingState):
        net, batch_size = state.net, state.batch_size
        self._keys = [
            seed_sequence(s, "dropout").generate_state(2, np.uint64) for s in net.seeds
        ]
        several = threads_for(layout(net), batch_size)
        self._n_threads = 1 if net.population else several
        super().__init__(state, train_network, len(net.seeds))

    def _layers(self) -> Array:
        return layers_for(self._layout, self.state.batch_size)

    def _memory(self) -> _Memory:
        layout, dtype = self._layout, self.net.dtype
        workspace = workspace_for(
            layout, self._examples, self.state.batch_size, self._n_threads, dtype
        )
        size = layout.size if self.optimizer.slot_names else 0
        P, M, V = (aligned(n, dtype) for n in (layout.size, size, size))
        return _Memory(workspace, P, M, V)

    def _train(self, i: int, memory: _Memory, span: StepSpan) -> None:
        """Take a member's steps: its tensors go into flat arrays, and come back."""
        net, optimizer, dtype = self.net, self.optimizer, self.net.dtype
        index = i if net.population else None
        pairs = list(zip(memory[1:], self._tensors(), strict=False))
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
