"""The report of a run: its best epoch, and the baseline its score is compared with."""

from typing import Any

from ...io.messages import printable


def show_best_epoch(result: dict[str, Any]) -> None:
    """Print the epoch of the best validation loss, and which weights were kept.

    Parameters
    ----------
    result : dict
        As `gpunet.runs.run.run` returns it; without validation data nothing
        is printed.
    """
    found = result.get("best_epoch")
    epochs = found if isinstance(found, list) else [found]
    known = sorted(epoch for epoch in epochs if epoch)
    if not known:
        return
    first, last, n = known[0], known[-1], result["epochs"]
    when = f"epoch {first}" if first == last else f"epochs {first} to {last}"
    if result["best_weights_kept"]:
        kept = ", whose weights are kept"
    elif first < n:
        kept = "; the newest weights are kept (--early-stopping keeps the best)"
    else:
        kept = ""
    print(f"validation loss: best at {when} of {n}{kept}")


def show_baseline(result: dict[str, Any]) -> None:
    """Print what predicting without looking at the features scores.

    Parameters
    ----------
    result : dict
        As `gpunet.runs.run.run` returns it; without a test part nothing is
        printed.
    """
    if "baseline" not in result:
        return
    found = result["baseline"]
    if "rmse" in found:
        print(
            f"baseline (always answering {found['predicts']:.6g}, the training mean): "
            f"R2 {found['r2']:.4f}, mean absolute error {found['mae']:.6g}, "
            f"root mean square error {found['rmse']:.6g}"
        )
    else:
        name = printable(str(found["predicts"]), 40)
        print(
            f"baseline (always answering {name}, the commonest class): accuracy "
            f"{found['test_accuracy']:.2%}"
        )
