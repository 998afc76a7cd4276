"""The words' benchmark: words a second, and vectors beside gensim's.

gensim is the yardstick and no truth: two of its own seeds agree on little more
than half of a word's neighbors, so what counts is how much of that agreement
gpunet's vectors reach.
"""

import importlib
import importlib.util
import sys
import time
from itertools import combinations, product
from pathlib import Path
from statistics import mean, median
from typing import Any

import numpy as np

from gpunet.backend.threads import usable_cores
from gpunet.cli.machine import commit, cpu_model, version
from gpunet.cli.tables import as_json, markdown, show
from gpunet.errors import DataError, WriteError
from gpunet.fast.cpu.word_vectors import missing
from gpunet.text import (
    SkipGram,
    SkipGramSettings,
    Vocabulary,
    encode_corpus,
    read_corpus,
)
from gpunet.text.judge import judge_similarity
from gpunet.text.vectors import WordVectors

_N_WORDS, _N_NEAR = 500, 10
# Words of grammar, modern and Elizabethan, which have everything for neighbors.
_GRAMMAR = """
a about after again all am an and another any are art as at be been before being but by
can cannot canst could did do does dost doth down each else ere even ever every for from
had has hast hath have having he hence her here hers herself him himself his how i if in
into is it its itself may me might mine more most much must my myself nay neither never
no nor not now o of off on once one only or other our ours out over own shall shalt she
should since so some such than that the thee their them then there therefore these they
thine this those thou though thus thy thyself till to too unto up upon us very was we
were wert what when where wherefore which while who whom whose why will wilt with within
without would yea yes yet you your yours yourself
"""
_STOP = frozenset(_GRAMMAR.split())


class Corpus:
    """A corpus as both libraries want it."""

    def __init__(self, paths: list[str] | None):
        self.lines = list(read_corpus(paths))
        started = time.perf_counter()
        self.vocabulary = Vocabulary.build(self.lines)
        self.encoded = encode_corpus(self.lines, self.vocabulary)
        self.encoding_s = time.perf_counter() - started
        self.n_words = sum(map(len, self.lines))


def train_gpunet(corpus: Corpus, engine: str, threads: int, **settings: Any) -> Any:
    """Return (vectors, seconds of the training)."""
    trainer = SkipGram(
        *corpus.encoded,
        corpus.vocabulary.counts,
        SkipGramSettings(**settings),
        engine=engine,
        threads=threads,
    )
    started = time.perf_counter()
    while not trainer.done:
        trainer.train_span()
    return trainer.vectors(), time.perf_counter() - started


def train_gensim(corpus: Corpus, threads: int, seed: int, epochs: int) -> Any:
    """Return (vectors in the order of the vocabulary, seconds of the training)."""
    model = importlib.import_module("gensim.models").Word2Vec(
        vector_size=100, window=5, negative=5, sample=1e-3, min_count=5, sg=1, hs=0,
        seed=seed + 1, workers=threads, epochs=epochs,
    )  # fmt: skip
    model.build_vocab(corpus.lines)
    started = time.perf_counter()
    model.train(corpus.lines, total_examples=model.corpus_count, epochs=epochs)
    seconds = time.perf_counter() - started
    return model.wv[corpus.vocabulary.tokens], seconds


def speed(corpus: Corpus, threads: int, repeats: int, batch_size: int) -> dict:
    """Return words a second of each rival, all rounds, after one that compiles."""
    options = {"epochs": 1, "batch_size": batch_size}
    rivals = {
        f"gpunet {engine}": lambda k, engine=engine: train_gpunet(
            corpus, engine, threads, seed=k, **options
        )
        for engine in ("compiled", "loop")
        if engine == "loop" or not missing()
    }
    first = {name: rival(0)[1] for name, rival in rivals.items()}
    memory = peak_mb()
    if importlib.util.find_spec("gensim"):
        rivals["gensim"] = lambda k: train_gensim(corpus, threads, k, 1)
    rounds: dict[str, list[float]] = {name: [] for name in rivals}
    for k in range(repeats):
        for name, rival in rivals.items():
            rounds[name].append(rival(k)[1])
    return {
        "words": corpus.n_words,
        "encoding_s": corpus.encoding_s,
        "first_epoch_s": first,
        "peak_mb": memory,
        "seconds": rounds,
        "words_per_s": {n: corpus.n_words / median(s) for n, s in rounds.items()},
    }


def peak_mb() -> float | None:
    """Return the most memory that this process has held, where the system tells."""
    if importlib.util.find_spec("resource") is None:
        return None
    resource = importlib.import_module("resource")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


def content_words(vocabulary: Vocabulary) -> list[int]:
    """Return the most frequent words of three letters or more that are no grammar."""
    plain = (
        i
        for i, token in enumerate(vocabulary.tokens)
        if len(token) > 2 and "'" not in token and token not in _STOP
    )
    return [i for i, _ in zip(plain, range(_N_WORDS), strict=False)]


def neighbors(W: np.ndarray, rows: list[int]) -> np.ndarray:
    """Return the nearest words of each row by cosine, shape (n_rows, 10)."""
    W = W / np.maximum(np.linalg.norm(W, axis=1, keepdims=True), 1e-12)
    near = W[rows] @ W.T
    near[np.arange(len(rows)), rows] = -np.inf
    n = min(_N_NEAR, len(W) - 1)
    return np.argpartition(-near, n - 1, axis=1)[:, :n]


