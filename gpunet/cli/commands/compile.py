"""`gpunet compile`: its work."""

import sys
import time
from typing import Any

from ...errors import ConfigError
from ...fast.cpu import missing, warm
from ...text import Vocabulary, encode_corpus, train_skipgram
from ..tables import as_json


def run(args: Any) -> int:
    """Compile each kernel, or load it; return 0."""
    out = sys.stderr if args.json else sys.stdout
    seconds = {}
    if reason := missing():
        raise ConfigError(f"compile: {reason}")
    began = time.perf_counter()
    for name, task in [*warm.tasks(), ("word vectors, float32", _train_words)]:
        started = time.perf_counter()
        task()
        seconds[name] = round(time.perf_counter() - started, 3)
        print(f"{name}: {seconds[name]:.1f} s", flush=True, file=out)
    total = time.perf_counter() - began
    if args.json:
        print(as_json({"seconds": round(total, 3), "compiled": seconds}))
    else:
        print(f"compiled in {total:.1f} s; later runs load it")
    return 0


def _train_words() -> None:
    lines = [["a", "b", "a", "b"]]
    vocabulary = Vocabulary.build(lines, 1)
    corpus = encode_corpus(lines, vocabulary)
    small: dict[str, Any] = {"dim": 4, "negatives": 1, "epochs": 1}
    train_skipgram(*corpus, vocabulary, **small, engine="compiled")
