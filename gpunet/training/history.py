"""History: one record for each epoch, as plain numbers."""

import warnings
from collections.abc import Iterator
from math import isfinite
from typing import TYPE_CHECKING, Any

from .._lazy import load
from ..errors import UnknownColumn
from ..io.messages import choices, counted
from ..io.tables import data_frame
from .members.table import MemberTable, counted_states

if TYPE_CHECKING:
    import pandas
    from matplotlib.figure import Figure

RESULTS = ("loss", "accuracy", "val_loss", "val_accuracy")
COLUMNS = (
    *("epoch", "step", "learning_rate", "grad_norm", "loss", "accuracy"),
    *("val_loss", "val_accuracy", "seconds"),
)


class History:
    """What happened, epoch by epoch.

    Each record is a dict with epoch (from 1), step, seconds, learning_rate,
    loss and accuracy of the epoch's own batches (before each update),
    val_loss, val_accuracy, and grad_norm (of the epoch's last batch). For a
    population every number but epoch, step and seconds is a list, one for each
    member, with None for members that no longer learn.

    ``history["loss"]`` is the list of one column, with None for each epoch that
    did not measure it; ``"val_loss" in history`` tells whether any did.

    Examples
    --------
    >>> h = History([{"epoch": 1, "loss": 0.5}, {"epoch": 2, "loss": 0.25}])
    >>> h["loss"], len(h), h.last["epoch"]
    ([0.5, 0.25], 2, 2)
    """

    def __init__(
        self,
        records: list[dict[str, Any]] | None = None,
        stopped: dict[int, str] | None = None,
        settings: list[dict[str, Any]] | None = None,
    ):
        self.records = list(records or [])
        self.outcome = ""  # why training ended
        self.stopped = {} if stopped is None else stopped  # members that ended early
        self.settings = settings or []  # of each member, for `members`
        self.kept: list[int] = []  # the epochs whose weights came back, 0 for none

    @property
    def frozen(self) -> dict[int, str]:
        """The old name of `stopped`."""
        warnings.warn(
            "history: frozen is now called stopped", DeprecationWarning, stacklevel=2
        )
        return self.stopped

    def append(self, record: dict[str, Any]) -> None:
        """Add one epoch's record."""
        self.records.append(record)

    @property
    def last(self) -> dict[str, Any]:
        """The newest record, or an empty one."""
        return self.records[-1] if self.records else {}

    @property
    def columns(self) -> list[str]:
        """The names of all that was measured, in the order of the records."""
        return list(dict.fromkeys(name for record in self.records for name in record))

    def __contains__(self, column: str) -> bool:
        return column in self.columns

    def __getitem__(self, column: str) -> list[Any]:
        """Return one number of each epoch, None where it was not measured.

        Raises
        ------
        UnknownColumn
            Neither a record nor `COLUMNS` has it; it is a KeyError too.
        """
        if column not in (*COLUMNS, *self.columns):
            known = self.columns or list(COLUMNS)
            raise UnknownColumn(
                f"history: {column!r:.60} is not a column; {choices(column, known)}"
            )
        return [record.get(column) for record in self.records]

    def __len__(self) -> int:
        return len(self.records)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return iter(self.records)

    @property
    def n_members(self) -> int | None:
        """How many networks the records are of; None for one."""
        values = (self.last.get(name) for name in COLUMNS)
        return next((len(v) for v in values if isinstance(v, list)), None)

    def members(self) -> MemberTable:
        """Return what became of each network of a population.

        Returns
        -------
        table : MemberTable
            A list of dicts, printed as a table: member, seed, learning_rate, and of
            momentum, l2 and l1 what differs; epoch, whose weights the member has
            (the best where early stopping restored it, else the last in which it
            learned); loss, accuracy, val_loss and val_accuracy of that epoch, if
            measured; state: "active", or how it ended.

        Examples
        --------
        >>> h = History([{"epoch": 1, "learning_rate": [0.1, 9.0], "loss": [0.5, 2]}])
        >>> h.stopped[1] = "diverged at epoch 2, step 7: loss is not finite"
        >>> h.members()[1]["state"], h.members()[0]["loss"]
        ('diverged at epoch 2, step 7', 0.5)
        """
        names = range(self.n_members or 0)
        settings = self.settings or [{"member": i} for i in names]
        if not settings and self.records:
            settings = [{}]
        columns = [name for name in RESULTS if name in self]
        return MemberTable(
            row | self._result(i, columns) for i, row in enumerate(settings)
        )

    def _result(self, i: int, columns: list[str]) -> dict[str, Any]:
        """Return epoch, results and state of member i."""
        last: dict[str, Any] = {}
        for record in reversed(self.records):
            if kept := self.kept and self.kept[i]:
                matches = record["epoch"] == kept
            else:  # a member that no longer learns has no rate
                matches = self._value(record, "learning_rate", i) is not None
            if matches:
                last = record
                break
        state = self.stopped.get(i, "active").partition(":")[0]
        results = {name: self._value(last, name, i) for name in columns}
        return {"epoch": last.get("epoch"), **results, "state": state}

    def to_frame(self) -> "pandas.DataFrame":
        """Return a pandas DataFrame with a row for each epoch and member.

        Its columns are epoch, step, member and all else that was measured: what
        seaborn and `groupby` expect. The member of one network is 0; NaN is what was
        not measured, such as the numbers of a member that no longer learns. Without
        pandas it is an ImportError; ``polars.DataFrame(history.records)`` reads the
        records too.

        Examples
        --------
        >>> records = [{"epoch": 1, "step": 8, "loss": [0.5, 0.25]}]
        >>> print(History(records).to_frame())
           epoch  step  member  loss
        0      1     8       0  0.50
        1      1     8       1  0.25
        """
        known = [name for name in COLUMNS if name in self]
        names = list(dict.fromkeys([*known[:2], "member", *known, *self.columns]))
        rows = [
            [self._value(record, name, member) for name in names]
            for record in self.records
            for member in range(self.n_members or 1)
        ]
        return data_frame("history", rows, names)

    def plot(self) -> "Figure":
        """Return loss and accuracy by epoch, in training and validation, as a Figure.

        A notebook displays it, ``history.plot().savefig("curves.png")`` writes it.
        Of a population each member is a thin line, and the thick one their median.
        Without matplotlib it is an ImportError.
        """
        return load("show.curves").learning_curves(self)

    def _value(self, record: dict[str, Any], name: str, member: int) -> Any:
        """Return one number of one member, None where it was not measured."""
        value = member if name == "member" else record.get(name)
        if isinstance(value, list) and len(value) == self.n_members:
            return value[member]
        return value

    def __repr__(self) -> str:
        means = {name: mean_value(self.last.get(name)) for name in RESULTS}
        numbers = [f"{name} {v:.4g}" for name, v in means.items() if v is not None]
        parts = [counted(len(self), "epoch")]
        parts.append(self.outcome or "running")
        if self.n_members and numbers:
            numbers[0] = f"means: {numbers[0]}"
        rows = self.members()
        states = [counted_states(rows)] if rows and "member" in rows[0] else []
        return f"History({', '.join([*parts, *numbers, *states])})"

    def _repr_html_(self) -> str:
        return load("show.html").history(self)


def known_values(value: Any) -> list[float]:
    """Return the measured numbers of a record's entry, a number or one a member."""
    values = value if isinstance(value, list) else [value]
    return [v for v in values if v is not None]


def mean_value(value: Any) -> Any:
    """Return the mean of a population's measured numbers; other values stay."""
    if not isinstance(value, list):
        return value
    known = known_values(value)
    return sum(known) / len(known) if known else None


def shown(value: Any, active: list[bool], population: int | None) -> Any:
    """Return the members' numbers as a record has them, None for what is not finite.

    Parameters
    ----------
    value : list of float, one for each member (or network); other values stay
    active : list of bool
        Members that learned; the others have None.
    population : int or None
        Without one the list's only number is returned.
    """
    if not isinstance(value, list):
        return value
    # Seven digits: what float32 means, so that files do not suggest more.
    kept = [
        float(f"{v:.7g}") if learns and isfinite(v) else None
        for v, learns in zip(value, active, strict=True)
    ]
    return kept if population else kept[0]
