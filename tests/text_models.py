"""Tiny texts and the language models that they train, as their tests share them."""

import numpy as np

from gpunet.text.language_model import (
    LanguageModel,
    Text,
    language_network,
    language_trainer,
)
from gpunet.text.settings import LanguageSettings

SMALL = LanguageSettings(
    context=2, dim=5, hidden=7, n_words=12, epochs=2, batch_size=32, dtype="float64"
)


def markov_lines(n=400, n_words=8, seed=0):
    """Return lines in which each word is followed by one of two, 9 times to 1."""
    rng = np.random.Generator(np.random.PCG64(seed))
    word, lines = 0, []
    for _ in range(n):
        line = []
        for _ in range(10):
            word = (3 * word + 1 + (rng.random() < 0.1)) % n_words
            line.append(f"w{word}")
        lines.append(line)
    return lines


def tiny_text(**more):
    lines = markov_lines(**more)
    return Text(lambda: lines, SMALL.n_words)


def trained(device="cpu", settings=SMALL, text=None):
    text = text or tiny_text()
    net = language_network(len(text.vocabulary), settings, device)
    language_trainer(net, text, settings).run()
    return LanguageModel(net, text.vocabulary, settings), text
