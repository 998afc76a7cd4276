"""What a run folder shows at this moment, and what has changed since another one.

The parts of the page's document carry the version in which they last changed. Who has
seen a version gets the parts that are newer, once, however many versions lie between:
nothing is queued for anybody.
"""

import contextlib
import json
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..errors import ConfigError, GpunetError
from ..io.json_text import finite_json
from ..io.messages import message, printable
from ..runs.listing import Run, read_run
from ..storage import RunFolder
from .document import history, page_document
from .source import PageSource, open_source

_SHARE = 0.01  # of the time, about, that is spent on the document
_LONGEST_REST = 20.0  # seconds


class Follower:
    """The document of a run folder, brought up to date by `look`.

    Parameters
    ----------
    folder : Path
        It need not exist yet; a file is a ConfigError.
    """

    def __init__(self, folder: Path):
        if folder.exists() and not folder.is_dir():
            reason, remedy = "is not a folder", "name the folder of a run"
            raise ConfigError(message("watch", folder, reason, remedy))
        self._folder, self._lock = RunFolder(folder), threading.Lock()
        self._parts: dict[str, Any] = {"title": printable(folder.name), "overview": {}}
        self._versions = dict.fromkeys(self._parts, 0)
        self._files: Any = None  # as they were when the whole document was made
        self._rest = {"document": 0.0, "history": 0.0}  # until when none is made
        self._member: int | None = None  # that the page shows first
        self._data: Any = None
        self._text: tuple[Any, str] = (None, "")  # what `since` returned last
        self.version = 0

    def look(self, last: bool = False) -> bool:
        """Look at the folder; return whether there is a newer version.

        The state is read each time; where a file has changed the whole document, or
        the history alone, unless that would take more than a small share of the time
        while the run goes on.
        """
        try:
            parts = self._newer_parts(last)
        except Exception as error:  # a folder may hold anything, and change any time
            text = printable(f"the run cannot be shown: {error}", 300)
            parts = {"live": {"state": "stopped", "text": text}}
        return self._keep(parts)

    def _newer_parts(self, last: bool) -> dict[str, Any]:
        files, run = self._stamps(), self._run()
        parts: dict[str, Any] = {}
        if run and files != self._files:
            now = time.monotonic()
            if last or run.state != "running" or now > self._rest["document"]:
                parts = self._document(run)
                self._files = files
            elif now > self._rest["history"]:
                source = PageSource(None, self._member, run=run)
                parts = {"history": self._timed("history", history, source)}
        return parts | {"live": self._state(run)}

    def _timed(self, what: str, make: Callable[[Any], Any], argument: Any) -> Any:
        """Make some JSON data, and note until when it is not made again."""
        begun = time.thread_time()  # what it takes from training, not how long it waits
        result = finite_json(make(argument))
        spent = time.thread_time() - begun
        self._rest[what] = time.monotonic() + min(spent / _SHARE, _LONGEST_REST)
        return result

    def since(self, version: int) -> tuple[int, str]:
        """Return the version and, as JSON, the parts that changed after another one.

        A part that is gone is null. A version that never was is one before all.
        """
        with self._lock:
            seen = version if 0 <= version <= self.version else -1
            newer = [name for name, k in self._versions.items() if k > seen]
            if self._text[0] != (newer, self.version):  # most clients ask for the same
                parts = {name: self._parts[name] for name in newer}
                self._text = (newer, self.version), json.dumps(parts, allow_nan=False)
            return self.version, self._text[1]

    def document(self) -> dict[str, Any]:
        """Return the document, with its version in "live"."""
        with self._lock:
            document = {k: v for k, v in self._parts.items() if v is not None}
            live = document.get("live", {}) | {"version": self.version}
            return document | {"live": live}

    def _run(self) -> Run | None:
        """Return the run, None while there is none."""
        exists = os.path.exists(self._folder.config)
        return read_run(self._folder.path) if exists else None

    def _stamps(self) -> list[Any]:
        """Return what differs as soon as the run has written something."""
        folder = self._folder
        stamps: list[Any] = [folder.newest_step(), folder.in_use()]
        files = (folder.config, folder.history, folder.result, folder.best)
        for path in (*files, folder.model):
            with contextlib.suppress(FileNotFoundError):
                status = os.stat(path)
                stamps.append((path.name, status.st_size, status.st_mtime_ns))
        return stamps

    def _document(self, run: Run) -> dict[str, Any]:
        """Return the whole document, with null for the parts that are gone."""
        source = self._source(run)
        if self._data is not None:  # they stay the same
            source.data = self._data
        elif source.net is not None:
            self._data = source.data
        document = self._timed("document", page_document, source)
        self._member = source.member
        gone = self._parts.keys() - document.keys() - {"live"}
        return document | dict.fromkeys(gone)

    def _source(self, run: Run) -> PageSource:
        """Return the source with the newest weights: the last, best or saved ones."""
        folder = self._folder
        paths = [folder.model] if run.result else []
        paths += [folder.best, *sorted(folder.checkpoints.glob("step-*"))[-1:]]
        for path in filter(os.path.exists, paths):
            with contextlib.suppress(GpunetError, OSError):
                return open_source(path)
        return PageSource(None, run=run)

    def _state(self, run: Run | None) -> dict[str, Any]:
        """Return what the run does at this moment, and that as a sentence."""
        if run is None:
            where = printable(self._folder.path)
            return {"state": "waiting", "text": f"waiting for a run in {where}"}
        step = self._folder.newest_step() or 0
        if run.state == "running":
            text = f"training: step {step:,} is saved"
            return {"state": "running", "text": text}
        if run.state == "done":
            return {"state": "finished", "text": "training has finished"}
        text = run.state.replace("interrupted", "stopped")
        return {"state": "stopped", "text": f"training {text}"}

    def _keep(self, parts: dict[str, Any]) -> bool:
        """Keep the parts that differ from those before, under the next version."""
        with self._lock:
            changed = {
                name: part
                for name, part in parts.items()
                if part != self._parts.get(name)
            }
            if changed:
                self.version += 1
                self._parts |= changed
                self._versions |= dict.fromkeys(changed, self.version)
            return bool(changed)
