"""Words: corpora, vocabularies and what is learned from them.

Words become numbers by falling count, a corpus one array of numbers with the
offsets of its lines, and each word a vector that predicts the words around it.
"""

from .corpus import SHAKESPEARE, read_corpus, words_of
from .skipgram import SkipGram, SkipGramSettings, SpanReport, train_skipgram
from .vocabulary import Vocabulary, encode_corpus

__all__ = [
    "SHAKESPEARE",
    "SkipGram",
    "SkipGramSettings",
    "SpanReport",
    "Vocabulary",
    "encode_corpus",
    "read_corpus",
    "train_skipgram",
    "words_of",
]
