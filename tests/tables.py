"""Tables for tests: written to files, and the message of a refusal."""

import pytest

from gpunet.errors import ConfigError, DataError

COLORS = ["red", "green", "blue"]
SIZES = ["size,color,const,kind"]
SIZES += [f"{k},{COLORS[k % 3]},0.1,{'ab'[k % 2]}" for k in range(20)]


def write(tmp_path, lines, name="table.csv"):
    """Write a table of lines, of text or of bytes; return its path."""
    path = tmp_path / name
    if isinstance(lines, list):
        lines = "\n".join(lines) + "\n"
    path.write_bytes(lines if isinstance(lines, bytes) else lines.encode())
    return path


def error_of(call, *args, kind=(DataError, ConfigError), **options):
    """Return the error, of one printable line, that a call must raise."""
    with pytest.raises(kind) as caught:
        call(*args, **options)
    assert len(str(caught.value)) <= 480
    return caught.value


def refusal(call, *args, kind=DataError, **options):
    """Return the message of the error that a call must raise."""
    return str(error_of(call, *args, kind=kind, **options))
