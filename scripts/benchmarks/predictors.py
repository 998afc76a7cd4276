"""One network's outputs by several hands: the rivals of `scripts/bench.py --predict`.

All hold the same weights and give the probabilities of the same rows, so many at a
call; the tests hold them to the same numbers.
"""

import importlib

from gpunet.storage.export.graph import make_plan
from gpunet.storage.export.onnx import to_onnx

from .rivals import Gpunet, Job, Rival, Sklearn


class Predictor(Rival):
    """One way to predict; an epoch is a call for each piece of the rows."""

    def __init__(self, job: Job):
        super().__init__(job)
        cuts = range(0, len(job.x), job.batch)
        self.pieces = [job.x[k : k + job.batch] for k in cuts]
        self.predict = self.make(job)

    def make(self, job: Job):
        """Return the function that is timed: rows to probabilities."""
        raise AssertionError("each rival has its own prediction")

    def epoch(self):
        predict = self.predict
        for rows in self.pieces:
            predict(rows)


class Predict(Predictor):
    """`net.predict`: the lesson's own lines."""

    def make(self, job: Job):
        return Gpunet(job).net.predict


class Compiled(Predictor):
    """`gpunet.predictor`, compiled by numba."""

    def make(self, job: Job):
        return importlib.import_module("gpunet").predictor(Gpunet(job).net)


class Onnxruntime(Predictor):
    """ONNX Runtime, with what `gpunet export` writes."""

    def make(self, job: Job):
        runtime = importlib.import_module("onnxruntime")
        options = runtime.SessionOptions()
        options.intra_op_num_threads = job.threads
        session = runtime.InferenceSession(
            to_onnx(make_plan(Gpunet(job).net)),
            options,
            providers=["CPUExecutionProvider"],
        )
        run = session.run
        return lambda rows: run(None, {"x": rows})[0]


class SklearnPredict(Predictor):
    """scikit-learn's MLPClassifier.predict_proba."""

    def make(self, job: Job):
        return Sklearn(job).model.predict_proba


PREDICTORS: dict[str, type[Predictor]] = {
    "gpunet": Compiled,
    "net.predict": Predict,
    "onnxruntime": Onnxruntime,
    "sklearn": SklearnPredict,
}
