"""Runs of the embed_text command, as its tests use them."""

import numpy as np

from gpunet.cli import main

SKIPGRAM = ("--dim", "6", "--negatives", "2", "--min-count", "1", "--engine", "loop")
SKIPGRAM += ("--sample", "0", "--batch-size", "16")  # eight words, all frequent
LM = ("--model", "lm", "--dim", "6", "--hidden", "8", "--words", "14", "--context", "2")
MODELS = {"skipgram": (*SKIPGRAM, "--epochs", "4"), "lm": (*LM, "--epochs", "3")}


def write_corpus(path):
    """Write 500 lines in which words of two kinds follow each other."""
    rng = np.random.Generator(np.random.PCG64(0))
    names = np.array(["king", "queen", "duke", "lord", "dog", "cat", "cow", "hen"])
    rows = rng.integers(0, 4, (500, 8)) + 4 * rng.integers(0, 2, (500, 1))
    path.write_text("\n".join(" ".join(names[row]) for row in rows))
    return path


def run(*words):
    return main(["embed_text", *map(str, words)])


def learn(corpus, out, model="skipgram", *more):
    words = ("--corpus", corpus, "--out", out, "--device", "cpu", "--quiet")
    return run("train", *MODELS[model], *words, *more)


def told(capsys):
    """Return the one line of an error."""
    lines = [x for x in capsys.readouterr().err.splitlines() if "gpunet: error" in x]
    assert len(lines) == 1 and len(lines[0]) <= 500
    return lines[0]
