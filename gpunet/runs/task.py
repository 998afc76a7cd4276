"""What a run is given: its options, and the task that says what is trained."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from ..backend import Backend, HostArray
from ..errors import ConfigError
from ..storage import RunFolder
from ..training.callbacks import Callback
from .checkpoint import history_from, restore


@dataclass
class RunOptions:
    """How a run is carried out, beside what its configuration says.

    Attributes
    ----------
    folder : path
        The run folder.
    resume : None, "auto" or path
        Resume from the newest sound checkpoint of the folder (or start, if it
        has none), or from that checkpoint file or run folder.
    strict_resume : bool
        Refuse to resume with another library version, device or thread count.
    max_steps, checkpoint_every_steps : int, optional
    keep : int
        Checkpoints to keep.
    on_write_error : "stop" or "warn"
        Whether a disk that is full ends the run.
    log : path, optional
        See `EventLog`.
    threads : int, optional
        Of the compiled engine of word vectors.
    callbacks : sequence of Callback
    say : callable of one str
        Where notes for the user go.
    given : set of str
        The settings that the user gave, which a resumed run must not contradict.
    command : callable, optional
        command(folder) is what resumes the run when typed, and command(folder,
        rates) what starts it anew with other learning rates; messages name them.
    """

    folder: Any
    resume: Any = None
    strict_resume: bool = False
    max_steps: int | None = None
    checkpoint_every_steps: int | None = None
    keep: int = 2
    on_write_error: str = "stop"
    log: Any = None
    threads: int | None = None
    callbacks: Sequence[Callback] = ()
    say: Callable[[str], None] = print
    given: set[str] = field(default_factory=set)
    command: Callable[..., str] | None = None


class Job:
    """What a task makes of a configuration: everything that one run needs.

    A subclass makes `trainer`, and says how its work is saved in `finish`.

    Parameters
    ----------
    config : dict
        With what the data decide filled in.
    folder : RunFolder
    digest : str
        Of the data.

    Attributes
    ----------
    details : dict
        What every checkpoint keeps: config, data digest, fingerprint.
    trainer : object with `step`, `stop`, `run`, such as a Trainer
    engine, note : str
        What takes the steps, and why no faster one does.
    """

    data_settings = "`data` and `data_dir`"  # that name the data
    trainer: Any
    engine: str
    note: str

    def __init__(self, config: dict[str, Any], folder: RunFolder, digest: str):
        self.config, self.folder = config, folder
        self.details: dict[str, Any] = {"config": config, "data": digest}

    def choose_engine(self, make: Callable[[str], Any], engine: str) -> None:
        """Set the trainer to make(engine), or with another engine if it is missing."""
        try:
            self.trainer = make(engine)
        except ConfigError:
            if engine == self.config["engine"]:
                raise
            self.trainer = make(self.config["engine"])

    @property
    def step(self) -> int:
        """Steps done."""
        return self.trainer.step

    def restore(self, checkpoint: "Checkpoint") -> None:
        """Return to where a checkpoint was made (ModelFileError: it does not fit)."""
        path, tensors, state = checkpoint
        restore(self.trainer, tensors, state, path)
        history_from(self.folder.read_history(self.step), self.trainer)

    def run(self) -> None:
        """Train to the end, or until a stop was asked for."""
        self.trainer.run()

    def finish(self) -> dict[str, Any]:
        """Save what was trained; return what result.json holds."""
        raise AssertionError("each job has its own end")


class Checkpoint(NamedTuple):
    """A checkpoint that was read: where from, its tensors and the rest."""

    path: Path
    tensors: dict[str, HostArray]
    state: dict[str, Any]


class Task(NamedTuple):
    """A kind of run.

    Attributes
    ----------
    check_config : callable (config, where) -> config
        Fills in the defaults; a ConfigError names the wrong setting.
    rehearse : callable of a config
        Refuses what cannot work before a folder is made or data are read.
    make_job : callable (config, backend, folder, options, engine) -> Job
        `engine` is that of the checkpoint, where "auto" may choose; it may be
        missing on this machine.
    free_on_resume : tuple of str
        Settings that may differ between a run and its continuation.
    """

    check_config: Callable[[Any, str], dict[str, Any]]
    rehearse: Callable[[dict[str, Any]], None]
    make_job: Callable[[dict[str, Any], Backend, RunFolder, RunOptions, str], Job]
    free_on_resume: tuple[str, ...]
