"""One network's outputs by several libraries: the rivals of `bench.py --predict`.

All hold the same weights and return the probabilities of the same rows, `batch`
at a call; the tests require the same numbers.
"""

from collections.abc import Callable
from typing import Any

import gpunet

from .rivals import Gpunet, Job, Rival, Sklearn

Predict = Callable[[Any], Any]  # rows to probabilities


class Predictor(Rival):
    """One way to predict; an epoch is a call for each piece of the rows."""

    def __init__(self, job: Job, predict: Predict):
        super().__init__(job)
        starts = range(0, len(job.x), job.batch)
        self.pieces = [job.x[k : k + job.batch] for k in starts]
        self.predict = predict

    def epoch(self) -> None:
        predict = self.predict
        for rows in self.pieces:
            predict(rows)


def _onnxruntime(job: Job) -> Predict:
    """Return ONNX Runtime's answer with what `gpunet export` writes."""
    import onnxruntime as runtime

    from gpunet.storage.export.graph import export_graph
    from gpunet.storage.export.onnx import to_onnx

    options = runtime.SessionOptions()
    options.intra_op_num_threads = job.threads
    model = to_onnx(export_graph(Gpunet(job).net))
    session = runtime.InferenceSession(model, options, ["CPUExecutionProvider"])
    run = session.run
    return lambda rows: run(None, {"x": rows})[0]


PREDICTORS: dict[str, Callable[[Job], Rival]] = {
    "gpunet": lambda job: Predictor(job, gpunet.predictor(Gpunet(job).net)),
    "net.predict": lambda job: Predictor(job, Gpunet(job).net.predict),
    "onnxruntime": lambda job: Predictor(job, _onnxruntime(job)),
    "sklearn": lambda job: Predictor(job, Sklearn(job).model.predict_proba),
}
