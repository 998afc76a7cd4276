"""One network's outputs by several libraries: the rivals of `bench.py --predict`.

All hold the same weights and return the probabilities of the same rows, `batch`
at a call; the tests require the same numbers.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from .rivals import Gpunet, Job, Rival, Sklearn

Predict = Callable[[Any], Any]  # rows to probabilities


class Predictor(Rival):
    """One way to predict; an epoch is a call for each piece of the rows."""

    def __init__(self, job: Job, make: Callable[[Job], Predict]):
        super().__init__(job)
        starts = range(0, len(job.x), job.batch)
        self.pieces = [job.x[k : k + job.batch] for k in starts]
        self.predict = make(job)

    def epoch(self) -> None:
        predict = self.predict
        for rows in self.pieces:
            predict(rows)


def _plain(job: Job) -> Predict:
    return Gpunet(job).net.predict


def _compiled(job: Job) -> Predict:
    import gpunet

    return gpunet.predictor(Gpunet(job).net)


def _onnxruntime(job: Job) -> Predict:
    """Return ONNX Runtime's answer with what `gpunet export` writes."""
    import onnxruntime as runtime

    from gpunet.storage.export.graph import export_graph
    from gpunet.storage.export.onnx import to_onnx

    options = runtime.SessionOptions()
    options.intra_op_num_threads = job.threads
    session = runtime.InferenceSession(
        to_onnx(export_graph(Gpunet(job).net)), options, ["CPUExecutionProvider"]
    )
    run = session.run
    return lambda rows: run(None, {"x": rows})[0]


def _sklearn(job: Job) -> Predict:
    return Sklearn(job).model.predict_proba


PREDICTORS: dict[str, Callable[[Job], Rival]] = {
    "gpunet": partial(Predictor, make=_compiled),
    "net.predict": partial(Predictor, make=_plain),
    "onnxruntime": partial(Predictor, make=_onnxruntime),
    "sklearn": partial(Predictor, make=_sklearn),
}
