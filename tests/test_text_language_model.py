"""The language model, its baselines, and the text it writes."""

from itertools import islice

import numpy as np
import pytest
from helpers import TIGHT, error
from text_models import SMALL, tiny_text, trained

import gpunet
from gpunet.errors import ConfigError, DataError, ModelFileError
from gpunet.text.corpus import read_corpus
from gpunet.text.language_model import (
    LanguageModel,
    Text,
    held_out_perplexity,
    language_network,
)
from gpunet.text.settings import LanguageSettings
from gpunet.text.vocabulary import Vocabulary

# --------------------------------------------------------------------------- text


def test_text_ends_lines_and_parts_the_last_tenth_in_one_piece():
    lines = [["to", "be"], ["or"]] * 100
    text = Text(lambda: lines, 10)
    n = len(text.ids)
    assert n == 500 and (text.validation, text.test) == (450, 475)
    words = [text.vocabulary.tokens[i] for i in text.ids[:5]]
    assert words == ["to", "be", "</s>", "or", "</s>"]
    assert text.vocabulary.tokens[:2] == ["<unk>", "</s>"]


def test_words_are_chosen_by_the_training_part_alone():
    late = [["a", "b"]] * 95 + [["z", "y"]] * 5
    text = Text(lambda: late, 10)
    assert text.vocabulary.tokens == ["<unk>", "</s>", "a", "b"]
    assert text.unknown_share == pytest.approx(2 / 3)


def test_rare_words_are_one_word():
    lines = [["a", "b", "a", "c"]] * 50
    text = Text(lambda: lines, 4)
    assert text.vocabulary.tokens == ["<unk>", "</s>", "a", "b"]
    assert text.ids[:5].tolist() == [2, 3, 2, 0, 1]
    assert text.vocabulary.counts.tolist() == [
        int((text.ids[: text.validation] == i).sum()) for i in range(4)
    ]


def test_windows_are_each_word_with_those_before_it():
    text = tiny_text()
    for first, last in ((0, 40), (text.validation, text.test)):
        part = text.windows(3, first, last)
        where = range(max(first, 3), last)
        assert part.t.tolist() == [text.ids[i] for i in where]
        assert part.x.tolist() == [text.ids[i - 3 : i].tolist() for i in where]


@pytest.mark.parametrize("lines", [[["a", "b"]] * 3, [["a"]] * 100])
def test_text_that_is_too_short_is_refused(lines):
    with pytest.raises(DataError, match="corpus: "):
        Text(lambda: lines, 10)


def test_context_longer_than_the_text_is_refused():
    text = tiny_text(n=5)
    with pytest.raises(DataError, match="too few for a context of 99; give more text"):
        text.windows(99, 0, text.validation)


# --------------------------------------------------------------------- the network


def test_gradients_of_the_network_match_central_differences():
    text = tiny_text()
    net = language_network(len(text.vocabulary), SMALL)
    part = text.windows(2, 0, 30)
    x, t = part.x.astype(np.int64), part.t.astype(np.int64)
    y, caches = net.forward(x)
    grads = net.backward(caches, net.loss.slope(y, t))
    rng = np.random.Generator(np.random.PCG64(0))
    for name, p in net.params.items():
        for k in rng.choice(p.size, 12):
            at, h = np.unravel_index(k, p.shape), 1e-5
            old, losses = p[at], []
            for step in (h, -h):
                p[at] = old + step
                losses.append(float(net.loss.value(net.forward(x)[0], t)))
            p[at] = old
            numeric = (losses[0] - losses[1]) / (2 * h)
            assert grads[name][at] == pytest.approx(numeric, rel=1e-6, abs=1e-9)


def test_embedding_gradient_equals_that_of_one_hot_words():
    text = tiny_text()
    n = len(text.vocabulary)
    net = language_network(n, SMALL)
    part = text.windows(2, 0, 50)
    y, caches = net.forward(part.x.astype(np.int64))
    dy = net.loss.slope(y, part.t.astype(np.int64))
    dW = net.backward(caches, dy)["0.W"]
    for i in (3, 2, 1):
        dy, _ = net.layers[i].backward(net.params.by_layer[i], caches[i], dy)
    hot = np.eye(n)[part.x]  # (batch, 2, n)
    wanted = np.einsum("bkw,bkd->wd", hot, dy.reshape(-1, 2, SMALL.dim))
    assert error(dW, wanted) < TIGHT["float64"]


