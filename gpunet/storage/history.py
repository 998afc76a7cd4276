"""The run's diary: one JSON object a line, appended as training goes.

Lines are appended, not replaced, so a crash can tear the last one. Resuming
drops the torn tail and every record beyond the step that is resumed; what the
run then appends makes the diary equal to that of an uninterrupted run.
"""

import contextlib
import json
import os

from gpunet.errors import ConfigError, ModelFileError
from gpunet.io.messages import one_line, write_error
from gpunet.io.writing import write_all, write_atomically
from gpunet.storage.codec import finite_json
from gpunet.storage.tensors import open_regular

_APPEND = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0)
_LONGEST = 2**28  # bytes; a sparse file of a terabyte costs its maker nothing


class HistoryFile:
    """A file of JSON lines that survives crashes in the middle of a line.

    Parameters
    ----------
    path : str or os.PathLike
    """

    def __init__(self, path):
        self.path = path
        self._fd = None

    def append(self, record):
        """Append one record as a line; it reaches the system at once.

        Parameters
        ----------
        record : dict
            What JSON can hold; NaN and infinity become null. A "step" in it
            is what `truncate` and `read` go by.

        Raises
        ------
        ConfigError
            The record is no dict of JSON values, or its "step" no integer.
        WriteError
            The disk is full or the file cannot be written; half a line is
            taken back.
        """
        record = finite_json(record)
        if not _is_record(record):
            raise ConfigError(
                f"A record expected a dict with an integer step, got {record!r:.80}."
            )
        line = (json.dumps(record, allow_nan=False) + "\n").encode("ascii")
        size = None
        try:
            if self._fd is None:
                self._open()
            size = os.fstat(self._fd).st_size
            write_all(self._fd, line)
        except (OSError, ValueError) as error:
            if size is not None:
                with contextlib.suppress(OSError):
                    os.ftruncate(self._fd, size)
            raise write_error(self.path, error, needed=len(line)) from error

    def open(self):
        """Make the file, or show that it can be appended to.

        Raises
        ------
        WriteError
        """
        try:
            self._open()
        except OSError as error:
            raise write_error(self.path, error) from error

    def sync(self):
        """Bring the appended lines to the disk; called before each checkpoint.

        Raises
        ------
        WriteError
            The disk failed.
        """
        if self._fd is None:
            return
        try:
            os.fsync(self._fd)
        except OSError as error:
            raise write_error(self.path, error) from error

    def read(self, up_to_step=None):
        """Return the sound records in order.

        Parameters
        ----------
        up_to_step : int, optional
            Leave out records with a "step" beyond it.

        Returns
        -------
        list of dict, empty where there is no file

        Raises
        ------
        ModelFileError
            A line before a sound record is damaged, or the file cannot be read.
        """
        return [record for _, record in self._sound(self._load(), up_to_step)]

    def truncate(self, step=None):
        """Drop a torn tail and the records with a "step" beyond `step`.

        Parameters
        ----------
        step : int, optional
            Without it only the torn tail goes.

        Raises
        ------
        ModelFileError
            As `read`.
        WriteError
            The shorter file cannot be written; the old one is intact.
        """
        self.close()
        data = self._load()
        kept = b"".join(line + b"\n" for line, _ in self._sound(data, step))
        if kept != data:
            write_atomically(self.path, kept)

    def close(self):
        """Close the file; the next `append` opens it again."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def _open(self):
        # A line glued to a torn one would spoil both.
        if os.path.isfile(self.path) and not self._load().endswith(b"\n"):
            self.truncate()
        self._fd = os.open(self.path, _APPEND, 0o666)

    def _load(self):
        try:
            with open_regular(self.path) as (file, size):
                if size > _LONGEST:
                    raise ValueError(f"has {size:,} bytes, more than {_LONGEST:,}")
                return file.read()
        except FileNotFoundError:
            return b""
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or str(error)
            line = one_line("history", self.path, why, "move it away")
            raise ModelFileError(line) from error

    def _sound(self, data, up_to_step):
        kept, torn = [], None
        for number, line in enumerate(data.split(b"\n"), start=1):
            record = _parse(line)
            if record is None:
                torn = torn or (number if line else None)
            elif up_to_step is None or record.get("step", 0) <= up_to_step:
                if torn:  # a tear can only be at the end, so this is damage
                    why = f"line {torn} is damaged"
                    cure = "repair or remove that line"
                    raise ModelFileError(one_line("history", self.path, why, cure))
                kept.append((line, record))
        return kept


def _parse(line):
    try:
        record = json.loads(line.decode("utf-8"), parse_constant=_refuse)
    except (ValueError, RecursionError):
        return None
    return record if _is_record(record) else None


def _is_record(value):
    return isinstance(value, dict) and type(value.get("step", 0)) is int


def _refuse(word):
    raise ValueError(word)
