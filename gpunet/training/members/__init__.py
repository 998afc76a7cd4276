"""Members: which still learn, which step made a number not finite, the best weights.

The check costs one wait for the device at the end of a span. Only when it fails
are the span's steps taken again, one by one; draws are keyed by step, so the
repeat is exact. A step that would leave a member without a finite number is
undone for that member, which stops there; the others continue, bit for bit as
without it.
"""

from collections.abc import Sequence
from math import isfinite
from typing import Any, NamedTuple

from ...backend import Array, Params, namespace
from ...errors import Diverged
from ...network import Network
from ...updates import Optimizer
from ..callbacks import EarlyStopping
from ..steppers import Snapshot, Stepper, expand_mask, member_mask
from .table import member_settings


class Span(NamedTuple):
    """Some steps of an epoch that were taken without a check.

    Attributes
    ----------
    epoch, first, last : int
    factors : sequence
        The schedule's factor of each step.
    step : int
        How many steps of the run came before `first`.
    """

    epoch: int
    first: int
    last: int
    factors: Sequence[Any]
    step: int


class Members:
    """The members of a population, or the one network: who still learns.

    Attributes
    ----------
    active : list of bool
    reasons : dict of int to str
        Why a member stopped.
    settings : list of dict
        Of each member, as `member_settings` returns them.
    """

    def __init__(self, net: Network, optimizer: Optimizer):
        self.settings = member_settings(net, optimizer)
        self.active = [True] * len(self.settings)
        self.reasons: dict[int, str] = {}

    def stop(self, member: int, reason: str) -> None:
        """Let a member learn no more."""
        self.active[member] = False
        self.reasons[member] = reason

    def reactivate(self, members: Sequence[int]) -> None:
        """Let members learn again; the reasons stay, for the report."""
        for i in members:
            self.active[i] = True

    def check_span(
        self, stepper: Stepper, before: Snapshot, span: Span
    ) -> tuple[int, list[int]] | None:
        """Check a stepper after a span; find and undo what went wrong.

        `before` is its snapshot before the span. Returns None, or if no member is
        left, the step at which the last ones diverged, and these; the stepper is
        then at the step before.
        """
        n = stepper.net.population or 1
        if self._not_finite(stepper, finite(stepper.state.tensors(), n)):
            stepper.restore(before)
            for k in range(span.first, span.last):
                if lost := self._checked_step(stepper, span, k):
                    return k, lost
            return None
        mine = self.active[stepper.state.members]
        if not all(mine):
            stepper.restore(before, member_mask(stepper.net, mine))
        return None

    def _checked_step(self, stepper: Stepper, span: Span, k: int) -> list[int]:
        """Take step k; return the members lost by it if none is left."""
        before, n = stepper.snapshot(), stepper.net.population or 1
        factor = span.factors[k - span.first]
        grads = stepper.reference_gradients(span.epoch, k)
        stepper.run(span.epoch, k, k + 1, [factor])
        tensors = {"sums.loss": stepper.sums["loss"]}
        tensors |= {f"gradient of {name}": g for name, g in grads.items()}
        bad = self._not_finite(stepper, finite(tensors | stepper.state.tensors(), n))
        step = span.step + k - span.first
        start = stepper.state.members.start
        rates = stepper.optimizer.rates(_of_members(factor, stepper))
        for i, tensor in bad.items():
            self.stop(
                start + i,
                f"diverged at epoch {span.epoch + 1}, step {step + 1}: {tensor} is not "
                f"finite (learning rate {rates[i]:g})",
            )
        mine = self.active[stepper.state.members]
        if not any(self.active):
            stepper.restore(before)
            return [start + i for i in bad]
        if not all(mine):  # the stopped stay as they are while the others step
            stepper.restore(before, member_mask(stepper.net, mine))
        return []

    def check_validation(
        self, losses: list[float], rates: list[float], epoch: int, step: int
    ) -> list[int]:
        """Stop the members whose validation loss is not finite; return them."""
        lost = [i for i, v in enumerate(losses) if self.active[i] and not isfinite(v)]
        for i in lost:
            self.stop(
                i,
                f"diverged at epoch {epoch + 1}, step {step}: validation loss is not "
                f"finite (learning rate {rates[i]:g})",
            )
        return lost

    def diverged(self, members: Sequence[int], left_at: str) -> Diverged:
        """Return the error that ends training: these last members are lost.

        A resumed run starts before this step, with them to take it: they are
        active again.
        """
        self.reactivate(members)
        n = len(self.active)
        reason = self.reasons[members[0]]
        others = f"all {n} members diverged; the last " if n > 1 else ""
        return Diverged(
            f"training: {others}{reason}; weights stand at {left_at}. Lower the "
            "learning rate, scale the inputs or clip the gradient"
        )

    def _not_finite(self, stepper: Stepper, flags: Params) -> dict[int, str]:
        """Return the active members with a number that is not finite: its tensor."""
        bk, bad, names = stepper.net.backend, {}, list(flags)
        table = bk.to_host(bk.xp.stack(list(flags.values())))  # one wait for all
        for i, active in enumerate(self.active[stepper.state.members]):
            if active and not table[:, i].all():
                name = names[int(table[:, i].argmin())]
                bad[i] = name.removeprefix("params.").replace("sums.loss", "loss")
        return bad