def overlap(a: np.ndarray, b: np.ndarray) -> float:
    """Return which share of the neighbors two vectors have in common."""
    shared = [len(set(x) & set(y)) for x, y in zip(a, b, strict=True)]
    return float(np.mean(shared) / a.shape[1])


def quality(corpus: Corpus, threads: int, args: Any) -> dict[str, Any]:
    """Return the overlaps of neighbors and the scores of all seeds."""
    engine = "auto"
    settings = {"epochs": args.epochs, "batch_size": args.batch_size}
    trained = {
        "gpunet": [
            train_gpunet(corpus, engine, threads, seed=k, **settings)[0]
            for k in range(args.seeds)
        ]
    }
    if importlib.util.find_spec("gensim"):
        trained["gensim"] = [
            train_gensim(corpus, threads, k, args.epochs)[0] for k in range(args.seeds)
        ]
    rows = content_words(corpus.vocabulary)
    near = {n: [neighbors(W, rows) for W in all_] for n, all_ in trained.items()}
    found: dict[str, Any] = {"content_words": len(rows), "overlap": {}}
    for name, seeds in near.items():
        pairs = combinations(seeds, 2)
        found["overlap"][f"{name} seeds"] = [overlap(a, b) for a, b in pairs]
    if "gensim" in near:
        pairs = product(near["gpunet"], near["gensim"])
        found["overlap"]["gpunet and gensim"] = [overlap(a, b) for a, b in pairs]
    if path := args.similarity or wordsim():
        try:
            found["similarity"] = {
                n: [
                    judge_similarity(WordVectors(corpus.vocabulary, W), path) for W in w
                ]
                for n, w in trained.items()
            }
        except DataError:  # the file at hand may be in another language
            if args.similarity:
                raise
    return found


def wordsim() -> str | None:
    """Return the WordSim-353 that comes with gensim's own tests, or None."""
    spec = importlib.util.find_spec("gensim")
    path = spec and Path(spec.origin).parent / "test" / "test_data" / "wordsim353.tsv"
    return str(path) if path and path.is_file() else None


def run(args: Any) -> int:
    """Run the benchmark that the arguments ask for; return the exit code."""
    threads = args.threads or usable_cores()
    corpus = Corpus(args.corpus)
    result: dict[str, Any] = {
        "cpu": cpu_model(),
        "commit": commit(),
        "threads": threads,
        "versions": {p: version(p) for p in ("numpy", "numba", "gensim")},
    }
    if args.only != "quality":
        result["speed"] = speed(corpus, threads, args.repeats, args.batch_size)
    if args.only != "speed":
        result["quality"] = quality(corpus, threads, args)
    report(result, args)
    return 0


def report(result: dict[str, Any], args: Any) -> None:
    """Print the result as the arguments ask for, and write its JSON."""
    if args.json == "-":
        print(as_json(result))
        return
    for title, columns, rows in tables(result):
        if args.markdown:
            print(f"**{title}**\n\n{markdown(columns, rows)}\n")
        else:
            show(title, columns, rows)
    packages = ", ".join(f"{n} {v}" for n, v in result["versions"].items() if v)
    commit_ = f", commit {result['commit']}" if result["commit"] else ""
    print(f"{result['cpu']}, {result['threads']} threads, {packages}{commit_}")
    if args.json:
        try:
            Path(args.json).write_text(as_json(result) + "\n", encoding="utf-8")
        except OSError as error:
            why = f"{args.json}: {error.strerror}; give --json another place"
            raise WriteError(f"bench_words: {why}") from error


def tables(result: dict[str, Any]) -> Any:
    """Yield (title, columns, rows) of each table."""
    if found := result.get("speed"):
        best, rate = found["first_epoch_s"], found["words_per_s"]
        columns = ["Trainer", ">words/s", ">slowest", ">fastest", ">against gensim"]
        columns.append(">first epoch, s")
        rows = []
        for name, seconds in found["seconds"].items():
            ends = [found["words"] / f(seconds) for f in (max, min)]
            against = rate[name] / rate["gensim"] if "gensim" in rate else None
            times = against and f"{against:.2f}"
            row = [name, *(f"{x:,.0f}" for x in (rate[name], *ends)), times]
            rows.append([*row, f"{best[name]:.1f}" if name in best else None])
        memory = found["peak_mb"] and f"; peak memory {found['peak_mb']:,.0f} MB"
        title = (
            f"Words a second, median of {len(seconds)} epochs of {found['words']:,} "
            f"words (numbered in {found['encoding_s']:.1f} s before){memory or ''}"
        )
        yield title, columns, rows
    if found := result.get("quality"):
        yard = found["overlap"].get("gensim seeds")
        columns = ["Whose", ">shared", ">of the yardstick"]
        rows = [
            [n, f"{mean(x):.3f}", yard and f"{mean(x) / mean(yard):.0%}"]
            for n, x in found["overlap"].items()
        ]
        title = f"Ten nearest neighbors of {found['content_words']} content words"
        yield title, columns, rows
        if scores := found.get("similarity"):
            columns = ["Whose", ">Spearman", ">lowest", ">highest", ">pairs used"]
            rows = []
            for name, seeds in scores.items():
                x = [s["spearman"] for s in seeds]
                cells = [f"{v:.3f}" for v in (mean(x), min(x), max(x))]
                rows.append([name, *cells, f"{seeds[0]['used']}/{seeds[0]['pairs']}"])
            yield "Word pairs judged by people", columns, rows