def test_training_on_every_device_ends_alike(bk):
    reference, text = trained()
    model, _ = trained(bk.name)
    a = held_out_perplexity(model.net, text, 2)
    assert a == pytest.approx(held_out_perplexity(reference.net, text, 2), rel=1e-6)


def test_markov_text_is_learned_to_its_entropy():
    settings = LanguageSettings(
        context=2, dim=8, hidden=16, n_words=12, epochs=12, batch_size=32
    )
    text = tiny_text(n=1500)
    model, _ = trained(settings=settings, text=text)
    found = held_out_perplexity(model.net, text, 2)
    # Two words at 9 to 1, and ends of lines that come as a surprise one time in ten.
    yard = text.baselines()
    assert found < 1.05 * yard["bigram"] < 0.5 * yard["unigram"]
    assert found == pytest.approx(np.exp(model_loss(model, text)), rel=1e-5)


def model_loss(model, text):
    """Return the mean of -log p over the test words, one by one from predict."""
    where = np.arange(text.test, len(text.ids))
    x = np.stack([text.ids[where - 2], text.ids[where - 1]], axis=1)
    p = model.net.predict(x.astype(np.int64)).astype(np.float64)
    return -np.log(p[np.arange(len(where)), text.ids[where]]).mean()


def test_shakespeare_is_predicted_better_than_by_pairs_of_words():
    settings = LanguageSettings(
        context=3, dim=16, hidden=48, n_words=200, epochs=4, batch_size=128
    )
    lines = list(islice(read_corpus(), 20_000))
    text = Text(lambda: lines, 200)
    model, _ = trained(settings=settings, text=text)
    yard = text.baselines()
    found = held_out_perplexity(model.net, text, 3)
    assert found < yard["bigram"] < yard["unigram"], (found, yard)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("context", 0),
        ("dim", 0),
        ("hidden", -1),
        ("n_words", 3),
        ("epochs", 0),
        ("batch_size", 0),
        ("dim", 2.0),
        ("context", True),
        ("n_words", 50_001),
    ],
)
def test_bad_settings_are_refused(name, value):
    with pytest.raises(ConfigError, match=f"language model: {name}: must be"):
        LanguageSettings(**{name: value})


# --------------------------------------------------------------------------- files


def test_model_is_the_same_after_a_file(tmp_path):
    model, text = trained()
    model.save(tmp_path / "m.safetensors", step=3)
    again = LanguageModel.load(tmp_path / "m.safetensors")
    assert again.vocabulary.tokens == text.vocabulary.tokens
    assert again.settings == SMALL
    x = text.windows(2, 0, 20).x.astype(np.int64)
    assert np.array_equal(again.net.predict(x), model.net.predict(x))
    assert gpunet.load_network(tmp_path / "m.safetensors").layers == model.net.layers


def test_vectors_of_a_model_are_its_rows_without_the_two_signs():
    model, text = trained()
    vectors = model.vectors()
    assert vectors.words == text.vocabulary.tokens[2:]
    assert vectors.vocabulary.counts.tolist() == text.vocabulary.counts[2:].tolist()
    W = model.net.params["0.W"].astype(np.float32)
    assert np.array_equal(vectors.vectors, W[2:])


def test_files_of_other_models_are_refused(tmp_path):
    path = tmp_path / "m.safetensors"
    gpunet.mlp([2, 3]).save(path)
    with pytest.raises(ModelFileError, match="contains no language model"):
        LanguageModel.load(path)
    model, _ = trained()
    words = Vocabulary(["<unk>", "</s>", "a"], [1, 1, 1])
    LanguageModel(model.net, words, SMALL).save(path)
    with pytest.raises(ModelFileError, match="words do not fit its layers"):
        LanguageModel.load(path)