def finite(tensors: Params, n: int) -> dict[str, Array]:
    """Return for each tensor of floats which of its n members are finite, (n,)."""
    flags = {}
    for name, p in tensors.items():
        # Counts are integers; the norm is a report, and 0 / 0 at a rate of 0.
        if name not in ("sums.correct", "sums.grad_norm"):
            xp = namespace(p)
            flags[name] = xp.all(xp.reshape(xp.isfinite(p), (n, -1)), axis=-1)
    return flags


def _of_members(factor: Any, stepper: Stepper) -> Any:
    return factor[stepper.state.members] if isinstance(factor, list) else factor


class Best:
    """Keeps each member's best weights by validation loss.

    Parameters
    ----------
    net : Network
    rule : EarlyStopping or None
        None keeps the best and never stops.

    Attributes
    ----------
    state : dict
        loss, epoch and bad (epochs since) of each member's best.
    params : dict of str to array
        Copies of the weights; empty until there is a best.
    restores : bool
        Whether the best weights come back at the end.
    restored : bool
        Whether they have come back.
    """

    def __init__(self, net: Network, rule: EarlyStopping | None):
        n = net.population or 1
        self._net, self._rule, self.restored = net, rule, False
        self.restores = bool(rule and rule.restore_best)
        self.params: Params = {}
        self.state: dict[str, list] = {"loss": [None] * n, "epoch": [0] * n}
        self.state["bad"] = [0] * n

    def update(self, losses: list[float], epoch: int, active: list[bool]) -> list[int]:
        """Judge by an epoch's validation losses; return the members to stop.

        NaN is never a new best and never hides a later one.
        """
        state, rule = self.state, self._rule
        margin = rule.min_delta if rule else 0.0
        better, stopped = [False] * len(losses), []
        for i, value in enumerate(losses):
            if not active[i]:
                continue
            old = state["loss"][i]
            better[i] = value < (float("inf") if old is None else old - margin)
            if better[i]:
                state["loss"][i], state["epoch"][i], state["bad"][i] = value, epoch, 0
                continue
            state["bad"][i] += 1
            if rule and state["bad"][i] >= rule.patience:
                stopped.append(i)
        if any(better):
            self._copy(better)
        return stopped

    def start_copies(self) -> None:
        """Begin to keep weights, with copies of the present ones."""
        xp = self._net.backend.xp
        self.params = {
            name: xp.asarray(p, copy=True) for name, p in self._net.params.items()
        }

    def restore(self) -> None:
        """Give the network its best weights back, if the rule says so."""
        if self.restores:
            self.restored = True
            for name, p in self.params.items():
                self._net.params[name][...] = p

    def _copy(self, better: list[bool]) -> None:
        if not self.params:
            self.start_copies()
            return
        xp, mask = self._net.backend.xp, member_mask(self._net, better)
        for name, p in self._net.params.items():
            old = self.params[name]
            old[...] = xp.where(expand_mask(mask, p), p, old)
