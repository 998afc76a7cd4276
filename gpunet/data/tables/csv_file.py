"""CSV files of strangers, read by the standard library's reader and judged here.

Python's `csv` splits the lines; what this file adds is refusal. A file has a
header and rows of one length. Whatever is otherwise is refused with its line and
column, because a guess that goes wrong here trains a network on nonsense without
a word. What is left out, such as row numbers, is noted in the table.
"""

import csv
import io
from dataclasses import dataclass
from functools import partial
from itertools import chain

import numpy as np

from ...errors import ConfigError
from ...io.messages import data_error
from .columns import Column, Mixed, describe_mixed
from .dialect import (
    BLANK,
    TextFormat,
    csv_reader,
    find_delimiter,
    is_row_names,
    lacks_row_names,
    looks_like_data,
)
from .table import Table
from .text import read_utf8, shown

_ROWS = 4096  # turned into arrays at once, so that few cells are texts in memory


@dataclass(frozen=True)
class Wanted:
    """What a trained model reads of a table; other columns are not looked at.

    Parameters
    ----------
    names : tuple of str
    target : str
        Read where it is there.
    n_columns : int or None
        Of the training file, where that had no header.
    strict_target : bool
        Refuse a target that mixes numbers and texts, instead of leaving it out.
    """

    names: tuple
    target: str
    n_columns: int | None = None
    strict_target: bool = True


def read_csv(path, form=None, *, missing=(), categories=(), drop=(), wanted=None):
    """Return the table in a CSV file.

    The first line names the columns. A byte order mark and Windows' line ends are
    accepted, blanks around cells are taken away. A column is of numbers, or of
    texts (categories); one that mixes the two is refused, unless `categories`
    names it.

    Parameters
    ----------
    path : str or path-like
        A file, perhaps compressed by gzip, or "-" for standard input.
    form : TextFormat, optional
        How it is written, where that is not to be detected.
    missing : sequence of str
        What marks a missing value, beside an empty cell.
    categories : sequence of str
        Columns whose cells are texts even where they look like numbers.
    drop : sequence of str
        Columns to leave out: by name, by number from 1, or "" for those without
        a name.
    wanted : Wanted, optional
        What to read for a trained model.

    Returns
    -------
    table : Table

    Raises
    ------
    DataError
        With the line and the column of what is wrong.
    ConfigError
        `drop` names no column.
    """
    form = form or TextFormat()
    where = shown(path)
    content = read_utf8(path, form.encoding)
    delimiter, sample = find_delimiter(content, form, where)
    rows = partial(_Rows, content, delimiter, where)
    head = rows().first()
    names = _names(head, sample, form, wanted, where)
    shifted = len(names) > len(head)
    chosen = _chosen(names, drop, wanted, shifted)
    chunks = partial(_chunks, rows, form.header is not False, len(names))
    texts = {"", *categories}
    marks = {"", *(text.strip(BLANK) for text in missing)}
    notes = []
    try:
        columns, lines = _columns(chunks(), chosen, texts, marks, form, where)
    except Mixed:
        judged = {name: k for k, name in chosen.items() if name not in texts}
        bad, error = describe_mixed(
            chain.from_iterable(chunks()), judged, marks, form, where
        )
        if wanted is None or wanted.strict_target or bad != [wanted.target]:
            raise error from None
        del chosen[judged[wanted.target]]
        columns, lines = _columns(chunks(), chosen, texts, marks, form, where)
        notes.append(f"{wanted.target} mixes numbers and texts: not read")
    notes += _check_nameless(columns, chosen, shifted, where)
    return Table(
        where,
        {name: columns[k] for k, name in chosen.items() if name},
        lines=np.array(lines),
        fields={name: k + 1 for k, name in chosen.items()},
        n_columns=len(names),
        notes=tuple(notes),
    )


class _Rows:
    """The rows of a table with the lines on which they begin."""

    def __init__(self, content, delimiter, where):
        text = io.TextIOWrapper(io.BytesIO(content), "utf-8-sig", newline="")
        self._reader, self._where = csv_reader(text, delimiter), where
        self.line = 1  # of the next row

    def next(self):
        """Return (line, cells) of the next row, or None at the end."""
        line = self.line
        try:
            row = next(self._reader)
        except StopIteration:
            return None
        except csv.Error as error:
            where = f"{self._where}:{line}:1"
            why = f"the row that begins here cannot be read ({error})"
            cure = 'close each quote, and write a quote inside quotes as ""'
            raise data_error("table", where, why, cure) from None
        self.line = self._reader.line_num + 1
        return line, row

    def first(self):
        """Return the cells of the first row, blanks around them taken away."""
        _, cells = self.next() or (1, [])
        if not cells:
            place = f"{self._where}:1:1"
            raise data_error("table", place, "is an empty line", "take it out")
        return [cell.strip(BLANK) for cell in cells]

    def chunk(self, width):
        """Return the next rows, each of `width` cells."""
        chunk = []
        while len(chunk) < _ROWS and (found := self.next()):
            line, row = found
            if len(row) != width:
                if not row and not self._more():
                    break
                raise self._uneven(line, row, width)
            chunk.append(found)
        return chunk

    def _more(self):
        """Tell whether anything but empty lines follows; read on to it."""
        while found := self.next():
            if found[1]:
                return True
        return False

    def _uneven(self, line, row, width):
        at = min(len(row), width) + 1
        why = f"has {len(row)} cells, the header {width}"
        cure = "give each row a cell for each column, and quote texts with a delimiter"
        if not row:
            at, why, cure = 1, "is an empty line", "take it out"
        return data_error("table", f"{self._where}:{line}:{at}", why, cure)


