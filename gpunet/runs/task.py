"""What a run is given: its options, and the task that says what is trained.

What to type next, to resume a run or to start it anew, only the caller knows: it
brings the words as the `command` of the options.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from ..backend import Backend, HostArray
from ..errors import ConfigError
from ..storage import RunFolder
from ..training.callbacks import Callback
from .checkpoint import history_from, restore
from .recorders import EventLog, FolderRecorder
from .signals import leave_process

RESUME, RETRY = "resume with: ", "start anew with: "  # a command stands after them


@dataclass
class RunOptions:
    """How a run is carried out, beside what its configuration says.

    Attributes
    ----------
    resume : None, "auto" or path
        Resume from the newest sound checkpoint of the folder (or start, if it
        has none), or from that checkpoint file or run folder.
    given : set of str
        The settings that the user gave, which a resumed run must not contradict.
    command : callable, optional
        command(folder) is what resumes the run when typed, and command(folder,
        rates) what starts it anew with other learning rates; messages name them.
    on_second_signal : callable
        What a second Ctrl-C does, with the number of the signal.
    """

    folder: Any
    resume: Any = None
    strict_resume: bool = False  # refuse another library version, device, threads
    max_steps: int | None = None
    checkpoint_every_steps: int | None = None
    keep: int = 2  # checkpoints
    on_write_error: str = "stop"  # or "warn", when the disk is full
    log: Any = None  # the file of an EventLog
    threads: int | None = None  # of the compiled engine of word vectors
    callbacks: Sequence[Callback] = ()
    say: Callable[[str], None] = print  # where notes for the user go
    given: set[str] = field(default_factory=set)
    command: Callable[..., str] | None = None
    on_second_signal: Callable[[int], object] = leave_process

    def resume_hint(self, folder: Path) -> str:
        """Return how the run of a folder is resumed."""
        if self.command is None:
            return "resume it with resume='auto'"
        return f"{RESUME}{self.command(folder)}"


class Checkpoint(NamedTuple):
    """A checkpoint that was read: where from, its tensors and the rest."""

    path: Path
    tensors: dict[str, HostArray]
    state: dict[str, Any]


class Job:
    """What a task makes of a configuration: everything that one run needs.

    A subclass reads its data, makes its trainer, and says how its work is saved.
    """

    data_settings = "`data` and `data_dir`"  # that name the data
    recorder = FolderRecorder
    trainer: Any  # with `step`, `stop` and `run`, such as a Trainer
    details: dict[str, Any]  # in every checkpoint: config, data digest, fingerprint

    def __init__(
        self,
        config: dict[str, Any],
        backend: Backend,
        folder: RunFolder,
        options: RunOptions,
        engine: str,
    ):
        self.config, self.backend, self.folder = config, backend, folder
        self.options = options
        data = self.read_data()
        self.details = {"config": self.config, **data}
        log = EventLog(options.log) if options.log else None
        recorder = self.recorder(folder, self.details, options, log)
        self.callbacks = [*options.callbacks, recorder, *([log] if log else [])]
        try:
            self.trainer = self.make_trainer(engine)
        except ConfigError:  # the checkpoint's engine is missing here
            if engine == self.config["engine"]:
                raise
            self.trainer = self.make_trainer(self.config["engine"])

    def read_data(self) -> dict[str, Any]:
        """Read the data, complete `config`; return what checkpoints keep of them."""
        raise NotImplementedError

    def make_trainer(self, engine: str) -> Any:
        """Return a new trainer (ConfigError: this engine is missing)."""
        raise NotImplementedError

    @property
    def engine(self) -> tuple[str, str]:
        """What takes the steps, and why no faster one does."""
        return self.trainer.engine.name, self.trainer.engine.note

    @property
    def step(self) -> int:
        """Steps done."""
        return self.trainer.step

    def restore(self, checkpoint: Checkpoint) -> None:
        """Return to where a checkpoint was made (ModelFileError: it does not fit)."""
        path, tensors, state = checkpoint
        restore(self.trainer, tensors, state, path)
        history_from(self.folder.read_history(self.step), self.trainer)

    def run(self) -> None:
        """Train to the end, or until a stop was asked for."""
        self.trainer.run()

    def ended(self) -> dict[str, Any]:
        """Return what result.json holds of a run that diverged."""
        return {"outcome": "diverged", "steps": self.step}

    def finish(self) -> dict[str, Any]:
        """Save what was trained; return what result.json holds."""
        raise NotImplementedError


class Task(NamedTuple):
    """A kind of run: its configuration, what refuses it early, and its jobs."""

    check_config: Callable[[Any, str], dict[str, Any]]  # (config, where), completed
    rehearse: Callable[[dict[str, Any]], None]  # before data are read
    make_job: Callable[[dict[str, Any], Backend, RunFolder, RunOptions, str], Job]
    free_on_resume: tuple[str, ...]  # settings that a continuation may change
