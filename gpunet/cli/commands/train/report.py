"""What `gpunet train` prints of a result: score, baseline, classes, best epoch."""

from typing import Any

from ....io.messages import counted, printable
from ...tables import show

_MOST = 12  # classes whose confusions fit a line, and letters of a name


def show_result(result: dict[str, Any], pictures: list[str]) -> None:
    """Print the result of `run_config`, its "folder" and the names of its pictures."""
    _show_score(result)
    if "baseline" in result:
        _show_baseline(result["baseline"])
    _show_dead_classes(result)
    if "classes" in result:
        _show_classes(result["classes"], result["confusion"])
    _show_best_epoch(result)
    lost = [(i, why) for i, why in result["frozen"].items() if why.startswith("div")]
    _show_some([f"member {i}: {why}" for i, why in lost])
    if "members" in result:
        print(result["members"])
    if result["outcome"] != "all epochs done":
        print(f"ended: {result['outcome']} after step {result['steps']}")
    names = f" ({', '.join(pictures)})" if pictures else ""
    print(f"run folder: {printable(result['folder'])}{names}")


def _show_score(result: dict[str, Any]) -> None:
    n, summary = result.get("n_test"), result.get("summary")
    if summary and summary["n"]:
        name, form = ("R2", ".4f") if "r2" in result else ("accuracy", ".2%")
        mean, sd, median = (f"{summary[k]:{form}}" for k in ("mean", "sd", "median"))
        size = f"(n = {n:,}, {counted(summary['n'], 'network')})"
        print(f"test {name}: mean {mean} sd {sd} median {median} {size}")
        best, worst = (
            f"{end} {summary[end]:{form}} (member {summary[f'{end}_member']})"
            for end in ("best", "worst")
        )
        print(f"{best}, {worst}")
    elif "r2" in result and not summary:
        print(f"test R2: {_errors(result)} (n = {n:,})")
    elif n and not summary:
        print(f"test accuracy: {result['test_accuracy']:.2%} (n = {n:,})")


def _show_baseline(baseline: dict[str, Any]) -> None:
    """Print what predicting without looking at the features scores."""
    if "rmse" in baseline:
        answer = f"{baseline['predicts']:.6g}, the training mean"
        score = f"R2 {_errors(baseline)}"
    else:
        answer = f"{printable(str(baseline['predicts']), 40)}, the most frequent class"
        score = f"accuracy {baseline['test_accuracy']:.2%}"
    print(f"baseline (always predicting {answer}): {score}")


def _errors(result: dict[str, Any]) -> str:
    return (
        f"{result['r2']:.4f}, mean absolute error {result['mae']:.6g}, "
        f"root mean square error {result['rmse']:.6g}"
    )


def _show_dead_classes(result: dict[str, Any]) -> None:
    dead = result.get("dead_classes", [])
    lines = []
    for i, classes in enumerate(dead if "summary" in result else [dead]):
        if classes:
            names = ", ".join(map(str, classes))
            member = f"member {i}: " if "summary" in result else ""
            lines.append(f"{member}dead class: never predicts {names}")
    _show_some(lines)


def _show_some(lines: list[str]) -> None:
    """Print lines about members, the first ten of them."""
    more = [f"... and {len(lines) - 10:,} more"] if len(lines) > 10 else []
    for line in lines[:10] + more:
        print(line)


def _show_classes(classes: list[dict[str, Any]], confusion: list[list[int]]) -> None:
    """Print precision, recall, F1 and confusions of each class."""
    columns, note = ["class", ">precision", ">recall", ">F1", ">n"], ""
    rows = []
    for c in classes:
        shares = map(_share, (c["precision"], c["recall"], c["f1"]))
        rows.append([_short(c["class"]), *shares, c["n"]])
    if len(classes) <= _MOST:
        columns += [f">as {_short(c['class'])}" for c in classes]
        for row, counts in zip(rows, confusion, strict=True):
            row += [n or "." for n in counts]
        note = "as X: how many examples of the row's class were predicted as X"
    show("test part, class by class", columns, rows, note)


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _short(name: str) -> str:
    name = "".join(c if c.isprintable() else "?" for c in name)
    return name if len(name) <= _MOST else f"{name[: _MOST - 1]}~"


def _show_best_epoch(result: dict[str, Any]) -> None:
    """Print the epoch of the best validation loss, and which weights were kept."""
    epochs, n = result.get("best_epoch"), result["epochs"]
    epochs = sorted(filter(None, epochs if isinstance(epochs, list) else [epochs]))
    if not epochs:
        return
    first, last, kept = epochs[0], epochs[-1], ""
    when = f"epoch {first}" if first == last else f"epochs {first} to {last}"
    if result["best_weights_kept"]:
        kept = ", whose weights are kept"
    elif first < n:
        kept = "; the newest weights are kept (--early-stopping keeps the best)"
    print(f"validation loss: best at {when} of {n}{kept}")
