"""The work of `bench.py words`: words a second, and vectors beside gensim's.

gensim is the yardstick, not the truth: two of its own seeds agree on little more
than half of a word's neighbors, so what counts is how much of that agreement
gpunet's vectors reach.
"""

import argparse
import importlib.util
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import combinations, product
from pathlib import Path
from statistics import mean, median
from typing import Any

import numpy as np

from gpunet.backend.threads import usable_cores
from gpunet.errors import DataError
from gpunet.fast.cpu.word_vectors import missing
from gpunet.text import (
    SkipGram,
    SkipGramSettings,
    Vocabulary,
    encode_corpus,
    read_corpus,
)
from gpunet.text.evaluation import evaluate_similarity
from gpunet.text.vectors import WordVectors

from .report import Table, decimals, machine, publish

_N_WORDS, _N_NEAR = 500, 10
# Words of grammar, modern and Elizabethan: their neighbors are any words.
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
    """A corpus as both libraries read it."""

    def __init__(self, paths: list[str] | None):
        self.lines = list(read_corpus(paths))
        started = time.perf_counter()
        self.vocabulary = Vocabulary.build(self.lines)
        self.encoded = encode_corpus(self.lines, self.vocabulary)
        self.encoding_s = time.perf_counter() - started
        self.n_words = sum(map(len, self.lines))


def run(args: argparse.Namespace) -> int:
    """Run the benchmark that the arguments ask for; return the exit code."""
    threads = args.threads or usable_cores()
    corpus = Corpus(args.corpus)
    result = machine(("numpy", "numba", "gensim"), threads)
    tables: list[Table] = []
    if args.only != "quality":
        result["speed"] = speed(corpus, threads, args.repeats, args.batch_size)
        tables.append(_speed_table(result["speed"]))
    if args.only != "speed":
        result["quality"] = quality(corpus, threads, args)
        tables.extend(_quality_tables(result["quality"]))
    return publish(result, tables, args)


def train_gpunet(
    corpus: Corpus, engine: str, threads: int, seed: int, **settings: Any
) -> tuple[np.ndarray, float]:
    """Return (vectors, seconds of the training)."""
    trainer = SkipGram(
        *corpus.encoded,
        corpus.vocabulary.counts,
        SkipGramSettings(seed=seed, **settings),
        engine=engine,
        threads=threads,
    )
    started = time.perf_counter()
    while not trainer.done:
        trainer.train_span()
    return trainer.vectors(), time.perf_counter() - started


def train_gensim(
    corpus: Corpus, threads: int, seed: int, epochs: int
) -> tuple[np.ndarray, float]:
    """Return (vectors in the order of the vocabulary, seconds of the training)."""
    from gensim.models import Word2Vec

    model = Word2Vec(
        vector_size=100, window=5, negative=5, sample=1e-3, min_count=5, sg=1, hs=0,
        seed=seed + 1, workers=threads, epochs=epochs,
    )  # fmt: skip
    model.build_vocab(corpus.lines)
    started = time.perf_counter()
    model.train(corpus.lines, total_examples=model.corpus_count, epochs=epochs)
    seconds = time.perf_counter() - started
    return model.wv[corpus.vocabulary.tokens], seconds


def _rivals(
    corpus: Corpus,
    threads: int,
    engines: dict[str, str],
    *,
    epochs: int,
    **options: Any,
) -> dict[str, Callable]:
    """Return functions of a seed that train, by name; gensim if it is installed."""
    options["epochs"] = epochs
    rivals: dict[str, Callable] = {
        name: partial(train_gpunet, corpus, engine, threads, **options)
        for name, engine in engines.items()
    }
    if importlib.util.find_spec("gensim"):
        rivals["gensim"] = partial(train_gensim, corpus, threads, epochs=epochs)
    return rivals


def speed(
    corpus: Corpus, threads: int, repeats: int, batch_size: int
) -> dict[str, Any]:
    """Return words a second of each rival, all rounds, after one that compiles."""
    engines = {} if missing() else {"gpunet compiled": "compiled"}
    engines["gpunet loop"] = "loop"
    rivals = _rivals(corpus, threads, engines, epochs=1, batch_size=batch_size)
    first = {name: rivals[name](seed=0)[1] for name in engines}
    memory = peak_mb()
    rounds: dict[str, list[float]] = {name: [] for name in rivals}
    for k in range(repeats):
        for name, train in rivals.items():
            rounds[name].append(train(seed=k)[1])
    return {
        "words": corpus.n_words,
        "encoding_s": corpus.encoding_s,
        "first_epoch_s": first,
        "peak_mb": memory,
        "seconds": rounds,
        "words_per_s": {n: corpus.n_words / median(s) for n, s in rounds.items()},
    }


