"""Words: corpora, vocabularies and what is learned from them.

Words become numbers by falling count, a corpus one array of numbers with the
offsets of its lines, and each word a vector that predicts the words around it.
"""

from .corpus import SHAKESPEARE, read_corpus, words_of
from .formats import load_vectors, save_text, save_vectors
from .generate import generate
from .language_model import LanguageModel
from .settings import LanguageSettings, SkipGramSettings
from .skipgram import SkipGram, SpanReport
from .skipgram_trainer import train_skipgram
from .vectors import WordVectors
from .vocabulary import Vocabulary, encode_corpus

__all__ = [
    "SHAKESPEARE",
    "LanguageModel",
    "LanguageSettings",
    "SkipGram",
    "SkipGramSettings",
    "SpanReport",
    "Vocabulary",
    "WordVectors",
    "encode_corpus",
    "generate",
    "load_vectors",
    "read_corpus",
    "save_text",
    "save_vectors",
    "train_skipgram",
    "words_of",
]
