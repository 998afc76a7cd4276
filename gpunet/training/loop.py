"""The training loop: epochs, spans of steps, and what happens at their ends.

An epoch is cut into spans of about a quarter of a second. Inside a span nothing
waits for the device. At its end the numbers are checked once: if one is no
longer finite, the span's start is put back and its steps are taken again with a
check at each, which finds the very step; randomness is keyed, so the repeat is
exact. Weights, optimizer and counters then stand at the last good step.
"""

import time
from collections.abc import Sequence
from math import ceil, isfinite
from typing import Any

from ..backend import Array, Params
from ..backend.threads import blas_threads
from ..data import Dataset
from ..errors import Diverged
from ..network import Network
from ..optimizers import Optimizer
from .batches import Feed
from .best import Best
from .callbacks import Callback, EarlyStopping
from .checks import check_settings, check_trainable, largest_matrix
from .disk import DeviceRows, DiskFeed
from .divergence import check_span, raise_diverged, refuse_validation
from .engines import choose
from .evaluate import counts_hits, measure, n_outputs, place
from .history import History
from .memory import memory_for
from .parts import Part
from .schedules import get_schedule

_SPAN_SECONDS = 0.25


class Trainer:
    """One training run: what it has, where it stands, and how it goes on.

    Parameters
    ----------
    net : Network
        Trained in place.
    train, validation : Dataset
        Checked against the network already.
    epochs, batch_size : int
        A batch_size of None takes all examples: gradient descent proper.
    optimizer : Optimizer
    schedule : str or callable
    early_stopping : EarlyStopping, optional
    order : "own", "shared" or "none"
    order_seed : int, optional
        The seed of the shared order; None takes the first member's.
    track : bool
        Whether loss and accuracy are computed while training.
    callbacks : sequence of Callback
    max_steps : int, optional
        Stop after so many steps, wherever that is.
    engine : "auto", "loop" or "compiled"
        See `gpunet.training.engines`.
    precision : "float32", "tf32" or "float16"
        What a compiled engine's matrix products are computed in.

    Attributes
    ----------
    engine : Engine
        The one that was taken.
    epoch, at, step : int
        Epochs done, steps done in this epoch, steps done in all.
    history : History
    alive : list of bool, one for each member
    answers : device arrays (t, weight) of all examples; weight may be None
    """

    def __init__(
        self,
        net: Network,
        train: Dataset,
        validation: Dataset | None = None,
        *,
        epochs: int,
        batch_size: int | None,
        optimizer: Optimizer,
        schedule: Any = "constant",
        early_stopping: EarlyStopping | None = None,
        order: str = "own",
        order_seed: int | None = None,
        track: bool = True,
        callbacks: Sequence[Callback] = (),
        max_steps: int | None = None,
        engine: str = "auto",
        precision: str = "float32",
    ):
        check_trainable(net)
        check_settings(epochs, batch_size, order, max_steps, order_seed)
        self.net, self.optimizer, self.epochs = net, optimizer, epochs
        self.callbacks, self.max_steps, self.track = tuple(callbacks), max_steps, track
        self.schedule = get_schedule(schedule)
        self.epoch = self.at = self.step = 0
        self.seconds = 0.0
        self.history = History()
        self.n_members = net.population or 1
        self.alive = [True] * self.n_members
        self.best = Best(net, early_stopping)
        self._may_stop_early = early_stopping is not None
        self._why = ""
        self._span = 16
        self._factor_value: Any = 1.0  # what the schedule gave last
        with net.backend.use():
            self._batch = min(batch_size or len(train), len(train))
            with memory_for("data", net.backend, self._batch):
                feed = self._place(train, validation, order, order_seed)
            with memory_for("step", net.backend, self._batch):
                self._choose(engine, precision, feed)
        self._arrays = dict(net.params)  # what the parts hold

    def _place(self, train, validation, order, order_seed) -> Any:
        """Lay out data and sums; return what makes feeds."""
        net, bk = self.net, self.net.backend
        lead = (net.population,) if net.population else ()
        self.optimizer.start(net.params, bk, net.population)
        floats, whole = bk.dtype(net.dtype), bk.dtype("int64")
        self.sums = {
            name: bk.xp.zeros(
                lead, dtype=whole if name == "correct" else floats, device=bk.device
            )
            for name in ("loss", "correct", "grad_norm")
        }
        data = place(bk, net, train)
        self.answers = data.t, data.weight
        self._counts_hits = counts_hits(net, data.t)
        self._validation = validation and place(bk, net, validation)
        self._x, self._on_disk = data.x, isinstance(data.x, DeviceRows)

        def feed(seeds):
            own = bool(lead) and order == "own"
            first = net.seeds[0] if order_seed is None else order_seed
            keys = seeds if order == "own" else [first]
            return (DiskFeed if self._on_disk else Feed)(
                bk,
                data.x,
                data.t,
                data.weight,
                batch_size=self._batch,
                seeds=keys,
                own_orders=own,
                order=order,
                n_out=n_outputs(net),
                dtype=net.dtype,
                scale=data.scale,
            )

        self.n_train = len(train)
        self.steps_per_epoch = ceil(len(train) / self._batch)
        return feed

    def _choose(self, engine: str, precision: str, feed: Any) -> None:
        """Choose who takes the steps, and make the parts that do."""
        hooks = [
            c.on_gradients
            for c in self.callbacks
            if type(c).on_gradients is not Callback.on_gradients
        ]
        self.engine = choose(
            engine,
            self.net,
            self.optimizer,
            n_steps=self._expected_steps(),
            hooks=hooks,
            x=self._x,
            batch=self._batch,
            on_disk=self._on_disk,
            precision=precision,
        )
        self.parts = self.engine.split(
            self.net, self.optimizer, feed, self.sums, track=self.track, hooks=hooks
        )
        if self.parts[0].note:
            self.engine = self.engine._replace(note=self.parts[0].note)

    def _expected_steps(self) -> float:
        """Return how many steps the run is likely to take."""
        steps = self.epochs * self.steps_per_epoch
        steps = steps / 3 if self._may_stop_early else steps
        return min(steps, self.max_steps or steps)

    def tensors(self) -> dict[str, Array]:
        """Return every array that the next step depends on, by name."""
        tensors = {f"params.{name}": p for name, p in self.net.params.items()}
        tensors |= {f"slots.{name}": s for name, s in self.optimizer.state.items()}
        tensors |= {f"sums.{name}": s for name, s in self.sums.items()}
        return tensors | {f"best.{name}": p for name, p in self.best.params.items()}

    def loss_so_far(self) -> Any:
        """Return the mean loss of the epoch's batches until now; waits."""
        seen = min(self.at * self.parts[0].feed.batch_size, self.n_train)
        sums = self.net.backend.to_host(self.sums["loss"]).reshape(self.n_members)
        return self._shown([v / max(seen, 1) for v in sums.tolist()], self.alive)

    def stop(self, why: str) -> None:
        """Ask for an end after the current step; `why` goes into the history."""
        self._why = self._why or why

    @property
    def stopped(self) -> bool:
        """Whether an end has been asked for."""
        return bool(self._why)

    def run(self) -> History:
        """Train to the end and return the history.

        Raises
        ------
        Diverged
            The network (or every member) met a number that is not finite.
        ConfigError
            Another thread is training the network.
        """
        with self.net.params.training():
            return self._run()

    def _run(self) -> History:
        self._tell("on_start", self)
        if not any(self.alive):
            self.stop("early stopping")
            self.best.restore()
        if self.max_steps is not None and self.step >= self.max_steps:
            self.stop("step limit reached")
        try:
            bk = self.net.backend
            blas = blas_threads(self._batch * largest_matrix(self.net))
            with bk.use(), memory_for("step", bk, self._batch), blas:
                while self.epoch < self.epochs and not self._why:
                    self._one_epoch()
                if not self._why:
                    self._why = "all epochs done"
                    self.best.restore()
        finally:
            self.history.outcome = self._why or "stopped by an error"
            self._tell("on_stop", self)
        return self.history

    def _one_epoch(self) -> None:
        started = time.perf_counter()
        for part in self.parts:
            part.feed.begin(self.epoch)
        while self.at < self.steps_per_epoch and not self._why:
            span_started = time.perf_counter()
            n = self._run_span(self.at, self._span_end())
            self.at += n
            self.step += n
            self._adapt(n, time.perf_counter() - span_started)
            self._tell("on_span", self)
            if self.max_steps is not None and self.step >= self.max_steps:
                self.stop("step limit reached")
            if self.at < self.steps_per_epoch:
                self._pause()
        self.seconds += time.perf_counter() - started
        if self.at == self.steps_per_epoch:
            with memory_for("evaluation", self.net.backend, self._batch):
                self._end_epoch()
            self._pause()

    def _pause(self) -> None:
        for callback in self.callbacks:
            if callback.every_steps and self.step % callback.every_steps == 0:
                with memory_for("save", self.net.backend, self._batch):
                    callback.on_pause(self)

    def _span_end(self) -> int:
        ends = [self.at + self._span, self.steps_per_epoch]
        if self.max_steps is not None:
            ends.append(self.at + self.max_steps - self.step)
        for callback in self.callbacks:
            if every := callback.every_steps:
                ends.append(self.at + every - self.step % every)
        return max(min(ends), self.at + 1)

    def _adapt(self, n: int, seconds: float) -> None:
        wanted = n * _SPAN_SECONDS / max(seconds, 1e-6)
        self._span = int(min(max(wanted, 1), 4 * self._span, 8192))

    def _run_span(self, first: int, last: int) -> int:
        """Take steps first to last - 1; return how many were taken.

        Whatever breaks into it (Ctrl-C, no memory) leaves the span's start.
        """
        self._adopt()
        begun = []
        try:
            for part in self.parts:
                if not any(self.alive[part.members]):
                    continue
                part.feed.load(first, last)
                before = part.snapshot()
                begun.append((part, before))
                last = part.steps(self.epoch, first, last, self._factor, self._ended)
                check_span(self, part, before, first, last)
        except Diverged:
            raise
        except BaseException:
            for part, before in begun:
                part.restore(before)
            raise
        return last - first

    def _adopt(self) -> None:
        """Copy parameters that a callback has replaced into the arrays in use."""
        for name, p in self._arrays.items():
            new = self.net.params[name]
            if new is not p:
                p[...] = new
                self.net.params[name] = p

    def _ended(self) -> bool:
        """Whether to finish this step and take no more: a signal came."""
        # Several parts must all stop at one step: they finish the span.
        return bool(self._why) and len(self.parts) == 1

    def one_step(self, part: Part, k: int) -> Params:
        """Let a part take step k of the epoch; see `Part.step`."""
        final = k == self.steps_per_epoch - 1
        return part.step(self.epoch, k, self._factor(k), last=final)

    def freeze(self, member: int, why: str) -> None:
        """Let a member learn no more."""
        self.alive[member] = False
        self.history.frozen[member] = why

    def _factor(self, k: int) -> Any:
        factor = self.schedule(self.epoch + k / self.steps_per_epoch, self.epochs)
        # The same object while the value stays: nothing is then computed anew.
        if factor != self._factor_value:
            listed = isinstance(factor, list)
            self._factor_value = list(factor) if listed else float(factor)
        return self._factor_value

    def learning_rates(self) -> list[float]:
        """Return each member's learning rate of the newest step."""
        return self.optimizer.rates(self._factor_value)

    def _end_epoch(self) -> None:
        started, alive = time.perf_counter(), list(self.alive)
        record = {"epoch": self.epoch + 1, "step": self.step}
        record["learning_rate"] = self.learning_rates()
        record |= self._scores()
        lost: list[int] = []
        if self._validation is not None:
            val_loss, val_accuracy = measure(self.net, self._validation)
            record["val_loss"], record["val_accuracy"] = val_loss, val_accuracy
            lost = refuse_validation(self, val_loss)
            for i in self.best.update(val_loss, self.epoch + 1, self.alive):
                self.freeze(i, f"stopped early after epoch {self.epoch + 1}")
        losses = record.get("val_loss") or record.get("loss")
        if hasattr(self.schedule, "update") and losses:
            self.schedule.update(losses)
        record = {name: self._shown(value, alive) for name, value in record.items()}
        record["seconds"] = round(self.seconds + time.perf_counter() - started, 4)
        self.epoch, self.at, self.seconds = self.epoch + 1, 0, 0.0
        for s in self.sums.values():
            s[...] = 0
        self.history.append(record)
        end = not any(self.alive)
        if end:
            for i in lost:  # as the checkpoint should have them: see raise_diverged
                self.alive[i] = True
        self._tell("on_epoch", self, record)
        if end and lost:
            raise_diverged(self, lost, "that step")
        if end:
            self.stop("early stopping")
            self.best.restore()

    def _scores(self) -> dict[str, Any]:
        host = {
            name: self.net.backend.to_host(s).reshape(self.n_members).tolist()
            for name, s in self.sums.items()
        }
        scores = {"grad_norm": host["grad_norm"]}
        if self.track:
            scores["loss"] = [v / self.n_train for v in host["loss"]]
            if self._counts_hits:
                scores["accuracy"] = [v / self.n_train for v in host["correct"]]
        return scores

    def _shown(self, value: Any, alive: list[bool]) -> Any:
        if not isinstance(value, list):
            return value
        # Seven digits: what float32 means, so that files do not suggest more.
        kept = [
            float(f"{v:.7g}") if learns and isfinite(v) else None
            for v, learns in zip(value, alive, strict=True)
        ]
        return kept if self.net.population else kept[0]

    def _tell(self, event: str, *args: Any) -> None:
        with memory_for("save", self.net.backend, self._batch):
            for callback in self.callbacks:
                getattr(callback, event)(*args)
