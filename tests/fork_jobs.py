"""What the processes of `test_forks.py` train, each job by one engine."""

import hashlib
import sys
import warnings

import numpy as np

import gpunet
from gpunet.sklearn import MLPClassifier, MLPSweep
from gpunet.text import SkipGram, SkipGramSettings

RNG = np.random.default_rng(0)
X = RNG.random((400, 64), dtype=np.float32)
Y = (X[:, 0] > 0.5).astype(np.int64)
SIZES = [64, 512, 2]  # with this batch, steps that a team of threads takes
BATCH = 200
IDS = np.minimum(RNG.geometric(0.05, 4000), 50).astype(np.int32) - 1
OFFSETS = np.append(np.arange(0, 4000, 9), 4000)


def fit(engine, **settings):
    net = gpunet.mlp(SIZES, seed=1, **settings)
    gpunet.fit(net, (X, Y), epochs=2, batch_size=BATCH, engine=engine)
    return net


def estimator():
    sizes = {"hidden_layer_sizes": (512,), "batch_size": BATCH, "max_iter": 2}
    return MLPClassifier(**sizes, random_state=0, engine="compiled")


def sweep():
    grid = {"alpha": [1e-4, 1e-2]}
    done = MLPSweep(estimator(), grid, cv=2).fit(X, Y)
    return [done.cv_results_["mean_test_score"], *done.best_estimator_.coefs_]


def words():
    counts, settings = np.bincount(IDS, minlength=50), SkipGramSettings(epochs=1)
    job = SkipGram(IDS, OFFSETS, counts, settings, engine="compiled", threads=2)
    while not job.done:
        job.train_span()
    return job.state().values()


JOBS = {
    "loop": lambda: fit("loop").params.values(),
    "compiled": lambda: fit("compiled").params.values(),
    "population": lambda: fit("compiled", population=3).params.values(),
    "predictor": lambda: [gpunet.predictor(gpunet.mlp(SIZES, seed=1))(X)],
    "sklearn": lambda: estimator().fit(X, Y).coefs_,
    "sweep": sweep,
    "words": words,
}


def work(who=""):
    """Do every job; return the digest of each one's arrays."""
    done = {}
    for name, job in JOBS.items():
        print(
            who, name, file=sys.stderr, flush=True
        )  # the last one is the one that hung
        with warnings.catch_warnings(action="ignore"):  # it has not converged
            arrays = [np.ascontiguousarray(a) for a in job()]
        done[name] = hashlib.sha256(b"".join(a.tobytes() for a in arrays)).hexdigest()
    return done
