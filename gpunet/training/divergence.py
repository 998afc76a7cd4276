"""Divergence: finding the step at which a number ceased to be finite.

The check costs one wait for the device at the end of a span. Only when it fails
are the span's steps taken again, one by one; draws are keyed by step, so the
repeat is exact. A step that would leave a member without a number is undone for
that member, which is frozen there; the others go on, bit for bit as without it.
"""

from math import isfinite
from typing import Any

from ..backend import Array, Params, namespace
from ..errors import Diverged
from .best import member_mask


def finite(tensors: Params, n: int) -> dict[str, Array]:
    """Return for each tensor of floats which of its n members are finite, (n,)."""
    flags = {}
    for name, p in tensors.items():
        # Counts are integers; the norm is a report, and 0 / 0 at a rate of 0.
        if name not in ("sums.correct", "sums.grad_norm"):
            xp = namespace(p)
            flags[name] = xp.all(xp.reshape(xp.isfinite(p), (n, -1)), axis=-1)
    return flags


def check_span(trainer: Any, part: Any, before: Any, first: int, last: int) -> None:
    """Check a part after steps first to last - 1; find and undo what went wrong.

    Parameters
    ----------
    trainer : Trainer
    part : Part
    before : snapshot of the part before the span

    Raises
    ------
    Diverged
        No member is left; the part stands at its last good step.
    """
    n = part.net.population or 1
    if _bad_members(trainer, part, finite(part.tensors(), n)):
        part.restore(before)
        for k in range(first, last):
            _checked_step(trainer, part, k)
        return
    mine = trainer.alive[part.members]
    if not all(mine):
        part.restore(before, member_mask(part.net, mine))


def _checked_step(trainer: Any, part: Any, k: int) -> None:
    before, n = part.snapshot(), part.net.population or 1
    grads = trainer.one_step(part, k)
    seen = {"sums.loss": part.sums["loss"]}
    seen |= {f"gradient of {name}": g for name, g in grads.items()}
    bad = _bad_members(trainer, part, finite(seen | part.tensors(), n))
    step = trainer.step + k - trainer.at
    for i, tensor in bad.items():
        member = part.members.start + i
        trainer.freeze(
            member,
            f"diverged at epoch {trainer.epoch + 1}, step {step + 1}: {tensor} is not "
            f"finite (learning rate {trainer.learning_rates()[member]:g})",
        )
    mine = trainer.alive[part.members]
    if any(trainer.alive):
        if not all(mine):  # the frozen stay as they are while the others step
            part.restore(before, member_mask(part.net, mine))
        return
    part.restore(before)
    trainer.at, trainer.step = k, step
    raise_diverged(trainer, [part.members.start + i for i in bad])


def refuse_validation(trainer: Any, losses: list[float]) -> list[int]:
    """Freeze the members whose validation loss is not finite; return them."""
    lost = [i for i, v in enumerate(losses) if trainer.alive[i] and not isfinite(v)]
    for i in lost:
        rate = trainer.learning_rates()[i]
        trainer.freeze(
            i,
            f"diverged at epoch {trainer.epoch + 1}, step {trainer.step}: validation "
            f"loss is not finite (learning rate {rate:g})",
        )
    return lost


def raise_diverged(
    trainer: Any, members: list[int], stand: str = "the step before it"
) -> None:
    """End training, now that these last members are lost (Diverged)."""
    for i in members:  # a resumed run stands before this step, with them to take it
        trainer.alive[i] = True
    reason = trainer.history.frozen[members[0]]
    trainer.stop(reason)
    n = trainer.n_members
    crowd = f"all {n} members diverged; the last " if n > 1 else ""
    raise Diverged(
        f"training: {crowd}{reason}; weights stand at {stand}. Lower the "
        "learning rate, scale the inputs or clip the gradient"
    )


def _bad_members(trainer: Any, part: Any, flags: Params) -> dict[int, str]:
    """Return the members with a number that is not finite, and its tensor."""
    bk, bad, names = part.net.backend, {}, list(flags)
    table = bk.to_host(bk.xp.stack(list(flags.values())))  # one wait for all
    for i, alive in enumerate(trainer.alive[part.members]):
        if alive and not table[:, i].all():
            name = names[int(table[:, i].argmin())]
            bad[i] = name.removeprefix("params.").replace("sums.loss", "loss")
    return bad
