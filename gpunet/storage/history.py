"""The history of a run: one JSON object a line, appended as training goes.

A crash can tear the last line. Resuming drops the torn tail and every record
beyond the step that is resumed, so that the file ends as that of an uninterrupted
run.
"""

import contextlib
import json
import os
from typing import Any

from ..errors import ConfigError, ModelFileError
from ..io.json_text import finite_json, parse_json
from ..io.messages import file_errors, message, write_errors
from ..io.reading import open_regular
from ..io.writing import write_all, write_atomically

_APPEND = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0)
_LONGEST = 2**28  # bytes; a sparse file of a terabyte costs its maker nothing


class HistoryFile:
    """A file of JSON lines that survives crashes in the middle of a line."""

    def __init__(self, path: str | os.PathLike) -> None:
        self.path = path
        self._fd: int | None = None

    def append(self, record: dict[str, Any]) -> None:
        """Append one record, a dict of JSON values, as a line; it reaches the system.

        NaN and infinity become null; `truncate` and `read` go by its integer "step", if
        any (ConfigError). After a WriteError, half a line is taken back.
        """
        record = finite_json(record)
        if not _is_record(record):
            raise ConfigError(
                f"record must be a dict with an integer step, got {record!r:.80}."
            )
        line = (json.dumps(record, allow_nan=False) + "\n").encode("ascii")
        fd = self.open()
        with write_errors(self.path, len(line)):
            size = os.fstat(fd).st_size
            try:
                write_all(fd, line)
            except BaseException:
                with contextlib.suppress(OSError):
                    os.ftruncate(fd, size)
                raise

    def open(self) -> int:
        """Make the file, or show that it can be appended to; return its descriptor."""
        if self._fd is None:
            # A line glued to a torn one would spoil both.
            if os.path.isfile(self.path) and not self._load().endswith(b"\n"):
                self.truncate()
            with write_errors(self.path):
                self._fd = os.open(self.path, _APPEND, 0o666)
        return self._fd

    def sync(self) -> None:
        """Bring the appended lines to the disk, or raise a WriteError."""
        if self._fd is not None:
            with write_errors(self.path):
                os.fsync(self._fd)

    def close(self) -> None:
        """Close the file; the next `append` opens it again."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def read(self, up_to_step: int | None = None) -> list[dict[str, Any]]:
        """Return the sound records up to a "step", in order; none without a file.

        A damaged line before a sound record is a ModelFileError.
        """
        return [record for _, record in self._sound_lines(self._load(), up_to_step)]

    def truncate(self, step: int | None = None) -> None:
        """Drop a torn tail, and the records with a "step" beyond `step` if given.

        Errors are as in `read`; after a WriteError the old file is intact.
        """
        self.close()
        data = self._load()
        kept = b"".join(line + b"\n" for line, _ in self._sound_lines(data, step))
        if kept != data:
            write_atomically(self.path, kept)

    def _load(self) -> bytes:
        with (
            file_errors("history", self.path, "move it away"),
            contextlib.suppress(FileNotFoundError),
            open_regular(self.path) as (file, status),
        ):
            if status.st_size > _LONGEST:
                size = f"{status.st_size:,} bytes"
                raise ValueError(f"has {size}, more than {_LONGEST:,}")
            return file.read()
        return b""

    def _sound_lines(
        self, data: bytes, up_to_step: int | None
    ) -> list[tuple[bytes, dict[str, Any]]]:
        """Return each sound line with its record."""
        kept, torn = [], None
        for number, line in enumerate(data.split(b"\n"), start=1):
            try:
                record = parse_json(line.decode("utf-8"))
            except (ValueError, RecursionError):
                record = None
            if not _is_record(record):
                torn = torn or (number if line else None)
            elif up_to_step is None or record.get("step", 0) <= up_to_step:
                if torn:  # a tear can only be at the end, so this is damage
                    reason = f"line {torn} is damaged"
                    remedy = "repair or remove that line"
                    raise ModelFileError(message("history", self.path, reason, remedy))
                kept.append((line, record))
        return kept


def _is_record(value: Any) -> bool:
    return isinstance(value, dict) and type(value.get("step", 0)) is int
