"""Runs: a configuration carried out in a folder, from its start or resumed.

The folder is locked and written to before any data are read, so that what cannot
work fails at once. What is trained is a `Task`: `gpunet.runs.network` has that of a
network on data, `gpunet.text` those of texts.
"""

from contextlib import ExitStack
from typing import Any

from ..backend import open_backend
from ..errors import Interrupted
from ..io.json_text import write_json
from ..io.messages import printable
from .hints import resume_hint, retry_hint
from .machine import fingerprint
from .resume import claim_folder, engine_for, find_checkpoint, resume, settle_config
from .signals import stop_on_signals
from .task import Job, RunOptions, Task


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
        request = stack.enter_context(stop_on_signals())
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
        with retry_hint(job.config, folder.path, options):
            job.run()
        result = {}
        if request.signal is None:
            result = job.finish()
            write_json(folder.path / "result.json", result)
        if request.signal is not None:  # it may have come while saving
            raise Interrupted(
                f"training: interrupted: step {job.step} is saved in "
                f"{printable(folder.path)}; {resume_hint(folder.path, options)}",
                request.signal,
            )
        return job, result


def _in_brackets(note: str) -> str:
    return f" ({note})" if note else ""
