"""Runs: a configuration carried out in a folder, from its start or resumed.

The folder is locked and written to before any data are read, so that what cannot
work fails at once. What is trained is a `Task`: `gpunet.runs.network` has that of a
network on data, `gpunet.text` those of texts.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from ..backend import open_backend
from ..errors import Diverged, Interrupted
from ..io.json_text import write_json
from ..io.messages import printable
from .machine import fingerprint
from .resume import claim_folder, engine_for, find_checkpoint, resume, settle_config
from .signals import stop_on_signals
from .task import RETRY, Job, RunOptions, Task


def run_task(
    task: Task, config: dict[str, Any], options: RunOptions
) -> tuple[Job, dict[str, Any]]:
    """Carry a configuration out in a folder; return the job and its result.

    When resuming, what the folder's config.json says counts, and only
    `options.given` may change it. `Interrupted` is raised after a signal.
    """
    if options.resume is None:
        task.rehearse(task.check_config(config, "config"))
    with ExitStack() as stack:
        folder, path = claim_folder(stack, options)
        checkpoint = find_checkpoint(folder, path, options)
        config = settle_config(task, config, folder, checkpoint, options)
        backend = open_backend(config["device"])
        options.say(f"device: {backend.name}{_in_brackets(backend.note)}")
        request = stack.enter_context(stop_on_signals(options.on_second_signal))
        engine = engine_for(config, checkpoint)
        job = task.make_job(config, backend, folder, options, engine)
        engine, note = job.engine
        job.details["fingerprint"] = fingerprint(backend, engine)
        options.say(f"engine: {engine}{_in_brackets(note)}")
        write_json(folder.config, job.config)
        if checkpoint is None:
            folder.truncate_history(-1)
        else:
            resume(job, folder, checkpoint, options)
        request.forward_to(job.trainer.stop)
        with _divergence(job):
            job.run()
        result = {}
        if request.signal is None:
            result = job.finish()
            write_json(folder.result, result)
        if request.signal is not None:  # it may have come while saving
            raise Interrupted(
                f"training: interrupted: step {job.step} is saved in "
                f"{printable(folder.path)}; {options.resume_hint(folder.path)}",
                request.signal,
            )
        return job, result


@contextmanager
def _divergence(job: Job) -> Iterator[None]:
    """Note a divergence in result.json, and name the command that trains anew.

    It trains at a tenth of the rate: resuming would only repeat the divergence.
    """
    try:
        yield
    except Diverged as error:
        folder, command = job.folder.path, job.options.command
        write_json(job.folder.result, job.ended())
        rates = job.config.get("learning_rate", [])
        rates = rates if isinstance(rates, list) else [rates]
        words = command and command(folder, [rate / 10 for rate in rates])
        if not words:
            raise
        raise Diverged(f"{error}; {RETRY}{words}") from error


def _in_brackets(note: str) -> str:
    return f" ({note})" if note else ""
