"""scikit-learn's training step in compiled code: a whole epoch is one call.

`NumpyMLPStepper` makes some 20 calls of NumPy a step, which small networks wait for,
and reads all weights of a population at every step, where here each member takes its
whole epoch while its weights are in the cache.
"""

from typing import Any

import numpy as np
import scipy.sparse

from ...fast.cpu import lowering, workspace
from ...fast.cpu.jit import functions
from ...fast.cpu.jit.structs import Examples
from ...fast.cpu.population import PopulationShape, PopulationState
from ..solvers import AdamSolver, SGDSolver, Solver
from .layers import LESSON_LOSSES, DenseLayers, MLPStepper, Samples

_ACTIVATIONS = lowering.ACTIVATIONS | {"logistic": functions.SIGMOID}


def layout_rows(x: Any, t: np.ndarray, labels: bool) -> Examples:
    """Return data as the kernels read them; labels are made of rows t with one 1."""
    if scipy.sparse.issparse(x):
        x = x.tocsr()
        if not x.has_canonical_format:  # columns must ascend, each there once
            x = x.copy()
            x.sum_duplicates()
        columns = x.indices.astype(workspace.column_dtype(x.shape[1]))
        rows = np.require(x.data, None, ["C", "W"]), columns, x.indptr.astype(np.int64)
    else:
        rows = workspace.lay_rows(x)
    return workspace.lay_examples(rows, t.argmax(axis=1) if labels else t)


class NumbaMLPStepper(MLPStepper):
    """An epoch of one network, or of several, is one call; no sample weights."""

    def __init__(self, layers: DenseLayers, alpha: Any, samples: Samples) -> None:
        super().__init__(layers, alpha, samples)
        self._start = layers.packed()
        self._lead = self._start.shape[:-1]
        self._rows = layout_rows(self.x, self.t, layers.activations[-1] == "softmax")
        self._population: Any = None

    @property
    def p(self) -> np.ndarray:  # type: ignore[override]
        """A copy of all tensors as one vector, weights first; members are rows."""
        if self._population is None:
            return self._start.copy()
        return self._population.vectors().reshape(*self._lead, -1)

    def keep_members(self, kept: np.ndarray) -> "NumbaMLPStepper":
        """Drop the members where `kept` is false; return this stepper."""
        self.alpha, self._lead = self.alpha[kept], (int(kept.sum()),)
        self._population.keep(kept)
        return self

    def run_epoch(self, order: np.ndarray | None, batches: list, solver: Solver) -> Any:
        """Take a step for each batch; return the epoch's mean loss."""
        n, n_steps = batches[-1][1], len(batches)
        if self._population is None:
            self._population = self._make_population(batches[0][1], solver)
        population = self._population
        population.l2[:, 0] = self.alpha
        corrections, rate = np.ones(n_steps), solver.learning_rate
        if isinstance(solver, AdamSolver):
            betas, rate = (solver.beta_1, solver.beta_2), solver.learning_rate_init
            population.hyper[:] = *betas, 1 - betas[0], 1 - betas[1], solver.epsilon
            t = np.arange(solver.t + 1, solver.t + n_steps + 1)
            corrections = lowering.adam_correction(t, *betas)
            solver.t += n_steps
            solver.learning_rate = rate * corrections[-1]
        elif isinstance(solver, SGDSolver):
            population.hyper[:, :1] = solver.momentum
        rates = np.broadcast_to(rate, (len(population.hyper), n_steps))
        order = np.arange(n) if order is None else np.ascontiguousarray(order, np.int64)
        losses = population.train(order, rates, corrections) / n
        return losses if self._lead else losses[0]

    def _make_population(self, batch: int, solver: Solver) -> PopulationState:
        coefs, _, (*hidden, out_activation) = self.layers
        sizes, dtype = [W.shape[-2:] for W in coefs], self._start.dtype
        optimizer = functions.ADAM
        if isinstance(solver, SGDSolver):
            optimizer = functions.NESTEROV if solver.nesterov else functions.MOMENTUM
        shape = PopulationShape(
            sizes,
            [*(_ACTIVATIONS[name] for name in hidden), functions.IDENTITY],
            lowering.LOSSES[LESSON_LOSSES[out_activation]],
            optimizer,
            0.5 / sizes[-1][1],
            0.0 if out_activation == "identity" else float(np.finfo(dtype).eps),
            out_activation == "softmax",
            dtype,
        )
        start, *averages = (np.atleast_2d(v) for v in (self._start, *solver.state))
        alone = not self._lead
        return PopulationState(shape, self._rows, batch, start, averages, alone)

    def save_state(self, solver: Solver) -> None:
        """Copy the averages to the solver."""
        if self._population is not None:
            averages = self._population.memories()[: solver.n_averages]
            solver.state = [v.reshape(*self._lead, -1) for v in averages]
