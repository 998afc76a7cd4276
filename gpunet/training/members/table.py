"""The table of a population's members: their settings, results and states."""

from collections import Counter
from math import sqrt
from numbers import Real
from statistics import fmean
from typing import Any

from ..._lazy import load
from ...io.messages import counted
from ...io.tables import text_table
from ...network import Network
from ...updates import Optimizer
from ..metrics import summary

# What members are compared by: the first that was measured, and whether more is better.
CRITERIA = {"val_accuracy": 1, "val_loss": -1, "test_accuracy": 1, "r2": 1}
CRITERIA |= {"accuracy": 1, "loss": -1}
_MOST_ROWS = 10
_WHO = ("member", "seed")
_RESULTS = (
    *("epoch", "loss", "accuracy", "val_loss", "val_accuracy"),
    *("test_accuracy", "r2", "mae", "rmse", "state"),
)


class MemberTable(list[dict[str, Any]]):
    """The rows of `History.members`; printed, the best ten and a summary."""

    @property
    def criterion(self) -> str:
        """What the rows are compared by: validation, test or training; or ""."""
        known = {name for row in self for name, v in row.items() if v is not None}
        return next((name for name in CRITERIA if name in known), "")

    def best_first(self) -> list[dict[str, Any]]:
        """Return the rows, the best first; those that diverged are the last."""

        criterion = self.criterion
        sign = CRITERIA.get(criterion, 1)

        def key(row: dict[str, Any]) -> tuple[bool, float]:
            value = row.get(criterion)
            lost = value is None or diverged(row)
            return lost, 0.0 if value is None else -sign * value

        return sorted(self, key=key)

    def _repr_html_(self) -> str:
        return load("show.html").members(self)

    def __repr__(self) -> str:
        """Return the best rows as a table, and lines about the rest and all."""
        rows, names = self.best_first(), self.columns
        cells = [[n.replace("_", " ") for n in names]]
        cells += [[_cell(n, row.get(n)) for n in names] for row in rows[:_MOST_ROWS]]
        sides = "".join("<" if name == "state" else ">" for name in names)
        lines = text_table(cells, sides)
        if (more := len(rows) - _MOST_ROWS) > 0:
            lines.append(f"... and {counted(more, 'more member')}")
        return "\n".join([*lines, *self.notes()])

    @property
    def columns(self) -> list[str]:
        """What is known of the members, in the order in which it is shown."""
        names = [*_WHO, *self._setting_names(), *_RESULTS]
        return [n for n in names if any(row.get(n) is not None for row in self)]

    def notes(self) -> list[str]:
        """Return what is said of all members together, in lines."""
        if len(self) < 2:
            return []
        notes = [self._summary(), counted_states(self), self.best_setting()]
        return list(filter(None, notes))

    def best_setting(self) -> str:
        """Return which rate (momentum, penalty) was best, and by how much, or "".

        The lead over the next one is compared with the standard deviation of the two's
        members, who differ by their seeds alone.
        """
        criterion = self.criterion
        names = [n for n in self._setting_names() if len({r[n] for r in self}) > 1]
        groups: dict[str, list[float]] = {}
        sizes: Counter[str] = Counter()
        for row in self:
            setting = ", ".join(f"{n.replace('_', ' ')} {row[n]:g}" for n in names)
            sizes[setting] += 1
            if not (row.get(criterion) is None or diverged(row)):
                groups.setdefault(setting, []).append(row[criterion])
        if not names or len(groups) < 2:
            return ""
        means = {setting: fmean(values) for setting, values in groups.items()}
        sign = CRITERIA[criterion]
        best, second = sorted(means, key=lambda setting: -sign * means[setting])[:2]
        lead = sign * (means[best] - means[second])
        n, size = len(groups[best]), sizes[best]
        of = f" (mean of {n}{'' if n == size else f' of {size}'} seeds)"
        text = (
            f"best: {best}: {criterion.replace('_', ' ')} "
            f"{_cell(criterion, means[best])}{of if size > 1 else ''}, "
        )
        if not lead:
            return f"{text}as good as {second}"
        text += f"{_cell(criterion, lead)} better than {second}"
        pair = [(v, means[s]) for s in (best, second) for v in groups[s]]
        if len(pair) == 2:
            return f"{text} (one seed each: the spread of seeds is unknown)"
        sd = sqrt(sum((v - mean) ** 2 for v, mean in pair) / (len(pair) - 2))
        ratio = f"{lead / sd:.1f} times " if sd else ""
        return f"{text} ({ratio}the sd of seeds, {_cell(criterion, sd)})"

    def _setting_names(self) -> list[str]:
        names = {name: None for row in self for name in row}
        others = [name for name in names if name not in (*_WHO, *_RESULTS)]
        return sorted(others, key=lambda name: name != "learning_rate")

    def _summary(self) -> str:
        criterion = self.criterion
        values = [None if diverged(row) else row.get(criterion) for row in self]
        numbers = summary(values)
        if not numbers["n"]:
            return ""
        ends = {"mean": "mean", "sd": "sd", "median": "median"}
        ends |= {"worst": "min", "best": "max"}
        parts = [f"{n} {_cell(criterion, numbers[k])}" for k, n in ends.items()]
        count = f"{numbers['n']:,} of {len(self):,} members"
        return f"{criterion.replace('_', ' ')} of {count}: {', '.join(parts)}"


def diverged(row: dict[str, Any]) -> bool:
    """Return whether a row of a MemberTable is of a member that diverged."""
    return row["state"].startswith("diverged")


def counted_states(rows: list[dict[str, Any]]) -> str:
    """Return how many members are active, stopped early and diverged, and which did."""
    kinds = ("active", "stopped early", "diverged")
    counts = {k: sum(row["state"].startswith(k) for row in rows) for k in kinds}
    words = ", ".join(f"{n:,} {kind}" for kind, n in counts.items() if n)
    lost = [str(row["member"]) for row in rows if diverged(row) and "member" in row]
    names = ", ".join(lost[:5]) + (", ..." if len(lost) > 5 else "")
    words += f" (member{'' if len(lost) == 1 else 's'} {names})" if lost else ""
    return f"{counted(len(rows), 'member')}: {words}"


def _cell(name: str, value: Any) -> str:
    if not isinstance(value, float):
        return "-" if value is None else str(value)
    return f"{value:.4f}" if name == "r2" or "accuracy" in name else f"{value:.4g}"


def member_settings(net: Network, optimizer: Optimizer) -> list[dict[str, Any]]:
    """Return each member's number, seed, rate and what differs; no number for one."""
    rows: list[dict[str, Any]] = [{"seed": seed} for seed in net.seeds]
    if net.population:
        rows = [{"member": i} | row for i, row in enumerate(rows)]
    for name in ("learning_rate", *optimizer.per_member):
        value = getattr(optimizer, name)
        values = [value] * len(rows) if isinstance(value, Real) else list(value)
        if name == "learning_rate" or len(set(values)) > 1:
            # The optimizer's start refuses more or fewer values than members.
            for row, number in zip(rows, values, strict=False):
                row[name] = float(number)
    return rows
