"""A watcher beside a training: a process of its own, which ends with it.

It is started anew rather than forked, and knows the training by a pipe alone: when
that closes, because training has ended or was killed, the last state is shown.
"""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..errors import ConfigError
from ..io.messages import message
from .following import Follower
from .watch import Watch, check_installed

_CODE = (
    "import sys; sys.path.insert(0, sys.argv[1]); "
    "from gpunet.page.beside import serve; serve(sys.argv[2])"
)
_NICE = 10
_PATIENCE = 10  # seconds that a watcher has to show the last state


@contextlib.contextmanager
def watching(folder: Any) -> Iterator[str]:
    """Serve the page of a run folder in another process, until the context ends.

    Yields the address. A ConfigError says that the extra `page` is not installed, or
    that the folder cannot be watched.
    """
    check_installed()
    folder = Path(os.fsdecode(folder))
    Follower(folder)  # what is wrong with it is told here
    process = _start(folder.absolute())
    assert process.stdin and process.stdout
    try:
        address = process.stdout.readline().decode().strip()
        if not address:
            reason, remedy = "cannot be watched", "train without watch"
            raise ConfigError(message("run folder", folder, reason, remedy))
        yield address
    finally:
        process.stdin.close()
        try:
            with contextlib.suppress(subprocess.TimeoutExpired):  # it may hang
                process.wait(_PATIENCE)
        finally:  # a second Ctrl-C does not wait
            process.kill()
            process.wait()
            process.stdout.close()


def _start(folder: Path) -> subprocess.Popen:
    root = Path(__file__).parents[2]
    how: dict[str, Any] = {"process_group": 0}  # Ctrl-C is for the training alone
    if sys.platform == "win32":
        group, slow = "CREATE_NEW_PROCESS_GROUP", "BELOW_NORMAL_PRIORITY_CLASS"
        how = {"creationflags": getattr(subprocess, group) | getattr(subprocess, slow)}
    words = [sys.executable, "-c", _CODE, str(root), str(folder)]
    return subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, **how)


def serve(folder: str) -> None:
    """Serve the page of a run folder until standard input ends; print the address."""
    yield_processor()
    watch = Watch(folder)
    watch.start()
    print(watch.address, flush=True)
    sys.stdin.buffer.read()
    watch.stop()


def yield_processor() -> None:
    """Let training, which needs it more, go first from now on."""
    if hasattr(os, "nice"):
        os.nice(_NICE)
