"""What the page says first: what the network is, what came out, and how to repeat it.

Its parts are texts and tables of texts, so that whoever cannot see a chart has them.
"""

from collections.abc import Iterator
from typing import Any

from ..errors import GpunetError
from ..io.json_text import finite_json
from ..io.messages import printable
from ..runs.listing.folder import SCORES, mean_and_sd
from ..runs.listing.runs import comparable, text_of
from ..runs.presets import DEFAULTS
from ..show.summary import Summary, title
from ..storage import RunFolder
from ..storage.tensors import read_state
from ..training.diagnosis import diagnose
from .source import PageSource

Table = dict[str, Any]  # title, columns, rows, and whether it is `folded` at first
_SHOWN = (  # settings that matter though they are the default
    *("data", "network", "sizes", "activation", "loss_function", "optimizer"),
    *("learning_rate", "batch_size", "epochs", "validation", "seed"),
)


def section(source: PageSource) -> dict[str, Any]:
    """Return what the overview shows; each key is absent if there is nothing."""
    parts = {
        "about": None if source.net is None else title(source.net),
        "results": list(_results(source)),
        "problems": _problems(source),
        "config": _config(source),
        "tables": list(_tables(source)),
        "notes": [printable(note, 400) for note in source.notes],  # after all others
    }
    return {key: value for key, value in parts.items() if value}


def _results(source: PageSource) -> Iterator[tuple[str, str]]:
    """Yield names and values of what came out, the most important first."""
    run, net = source.run, source.net
    numbers = {} if run is None else run.numbers
    score = next((name for name in SCORES if name in numbers), "")
    if score:
        name = score.replace("val_", "validation ").replace("_", " ")
        yield name.replace("r2", "R²"), text_of(score, numbers)
    for name in ("rmse", "mae"):
        if run is not None and (parts := mean_and_sd(run.result.get(name))):
            sd = f" ± {parts['sd']:.4g}" if "sd" in parts else ""
            yield name.upper(), f"{parts['mean']:.4g}{sd}"
    if net is not None and net.population:
        yield "members", f"{net.population:,}"
    if net is not None:
        yield "parameters", f"{net.n_parameters:,}"
    if "epochs_done" in numbers:
        yield "epochs", f"{numbers['epochs_done']:,}"
    if "seconds" in numbers:
        yield "training", _duration(numbers["seconds"])
    if run is not None and run.state != "done":
        yield "state", run.state


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def _problems(source: PageSource) -> list[str] | None:
    """Return what is wrong with the run and its network; None if nothing is known."""
    problems = list(_of_the_result(source.run.result)) if source.run else []
    data = source.data if source.net is not None else None
    if data is None:
        return [*problems, *_dead_classes(source)] or None
    try:
        found = diagnose(source.shown, data, source.shown_history).problems
    except GpunetError as error:
        source.notes.append(f"the network was not examined: {error}")
        return problems or None
    return [*problems, *map(str, found)] or ["no problems found"]


def _of_the_result(result: dict[str, Any]) -> Iterator[str]:
    if result.get("better_than_baseline") is False:
        baseline = result.get("baseline")
        guess = baseline.get("predicts") if isinstance(baseline, dict) else None
        yield f"not better than always answering {printable(str(guess), 40)}"
    stopped = result.get("frozen")
    for member, reason in stopped.items() if isinstance(stopped, dict) else ():
        if str(reason).startswith("diverged"):
            yield f"member {member}: {reason}"


def _dead_classes(source: PageSource) -> Iterator[str]:
    classes = source.run.result.get("dead_classes") if source.run else None
    if isinstance(classes, list) and source.member is not None:
        classes = classes[source.member] if source.member < len(classes) else None
    if isinstance(classes, list) and classes:
        yield f"classes that are never answered: {', '.join(map(str, classes))}"


def _config(source: PageSource) -> dict[str, Any] | None:
    """Return the configuration that `train` repeats, None if it cannot."""
    if source.run is None or "layers" in source.run.settings:
        return None
    return finite_json(source.run.settings)


def _tables(source: PageSource) -> Iterator[Table]:
    if source.net is not None:
        summary = Summary(source.net)
        rows = [
            [i, printable(name), " x ".join(map(str, shape[1:])), n]
            for i, name, shape, n in summary.rows
        ]
        columns = ["", "layer", "outputs", "parameters"]
        yield {"title": "Layers", "columns": columns, "rows": rows}
    if source.run is None:
        return
    settings = comparable(source.run)
    rows = [[_words(key), _text(value)] for key, value in settings.items()]
    named = zip(settings.items(), rows, strict=True)
    changed = [row for (key, v), row in named if key in _SHOWN or _is_chosen(key, v)]
    columns = ["setting", "value"]
    yield {"title": "Settings", "columns": columns, "rows": changed}
    versions = _versions(source.run.path).items()
    if known := [[_words(key), _text(value)] for key, value in versions]:
        yield {"title": "Trained with", "columns": ["what", "version"], "rows": known}
    if len(changed) < len(rows):
        folded = {"title": "All settings", "columns": columns, "rows": rows}
        yield folded | {"folded": True}


def _is_chosen(key: str, value: Any) -> bool:
    """Say whether a setting is not the default, and says anything."""
    return key in DEFAULTS and value != DEFAULTS[key] and value is not None


def _versions(path: Any) -> dict[str, Any]:
    """Return the libraries and the machine of a run, as its checkpoints keep them."""
    folder = RunFolder(path)
    step = folder.newest_step()
    if step is None:
        return {}
    try:
        state = read_state(folder.checkpoints / f"step-{step:010d}.safetensors")
    except GpunetError:  # `verify` tells what is wrong with it
        return {}
    fingerprint = state.get("fingerprint")
    return fingerprint if isinstance(fingerprint, dict) else {}


def _words(key: str) -> str:
    return printable(str(key).replace("_", " "), 60)


def _text(value: Any) -> str:
    if isinstance(value, list):
        text = ", ".join(map(str, value[:8]))
        return printable(f"{text}, ... ({len(value):,})" if value[8:] else text, 200)
    return printable(f"{value:g}" if isinstance(value, float) else str(value), 200)
