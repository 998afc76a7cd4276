"""The training loop: epochs, spans of steps, and what happens at their ends.

An epoch is cut into spans of about a quarter of a second. Inside a span nothing
waits for the device. At its end the numbers are checked once: if one is no
longer finite, the span's start is put back and its steps are taken again with a
check at each, which finds the very step; randomness is keyed, so the repeat is
exact. Weights, optimizer and counters are then those of the last good step.
"""

import time
from math import ceil
from typing import Any

from ..backend import Array
from ..backend.threads import blas_threads
from ..errors import Diverged
from ..layers import Dense
from ..network import Network
from .callbacks import EarlyStopping
from .device_data import to_device, training_data
from .engines import choose
from .history import History, shown
from .members import Best, Members, Span
from .memory import memory_for
from .metrics import measure
from .schedules import get_schedule
from .settings import Settings
from .steppers import scores, training_state

_SPAN_SECONDS = 0.25


class Trainer:
    """The state and control flow of one training run; `net` is trained in place.

    Attributes
    ----------
    engine : Engine
        The one that was chosen.
    epoch, step_in_epoch, step : int
        Epochs done, steps done in this epoch, steps done in all.
    history : History
    members : Members
    state : TrainingState
    """

    def __init__(self, net: Network, data: Any, settings: Settings):
        train, held_out = training_data(net, data, settings)
        self.net, self.settings = net, settings
        self.optimizer = settings.make_optimizer()
        self.epochs = settings.epochs
        self.callbacks = settings.callback_objects()
        self.schedule = get_schedule(settings.schedule)
        self.epoch = self.step_in_epoch = self.step = 0
        self.seconds = 0.0
        self.n_members = net.population or 1
        self.members = Members(net, self.optimizer)
        self.history = History(None, self.members.reasons, self.members.settings)
        rule = settings.early_stopping
        self.best = Best(net, EarlyStopping(rule) if isinstance(rule, int) else rule)
        self._span = 16  # steps
        self._factor: Any = 1.0  # what the schedule returned last
        self.batch_size = min(settings.batch_size or len(train), len(train))
        self.n_train = len(train)
        self.steps_per_epoch = ceil(len(train) / self.batch_size)
        with net.backend.use():
            with memory_for("data", net.backend, self.batch_size):
                self.optimizer.start(net.params, net.backend, net.population)
                self.data = to_device(net, train)
                self.validation = to_device(net, held_out) if held_out else None
            with memory_for("step", net.backend, self.batch_size):
                self.state = training_state(
                    net, self.optimizer, self.data, self.batch_size, settings
                )
                self.engine = choose(self.state, settings, self._expected_steps())
                self.steppers = self.engine.make_steppers(self.state)
        if note := self.steppers[0].note:
            self.engine = self.engine._replace(note=note)
        self._arrays = dict(net.params)  # what the steppers hold

    def _expected_steps(self) -> float:
        """Return how many steps the run is likely to take."""
        steps = self.epochs * self.steps_per_epoch
        expected = steps / 3 if self.settings.early_stopping else float(steps)
        return min(expected, self.settings.max_steps or expected)

    @property
    def compute_metrics(self) -> bool:
        """Whether loss and accuracy are computed while training."""
        return self.settings.compute_metrics

    @property
    def active(self) -> list[bool]:
        """Which members still learn."""
        return self.members.active

    def continue_from(
        self, counters: dict[str, int], active: list[bool], stopped: dict[int, str]
    ) -> None:
        """Set where training continues, and why members that are not active ended.

        The counters are epoch, step_in_epoch, step and optimizer_steps.
        """
        self.epoch, self.step = counters["epoch"], counters["step"]
        self.step_in_epoch = counters["step_in_epoch"]
        self.members.active[:] = active
        self.members.reasons |= stopped
        for optimizer in [self.optimizer, *(s.optimizer for s in self.steppers)]:
            optimizer.n_steps = counters["optimizer_steps"]

    @property
    def optimizer_steps(self) -> int:
        """How many steps the optimizer has taken; blocks of members count alone."""
        return max(stepper.optimizer.n_steps for stepper in self.steppers)

    def tensors(self) -> dict[str, Array]:
        """Return every array that the next step depends on, by name."""
        best = {f"best.{name}": p for name, p in self.best.params.items()}
        return self.state.tensors() | best

    def loss_so_far(self) -> Any:
        """Return the mean loss of the epoch's batches so far; waits."""
        seen = min(self.step_in_epoch * self.batch_size, self.n_train)
        loss = scores(self.state, max(seen, 1))["loss"]
        return shown(loss, self.active, self.net.population)

    def stop(self, reason: str) -> None:
        """Ask for an end after the current step; the reason goes into the history."""
        request = self.state.request
        request.reason = request.reason or reason

    @property
    def stopped(self) -> bool:
        """Whether an end has been asked for."""
        return bool(self.state.request.reason)

    def run(self) -> History:
        """Train to the end and return the history; see `fit` for its errors."""
        with self.net.params.training():
            return self._run()

    def _run(self) -> History:
        self._tell("on_start", self)
        if not any(self.active):
            self._stop_early()
        self._check_max_steps()
        try:
            bk = self.net.backend
            dense = [x for x in self.net.layers if isinstance(x, Dense)]
            largest = max((x.n_in * x.n_out for x in dense), default=1)
            blas = blas_threads(self.batch_size * largest)
            with bk.use(), memory_for("step", bk, self.batch_size), blas:
                while self.epoch < self.epochs and not self.stopped:
                    self._run_epoch()
                if not self.stopped:
                    self.stop("all epochs done")
                    self.best.restore()
        finally:
            self.history.outcome = self.state.request.reason or "stopped by an error"
            self.history.kept = self.best.state["epoch"] if self.best.restored else []
            self._tell("on_stop", self)
        return self.history

    def _run_epoch(self) -> None:
        started = time.perf_counter()
        for stepper in self.steppers:
            stepper.batches.start_epoch(self.epoch)
        while self.step_in_epoch < self.steps_per_epoch and not self.stopped:
            span_started = time.perf_counter()
            n = self._run_span(self.step_in_epoch, self._span_end())
            self.step_in_epoch += n
            self.step += n
            self._adapt(n, time.perf_counter() - span_started)
            self._tell("on_span", self)
            self._check_max_steps()
            if self.step_in_epoch < self.steps_per_epoch:
                self._pause()
        self.seconds += time.perf_counter() - started
        if self.step_in_epoch == self.steps_per_epoch:
            with memory_for("evaluation", self.net.backend, self.batch_size):
                self._end_epoch()
            self._pause()

    def _check_max_steps(self) -> None:
        most = self.settings.max_steps
        if most is not None and self.step >= most:
            self.stop("step limit reached")

    def _stop_early(self) -> None:
        self.stop("early stopping")
        self.best.restore()

    def _pause(self) -> None:
        for callback in self.callbacks:
            if callback.every_steps and self.step % callback.every_steps == 0:
                with memory_for("save", self.net.backend, self.batch_size):
                    callback.on_pause(self)

    def _span_end(self) -> int:
        done = self.step_in_epoch
        ends = [done + self._span, self.steps_per_epoch]
        if self.settings.max_steps is not None:
            ends.append(done + self.settings.max_steps - self.step)
        for callback in self.callbacks:
            if every := callback.every_steps:
                ends.append(done + every - self.step % every)
        return max(min(ends), done + 1)

    def _adapt(self, n: int, seconds: float) -> None:
        steps = n * _SPAN_SECONDS / max(seconds, 1e-6)
        self._span = int(min(max(steps, 1), 4 * self._span, 8192))

    def _run_span(self, first: int, last: int) -> int:
        """Take steps first to last - 1, or fewer; return how many.

        Whatever interrupts it (Ctrl-C, no memory) leaves the span's start.
        """
        self._adopt()
        factors = [self._next_factor(k) for k in range(first, last)]
        begun = []
        try:
            for stepper in self.steppers:
                if not any(self.active[stepper.state.members]):
                    continue
                before = stepper.snapshot()
                begun.append((stepper, before))
                last = first + stepper.run(self.epoch, first, last, factors)
                span = Span(self.epoch, first, last, factors, self.step)
                if lost := self.members.check_span(stepper, before, span):
                    self._diverge(*lost)
        except Diverged:
            raise
        except BaseException:
            for stepper, before in begun:
                stepper.restore(before)
            raise
        return last - first

    def _diverge(self, k: int, lost: list[int]) -> None:
        self.step, self.step_in_epoch = self.step + k - self.step_in_epoch, k
        self.stop(self.members.reasons[lost[0]])
        raise self.members.diverged(lost, "the step before it")

    def _adopt(self) -> None:
        """Copy parameters that a callback has replaced into the arrays in use."""
        for name, p in self._arrays.items():
            new = self.net.params[name]
            if new is not p:
                p[...] = new
                self.net.params[name] = p

    def _next_factor(self, k: int) -> Any:
        factor = self.schedule(self.epoch + k / self.steps_per_epoch, self.epochs)
        if factor != self._factor:
            self._factor = list(factor) if isinstance(factor, list) else float(factor)
        return self._factor

    def learning_rates(self) -> list[float]:
        """Return each member's learning rate of the newest step."""
        return self.optimizer.rates(self._factor)

    def _end_epoch(self) -> None:
        started, active = time.perf_counter(), list(self.active)
        record: dict[str, Any] = {"epoch": self.epoch + 1, "step": self.step}
        record["learning_rate"] = self.learning_rates()
        record |= scores(self.state, self.n_train)
        lost: list[int] = []
        if self.validation is not None:
            loss, record["val_accuracy"] = measure(self.net, self.validation)
            record["val_loss"] = loss
            rates = self.learning_rates()
            lost = self.members.check_validation(loss, rates, self.epoch, self.step)
            for i in self.best.update(loss, self.epoch + 1, self.active):
                self.members.stop(i, f"stopped early after epoch {self.epoch + 1}")
        losses = record.get("val_loss") or record.get("loss")
        if hasattr(self.schedule, "update") and losses:
            self.schedule.update(losses)
        for name, value in record.items():
            record[name] = shown(value, active, self.net.population)
        record["seconds"] = round(self.seconds + time.perf_counter() - started, 4)
        self.epoch, self.step_in_epoch, self.seconds = self.epoch + 1, 0, 0.0
        for total in self.state.sums.values():
            total[...] = 0
        self.history.append(record)
        end = not any(self.active)
        # The checkpoint keeps these members active.
        error = self.members.diverged(lost, "that step") if end and lost else None
        self._tell("on_epoch", self, record)
        if error:
            self.stop(self.members.reasons[lost[0]])
            raise error
        if end:
            self._stop_early()

    def _tell(self, event: str, *args: Any) -> None:
        with memory_for("save", self.net.backend, self.batch_size):
            for callback in self.callbacks:
                getattr(callback, event)(*args)
