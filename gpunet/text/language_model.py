"""A neural language model: the next word from the k words before it.

Bengio et al. 2003, "A neural probabilistic language model": the k words become
vectors, side by side they pass a tanh layer, and a softmax returns the probability
of every word. The softmax costs time in proportion to the vocabulary, so rare words
are one word, <unk>. The more of them, the lower the perplexity: compare it at one
vocabulary only, as `ngrams` does.
"""

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from math import exp
from typing import Any

import numpy as np

from ..data import Dataset
from ..errors import DataError, ModelFileError
from ..io.messages import message
from ..layers import Activation, Dense, Embedding
from ..network import Network
from ..optimizers import Adam
from ..storage import load_network, read_tensors, save_network
from ..training import EarlyStopping, evaluate
from ..training.loop import Trainer
from ..training.settings import Settings
from .ngrams import Ngrams
from .settings import LanguageSettings
from .vectors import WordVectors
from .vocabulary import Vocabulary, encode_corpus

UNKNOWN, END = "<unk>", "</s>"  # words 0 and 1: any rare word, and the line's end
_LONGEST_WORD = 40  # letters, so that the header of a model file can hold them
_HELD_OUT = 0.05  # of the text for validation, and as much for the test


class Text:
    """A text as numbers, with the last tenth held out in one piece.

    The end of a line counts as a word: it says where a verse breaks. The
    `n_words - 2` most frequent words of the part to train on are told apart.

    Attributes
    ----------
    vocabulary : Vocabulary
        Word 0 is <unk>, word 1 the end of a line, the others fall in count.
    ids : array, shape (n,), int32
    validation, test : int
        Where those parts begin: a twentieth of the text each.
    """

    def __init__(self, lines: Callable[[], Iterable[list[str]]], n_words: int):
        all_words = Vocabulary.build(lines(), min_count=1)
        ids, offsets = encode_corpus(lines(), all_words)
        ids = np.insert(ids + 2, offsets[1:], 1)
        n = len(ids)
        held_out = int(n * _HELD_OUT)
        self.validation, self.test = n - 2 * held_out, n - held_out
        counts = np.bincount(ids[: self.validation], minlength=len(all_words) + 2)
        counts[:2] = 0
        counts[2:][[len(word) > _LONGEST_WORD for word in all_words.tokens]] = 0
        common = np.argsort(-counts, kind="stable")[: n_words - 2]
        common = common[counts[common] > 0]
        if held_out < 1 or len(common) < 2:
            raise DataError(
                f"corpus: {n:,} words and ends of lines, {len(common)} different "
                "words: too few to learn from and to hold a twentieth out; give more "
                "text"
            )
        number = np.zeros(len(all_words) + 2, np.int32)
        number[1] = 1
        number[common] = np.arange(2, len(common) + 2)
        self.ids = number[ids]
        tokens = [UNKNOWN, END, *(all_words.tokens[i - 2] for i in common.tolist())]
        counts = np.bincount(self.ids[: self.validation], minlength=len(tokens))
        self.vocabulary = Vocabulary(tokens, counts)

    def windows(self, context: int, first: int, last: int) -> Dataset:
        """Return words first to last - 1 as targets, each with the words before it.

        x has shape (m, context); the text's first `context` words are not targets.
        """
        first = max(first, context)
        if last <= first:
            raise DataError(
                f"corpus: {len(self.ids):,} words are too few for a context of "
                f"{context}; give more text, or a smaller `context`"
            )
        view = np.lib.stride_tricks.sliding_window_view(self.ids[:last], context + 1)
        view = view[first - context :]
        return Dataset(view[:, :context], np.ascontiguousarray(view[:, context]))

    def baselines(self) -> dict[str, float]:
        """Return the perplexity of the test part by counting alone."""
        grams = Ngrams(self.ids[: self.validation], len(self.vocabulary))
        grams.fit(self.ids, self.validation, self.test)
        part = self.ids, self.test, len(self.ids)
        return {"unigram": grams.unigram(*part), "bigram": grams.bigram(*part)}

    @property
    def unknown_share(self) -> float:
        """The share of <unk> in the test part."""
        return float(np.mean(self.ids[self.test :] == 0))


def language_network(
    n_words: int, settings: LanguageSettings, device: Any = "cpu"
) -> Network:
    """Return the untrained network: k words in, n_words logits out."""
    k, dim, hidden = settings.context, settings.dim, settings.hidden
    layers = [
        # Small, so that what is learned outweighs it: at standard_normal the
        # neighbors were noise and the perplexity 5 % higher.
        Embedding(n_words, dim, weight_init="lecun_normal"),
        Dense(k * dim, hidden),  # the layer before returns k vectors side by side
        Activation("tanh"),
        Dense(hidden, n_words),
    ]
    options = {"seed": settings.seed, "device": device, "dtype": settings.dtype}
    return Network(layers, "softmax_cross_entropy", **options)


def language_trainer(
    net: Network, text: Text, settings: LanguageSettings, **more: Any
) -> Trainer:
    """Return the Trainer of a network on a text; it restores the best weights."""
    k = settings.context
    training = Settings(
        validation=text.windows(k, text.validation, text.test),
        early_stopping=EarlyStopping(settings.epochs),
        epochs=settings.epochs,
        batch_size=settings.batch_size,
        optimizer=Adam(settings.learning_rate),
        schedule="one_cycle",
        **more,
    )
    return Trainer(net, text.windows(k, 0, text.validation), training)


def held_out_perplexity(net: Network, text: Text, context: int) -> float:
    """Return the network's perplexity of the test part, <unk> and ends counted."""
    part = text.windows(context, text.test, len(text.ids))
    return exp(evaluate(net, part)["loss"])


@dataclass(frozen=True)
class LanguageModel:
    """A trained network with its words."""

    net: Network
    vocabulary: Vocabulary
    settings: LanguageSettings

    def vectors(self) -> WordVectors:
        """Return the vector of each word but <unk> and the end of a line."""
        W = self.net.backend.to_host(self.net.params["0.W"])
        words = Vocabulary(self.vocabulary.tokens[2:], self.vocabulary.counts[2:])
        return WordVectors(words, W[2:])

    def save(self, path: Any, **more: Any) -> None:
        """Write the model to one file, which `gpunet.load_network` reads too."""
        about = {
            "words": self.vocabulary.tokens,
            "counts": self.vocabulary.counts.tolist(),
            "settings": asdict(self.settings),
        }
        save_network(self.net, path, language_model=about, **more)

    @staticmethod
    def load(path: Any, device: Any = "cpu") -> "LanguageModel":
        """Return the language model in a file (ModelFileError: it has none)."""
        net, (_, state) = load_network(path, device), read_tensors(path)
        try:
            about = state["language_model"]
            vocabulary = Vocabulary(about["words"], about["counts"])
            settings = LanguageSettings(**about["settings"])
            layers: Any = net.layers
            fits = layers[0].n_words == layers[-1].n_out == len(vocabulary)
            fits &= layers[1].n_in == settings.context * layers[0].n_features
            if not fits or vocabulary.tokens[:2] != [UNKNOWN, END]:
                raise ValueError("its words do not fit its layers")
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            reason = f"contains no language model ({error})"
            remedy = "use the run of a language model"
            raise ModelFileError(message("model file", path, reason, remedy)) from error
        return LanguageModel(net, vocabulary, settings)
