"""One writer per folder, by a lock that dies with its holder.

The lock belongs to an open file, so the system frees it even after SIGKILL. The
process number in the file only names the holder. (The package filelock locks the
same way; on Windows it hides the holder's number, and its handling of forks is too
new to rely on.)
"""

import contextlib
import os
import sys
import time
from pathlib import Path

from ..errors import FolderInUse
from ..io.messages import message, write_errors

if sys.platform == "win32":
    import msvcrt

    # Windows forbids others to read locked bytes: lock one beyond the holder's pid.
    def _set_lock(fd: int, on: bool) -> None:
        os.lseek(fd, 1 << 20, os.SEEK_SET)
        msvcrt.locking(fd, msvcrt.LK_NBLCK if on else msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def _set_lock(fd: int, on: bool) -> None:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB if on else fcntl.LOCK_UN)


_WAITS = (0.002, 0.01, 0.05)  # seconds; asking whether a lock is held holds it for less
_held: set[int] = set()  # the open files that hold this process's locks


def _leave_to_the_parent() -> None:
    # A forked child shares the parent's locks: it would hold them after the parent's
    # death, and release them for both. The numbers stay taken until it closes them.
    null = os.open(os.devnull, os.O_RDWR)
    for fd in _held:
        os.dup2(null, fd, inheritable=False)
    _held.clear()
    os.close(null)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_leave_to_the_parent)


def take_lock(path: Path) -> int:
    """Return a descriptor that holds the lock at `path`, for `release_lock`.

    A forked child does not hold it. The file is made if it is missing and never
    removed: two processes could otherwise hold locks on two files of one name.
    FolderInUse says that a process, perhaps this one, holds the lock already.
    """
    with write_errors(path), contextlib.ExitStack() as on_failure:
        fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        on_failure.callback(os.close, fd)
        try:
            _set_lock_soon(fd)
        except (BlockingIOError, PermissionError) as error:
            os.lseek(fd, 0, os.SEEK_SET)
            text = os.read(fd, 10).strip()
            holder = f"process {int(text)}" if text.isdigit() else "another process"
            reason = f"is in use by {holder}"
            remedy = "wait for it, stop it or choose another folder"
            line = message("run folder", path.parent, reason, remedy)
            raise FolderInUse(line) from error
        os.lseek(fd, 0, os.SEEK_SET)
        # One write of fixed width, so that no reader sees half a number.
        os.write(fd, f"{os.getpid():<10}\n".encode("ascii"))
        on_failure.pop_all()
    _held.add(fd)
    return fd


def _set_lock_soon(fd: int) -> None:
    for wait in _WAITS:
        try:
            return _set_lock(fd, True)
        except (BlockingIOError, PermissionError):
            time.sleep(wait)
    _set_lock(fd, True)


def lock_is_held(path: Path) -> bool:
    """Say whether a process, perhaps this one, holds the lock at `path`."""
    try:
        fd = os.open(path, os.O_RDWR)
    except OSError:  # there is none, or it is another user's
        return False
    try:
        _set_lock(fd, True)
        _set_lock(fd, False)
    except OSError:
        return True
    finally:
        os.close(fd)
    return False


def release_lock(fd: int) -> None:
    """Release a lock that `take_lock` returned."""
    _held.discard(fd)
    # Not by closing alone: a child forked by C code shares the lock and may outlive us.
    with contextlib.suppress(OSError):
        _set_lock(fd, False)
    os.close(fd)