def peak_mb() -> float | None:
    """Return the peak memory of this process, None where the system has no figure."""
    try:
        import resource
    except ImportError:  # on Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


def content_words(vocabulary: Vocabulary) -> list[str]:
    """Return the most frequent words of three letters or more, without grammar."""
    words = (w for w in vocabulary.tokens if len(w) > 2 and "'" not in w)
    return [w for w in words if w not in _STOP][:_N_WORDS]


def neighbors(vectors: WordVectors, words: list[str]) -> list[set[str]]:
    """Return the ten nearest words of each word."""
    return [{near for near, _ in vectors.neighbors(w, _N_NEAR)} for w in words]


def overlap(a: list[set[str]], b: list[set[str]]) -> float:
    """Return the share of neighbors that two sets of vectors have in common."""
    return mean(len(x & y) / len(x) for x, y in zip(a, b, strict=True))


def quality(corpus: Corpus, threads: int, args: argparse.Namespace) -> dict[str, Any]:
    """Return the overlaps of neighbors and the similarity scores of all seeds."""
    options = {"epochs": args.epochs, "batch_size": args.batch_size}
    rivals = _rivals(corpus, threads, {"gpunet": "auto"}, **options)
    vectors = {
        name: [
            WordVectors(corpus.vocabulary, train(seed=k)[0]) for k in range(args.seeds)
        ]
        for name, train in rivals.items()
    }
    words = content_words(corpus.vocabulary)
    near = {n: [neighbors(v, words) for v in seeds] for n, seeds in vectors.items()}
    pairs: dict[str, Iterable] = {
        f"{name} seeds": combinations(near[name], 2) for name in near
    }
    if "gensim" in near:
        pairs["gpunet and gensim"] = product(near["gpunet"], near["gensim"])
    overlaps = {n: [overlap(a, b) for a, b in group] for n, group in pairs.items()}
    result: dict[str, Any] = {"content_words": len(words), "overlap": overlaps}
    try:
        if path := args.similarity or wordsim():
            result["similarity"] = {
                name: [evaluate_similarity(v, path) for v in seeds]
                for name, seeds in vectors.items()
            }
    except DataError:  # the default file may be in another language
        if args.similarity:
            raise
    return result


def wordsim() -> str | None:
    """Return the WordSim-353 that comes with gensim's own tests, or None."""
    spec = importlib.util.find_spec("gensim")
    if spec is None or spec.origin is None:
        return None
    path = Path(spec.origin).parent / "test" / "test_data" / "wordsim353.tsv"
    return str(path) if path.is_file() else None


def _speed_table(speed: dict[str, Any]) -> Table:
    first, rate = speed["first_epoch_s"], speed["words_per_s"]
    columns = ["Trainer", ">words/s", ">slowest", ">fastest", ">against gensim"]
    rows = []
    for name, seconds in speed["seconds"].items():
        rates = [rate[name], *(speed["words"] / f(seconds) for f in (max, min))]
        against = rate[name] / rate["gensim"] if "gensim" in rate else None
        row = [name, *(f"{x:,.0f}" for x in rates), decimals(against)]
        rows.append([*row, f"{first[name]:.1f}" if name in first else None])
    memory = f"; peak memory {speed['peak_mb']:,.0f} MB" if speed["peak_mb"] else ""
    title = (
        f"Words a second, median of {len(seconds)} epochs of {speed['words']:,} "
        f"words (encoded in {speed['encoding_s']:.1f} s before){memory}"
    )
    return title, [*columns, ">first epoch, s"], rows


def _quality_tables(quality: dict[str, Any]) -> Iterator[Table]:
    yardstick = quality["overlap"].get("gensim seeds")
    rows: list[list[Any]] = [
        [
            name,
            f"{mean(shares):.3f}",
            f"{mean(shares) / mean(yardstick):.0%}" if yardstick else None,
        ]
        for name, shares in quality["overlap"].items()
    ]
    title = f"Ten nearest neighbors of {quality['content_words']} content words"
    yield title, ["Vectors", ">shared", ">of the yardstick"], rows
    rows = []
    for name, scores in quality.get("similarity", {}).items():
        values = [score["spearman"] for score in scores]
        cells = [f"{v:.3f}" for v in (mean(values), min(values), max(values))]
        rows.append([name, *cells, f"{scores[0]['used']}/{scores[0]['pairs']}"])
    if rows:
        columns = ["Vectors", ">Spearman", ">lowest", ">highest", ">pairs used"]
        yield "Word pairs judged by people", columns, rows
