"""The state of a training run as tensors and JSON, and back.

It is all that the next step depends on: parameters, the optimizer's state, the sums
of the epoch begun, the best weights and counters. Random draws are keyed by seed,
epoch and step, so they need nothing.
"""

import hashlib
import sys
from typing import Any

from ..backend import HostArray
from ..data import Dataset, MatrixRows
from ..errors import ModelFileError
from ..io.messages import message
from ..storage import check_tensors, network_to_config
from ..training.loop import Trainer

_LOSS: set[type] = {float, type(None)}
_MEMBER_TYPES: dict[str, set[type]] = {  # of the values of each list
    **{"alive": {bool}, "epoch": {int}, "bad": {int}},
    **{"loss": _LOSS, "best": _LOSS, "now": {float}},
}


def capture(trainer: Trainer) -> tuple[dict[str, HostArray], dict[str, Any]]:
    """Return host copies of a run's tensors and the rest as JSON data."""
    bk = trainer.net.backend
    tensors = {name: bk.to_host(p) for name, p in trainer.tensors().items()}
    state = {
        "network": network_to_config(trainer.net),
        "epoch": trainer.epoch,
        "at": trainer.step_in_epoch,
        "step": trainer.step,
        "optimizer_steps": trainer.optimizer_steps,
        "alive": trainer.active,
        "frozen": {str(i): text for i, text in trainer.history.stopped.items()},
        "best": trainer.best.state,
        "schedule": getattr(trainer.schedule, "state", None),
    }
    return tensors, state


def restore(
    trainer: Trainer, tensors: dict[str, HostArray], state: dict[str, Any], path: Any
) -> None:
    """Put a captured state into a freshly made trainer, all or nothing.

    A ModelFileError says that it is of another network, optimizer or kind.
    """
    bk = trainer.net.backend
    specs = {
        name: (tuple(p.shape), str(bk.to_host(p).dtype))
        for name, p in trainer.tensors().items()
    }
    if with_best := any(name.startswith("best.") for name in tensors):
        for name in trainer.net.params:
            specs[f"best.{name}"] = specs[f"params.{name}"]
    check_tensors(specs, tensors, path)
    try:
        plain = {key: state[key] for key in ("epoch", "at", "step", "alive")}
        best = {key: state["best"][key] for key in ("loss", "epoch", "bad")}
        reasons = {int(i): str(reason) for i, reason in state["frozen"].items()}
        stopped = {i: reasons[i] for i in reasons if not plain["alive"][i]}
        n_steps, schedule = int(state["optimizer_steps"]), state["schedule"]
        _check_counters(trainer, state)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        reason = f"its state lacks what a run needs ({error})"
        remedy = "resume from another checkpoint"
        raise ModelFileError(message("checkpoint", path, reason, remedy)) from error
    with bk.use():
        if with_best:
            trainer.best.start_copies()
        for name, p in trainer.tensors().items():
            p[...] = bk.array(tensors[name])
    counters = {"epoch": plain["epoch"], "step_in_epoch": plain["at"]}
    counters |= {"step": plain["step"], "optimizer_steps": n_steps}
    trainer.continue_from(counters, plain["alive"], stopped)
    trainer.best.state = best
    if schedule is not None and hasattr(trainer.schedule, "state"):
        trainer.schedule.state = schedule


def _check_counters(trainer: Trainer, state: dict[str, Any]) -> None:
    """Refuse counters that no run has (KeyError, TypeError, ValueError)."""
    counts = {key: state[key] for key in ("epoch", "at", "step", "optimizer_steps")}
    whole = all(type(count) is int and count >= 0 for count in counts.values())
    if not whole or counts["at"] > trainer.steps_per_epoch:
        raise ValueError(f"{counts!r:.120}")
    lists = {"alive": state["alive"], **state["best"]}
    if (schedule := state["schedule"]) is not None:
        rows = {f"schedule {key}": schedule[key] for key in ("best", "bad", "now")}
        # They are empty until the first epoch is judged.
        lists |= rows if list(rows.values()) != [[], [], []] else {}
    for name, values in lists.items():
        types: set[type] = {type(value) for value in values}
        fits = types <= _MEMBER_TYPES[name.removeprefix("schedule ")]
        if not fits or type(values) is not list or len(values) != trainer.n_members:
            raise ValueError(f"{name} is {values!r:.40}")


def history_from(records: list[dict[str, Any]], trainer: Trainer) -> None:
    """Give a resumed trainer the records of the epochs before.

    A ModelFileError names what no epoch of such a run measures.
    """
    for record in records:
        for name, value in record.items():
            whole = name != "epoch" or type(value) is int
            if not whole or not _is_measure(value, trainer.net.population):
                raise ModelFileError(
                    f"history: the record of step {record.get('step')} has the "
                    f"{name:.40} {value!r:.40}; repair or remove that line"
                )
    trainer.history.records[:] = records


def _is_measure(value: Any, population: int | None) -> bool:
    """Say whether an epoch of a run can have measured such a value."""
    if isinstance(value, list):
        fits = len(value) == population
        return fits and all(_is_measure(member, None) for member in value)
    number = type(value) in (int, float) and abs(value) <= sys.float_info.max
    return value is None or number


def data_digest(data: Dataset) -> str:
    """Return a digest of the examples, to know a run's data again."""
    digest = hashlib.blake2b(digest_size=16)
    weight = () if data.weight is None else (data.weight,)
    for array in (data.x, data.t, *weight):
        digest.update(f"{array.shape}{array.dtype}".encode())
        rows = isinstance(array, MatrixRows) or array.flags.c_contiguous
        digest.update(array.data if rows else array.tobytes())
    return digest.hexdigest()