def _chunks(rows, has_header, width):
    """Yield the rows below the header in lists of (line, cells)."""
    rows = rows()
    if has_header:
        rows.next()
    while chunk := rows.chunk(width):
        yield chunk


def _columns(chunks, chosen, texts, marks, form, where):
    """Return the values of the chosen columns by their place, and the rows' lines."""
    columns = {
        k: Column(name, k + 1, where, name in texts, marks, form)
        for k, name in chosen.items()
    }
    lines = []
    for chunk in chunks:
        at = [line for line, _ in chunk]
        lines.extend(at)
        for k, cells in enumerate(zip(*(row for _, row in chunk), strict=True)):
            if k in columns:
                columns[k].add(cells, at)
    if not lines:
        why = "holds a header and no rows"
        raise data_error("table", where, why, "give it rows to learn from")
    return {k: column.values() for k, column in columns.items()}, lines


def _names(head, sample, form, wanted, where):
    """Return the names of all columns, "" for one without."""
    if form.header is False:
        return _numbered(len(head), wanted, where)
    place = f"{where}:1:1"
    if head[0].startswith("#"):
        why = f"begins with a comment, {head[0]!r}"
        raise data_error("table", place, why, "take the comment out")
    if len(head) < 2 and wanted is None:
        why, cure = f"the header has one column, {head[0]!r}", "give it two at least"
        if " " not in head[0]:
            raise data_error("table", place, why, f"{cure}, or name its delimiter")
        cure += ", or use {delimiter}"
        raise data_error("table", place, why, cure, delimiter="space")
    if form.header is None and looks_like_data([head, *sample[1:]], form.number):
        only = all(map(form.number.fullmatch, head))
        why = "the first line holds numbers only, so there is no header"
        why = why if only else f"the first line looks like data ({head[0]!r:.40}, ...)"
        cure = "use {header} if it is data, or header=True if it names the columns"
        raise data_error("table", place, why, cure, header=False)
    seen = {"": 0}
    for k, name in enumerate(head, 1):
        if seen.setdefault(name, k) not in (0, k):
            why = f"column {seen[name]} is called {name!r} too"
            raise data_error("table", f"{where}:1:{k}", why, "rename one of the two")
    return ["", *head] if lacks_row_names(sample) else head


def _numbered(width, wanted, where):
    """Return the names of columns without a header: their numbers, from 1."""
    expected = wanted.n_columns if wanted else None
    if expected in (None, width):
        return [str(k + 1) for k in range(width)]
    names = [str(k + 1) for k in range(expected)]
    names = [name for name in names if name != wanted.target]
    if len(names) != width:
        why = f"has {width} columns, the model expects {expected} with the target"
        raise data_error("table", where, why, "give the same columns")
    return names


def _chosen(names, drop, wanted, shifted):
    """Return the columns to read: their names by their place from 0."""
    every = dict(enumerate(names))
    if wanted is not None:
        return {
            k: name
            for k, name in every.items()
            if name in wanted.names or name == wanted.target or (shifted and not k)
        }
    for text in drop:
        places = [k for k, name in enumerate(names) if name == text]
        if not places and text.isascii() and text.isdigit() and len(text) < 9:
            places = [k for k in range(len(names)) if k + 1 == int(text)]
        if not places:
            known = ", ".join(filter(None, names))
            raise ConfigError(
                f"drop: {text!r:.80}: no such column; choose from {known:.300}"
            )
        for k in places:
            every.pop(k, None)
    return every


def _check_nameless(columns, chosen, shifted, where):
    """Return notes on columns without a name that are left out; refuse the others."""
    notes = []
    for k in [k for k, name in chosen.items() if not name]:
        cells, number = columns[k], k + 1
        if shifted and all(cell == "" or cell != cell for cell in columns[max(chosen)]):
            why = "each row has an empty cell more than the header has names"
            cure = "take the last delimiter out of each row, or add one to the header"
            raise data_error("table", f"{where}:1:{max(chosen) + 1}", why, cure)
        if k == 0 and is_row_names(cells):
            what = "has no name and numbers or names the rows"
        elif not any(cells):
            what = "has no name and no cells"
        else:
            what = "has no name"
            if shifted:
                what += f" (the header has {max(chosen)} names, the rows a cell more)"
            cure = "name it, or use {drop} to leave it out"
            place = f"{where}:1:{number}"
            why = f"column {number} {what}"
            raise data_error("table", place, why, cure, drop=[str(number)])
        notes.append(f"column {number} {what}: left out")
    return notes
