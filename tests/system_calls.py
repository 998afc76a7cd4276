"""Children, and a log of the system calls that write."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

import gpunet

posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX only")
linux = pytest.mark.skipif(sys.platform != "linux", reason="Linux only")

CALLS = ("open", "write", "fsync", "close", "replace", "unlink")


def run_child(code, *arguments, **options):
    environment = dict(os.environ, PYTHONPATH=str(Path(gpunet.__file__).parents[1]))
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        **options,
    )


def record_calls(monkeypatch, fail_at=None, error=errno.EIO):
    """Log every call in `CALLS`; let the one numbered `fail_at` fail."""
    log, paths = [], {}

    def watch(name):
        genuine = getattr(os, name)

        def call(first, *rest, **options):
            where = paths.get(first, first) if isinstance(first, int) else first
            log.append((name, os.fspath(where)))
            if len(log) - 1 == fail_at:
                if name == "close":  # the system closes the file even so
                    genuine(first)
                raise OSError(error, os.strerror(error))
            result = genuine(first, *rest, **options)
            if name == "open":
                paths[result] = first
            return result

        monkeypatch.setattr(os, name, call)

    for name in CALLS:
        watch(name)
    return log


def message_of(error):
    text = str(error.value)
    assert len(text) <= 485
    assert "\n" not in text
    text.encode("utf-8")
    return text
