"""Replace a file so that a crash leaves the old one or the new one, never a mix.

The bytes go to a temporary file in the same folder, reach the disk, and only
then take the final name; the folder follows, because a rename is an entry in it.
A power cut shows a missing fsync, so the order of these calls is tested.
"""

import contextlib
import errno
import os
import re
import stat
import sys
import time

from .messages import Path, printable, write_errors

_TEMP = re.compile(r"\..*\.(\d{1,10})-[0-9a-f]{12}\.gpunet-tmp", re.DOTALL)
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)


def write_atomically(path: Path, data: bytes) -> None:
    """Replace the file at `path` by `data`, wholly or not at all.

    A symbolic link is followed and stays; a device or a pipe is never replaced. The
    new file gets the mode 0o666 less the umask.

    Raises
    ------
    WriteError
        The system refused any step. No temporary file is left, and the old file is
        intact unless only the last step failed, the fsync of the folder: then the
        new file is complete, but may not outlive a power cut.
    """
    with write_errors(path, len(data)):
        target = _replaceable(path)
        temp = _write_temp(target, data)
        try:
            _replace(temp, target)
        except BaseException:
            _discard(temp)
            raise
        sync_folder(os.path.dirname(target))


def probe_writable(folder: Path) -> None:
    """Make `folder` and its missing parents, and show that a file can be written.

    Called before the first epoch, so that nobody trains for an hour and learns then
    that the result cannot be saved (WriteError).
    """
    with write_errors(folder):
        target = os.path.realpath(os.fsdecode(folder))
        _make_folder(target)
        _discard(_write_temp(os.path.join(target, "probe"), b"gpunet\n"))


def remove_leftovers(folder: Path) -> list[str]:
    """Remove the temporary files that killed writers left; return their names.

    Call it with the folder's lock held. A file whose writer still lives stays: a
    model may be written into a run folder without the lock.
    """
    removed = []
    for name in sorted(os.listdir(os.fsdecode(folder))):
        match = _TEMP.fullmatch(name)
        if match is None or _still_writing(int(match[1])):
            continue
        # What cannot be removed is only untidy: not a reason to stop a run.
        with contextlib.suppress(OSError):
            os.unlink(os.path.join(os.fsdecode(folder), name))
            removed.append(name)
    return removed


def sync_folder(folder: Path) -> None:
    """Bring the entries of `folder` to the disk, where the platform can.

    An OSError of it is final: after a failed fsync the kernel may report success
    for pages it has dropped.
    """
    if sys.platform == "win32":  # a folder cannot be opened there
        return
    try:
        fd = os.open(folder, os.O_RDONLY)
    except PermissionError:  # a folder one may write to but not list
        return
    try:
        os.fsync(fd)
    except OSError as error:
        # Some network file systems have no fsync for folders and say so.
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(fd)


def write_all(fd: int, data: bytes) -> None:
    """Write all of `data` to a descriptor, however little is accepted at once."""
    view = memoryview(data)
    while view:
        written = os.write(fd, view)
        if written <= 0:
            raise OSError(errno.EIO, "the system wrote nothing and gave no reason")
        view = view[written:]


def _replaceable(path: Path) -> str:
    target = os.path.realpath(os.fsdecode(path))
    try:
        mode = os.lstat(target).st_mode
    except FileNotFoundError:
        return target
    if stat.S_ISLNK(mode):
        raise OSError(errno.ELOOP, "is a symbolic link that leads to itself")
    if stat.S_ISDIR(mode):
        raise OSError(errno.EISDIR, "is a folder, not a file")
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "is a device or a pipe, not a regular file")
    return target


def _replace(temp: str, target: str) -> None:
    for wait in (0.01, 0.05, 0.25) if sys.platform == "win32" else ():
        try:
            return os.replace(temp, target)
        except PermissionError:  # there a file that somebody reads cannot be replaced
            time.sleep(wait)
    os.replace(temp, target)


def _write_temp(target: str, data: bytes) -> str:
    folder, name = os.path.split(target)
    # The name is cut so that the longest legal one still has a temporary name.
    name = f".{name[:32]}.{os.getpid()}-{os.urandom(6).hex()}.gpunet-tmp"
    temp = os.path.join(folder, name)
    fd = os.open(temp, _CREATE, 0o666)
    try:
        try:
            write_all(fd, data)
            os.fsync(fd)
        finally:
            os.close(fd)
    except BaseException:  # Ctrl-C in the middle of a save must not litter either
        _discard(temp)
        raise
    return temp


def _discard(temp: str) -> None:
    with contextlib.suppress(OSError):
        os.unlink(temp)


def _make_folder(folder: str) -> None:
    missing = []
    while not os.path.isdir(folder) and folder != os.path.dirname(folder):
        missing.append(folder)
        folder = os.path.dirname(folder)
    for each in reversed(missing):
        try:
            os.mkdir(each)
        except FileExistsError:
            if not os.path.isdir(each):  # else another run was quicker
                reason = f"{printable(each)} is a file, not a folder"
                raise NotADirectoryError(errno.ENOTDIR, reason) from None
        sync_folder(os.path.dirname(each))


def _still_writing(pid: int) -> bool:
    # On Windows os.kill would end the process, and an open file cannot be
    # removed anyway. Our own number is that of a dead writer in a container,
    # where every run has the same one.
    if sys.platform == "win32" or pid in (0, os.getpid()):
        return False
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:  # it lives, under another user
        pass
    return True
