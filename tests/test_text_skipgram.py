"""The skip-gram with negative sampling: draws, gradients, training."""

import json

import numpy as np
import pytest
from helpers import error

from gpunet.errors import ConfigError, DataError, Diverged
from gpunet.runs.recorders import EventLog
from gpunet.text import (
    SkipGram,
    SkipGramSettings,
    Vocabulary,
    encode_corpus,
    train_skipgram,
)
from gpunet.text.skipgram_trainer import SkipGramTrainer


def corpus(n_lines=60, seed=0):
    """Two worlds, of fruits and of tools, whose words never meet."""
    rng = np.random.default_rng(seed)
    worlds = (["apple", "pear", "plum", "fig"], ["saw", "nail", "axe", "vise"])
    return [list(rng.choice(worlds[k % 2], 8)) for k in range(n_lines)]


LINES = corpus()
WORDS = Vocabulary.build(LINES)
IDS, OFFSETS = encode_corpus(LINES, WORDS)


def trainer(device="cpu", engine="loop", **settings):
    settings = {"dim": 5, "sample": 0.0, "batch_size": 16} | settings
    return SkipGram(
        IDS,
        OFFSETS,
        WORDS.counts,
        SkipGramSettings(**settings),
        device=device,
        engine=engine,
    )


def train(*args, **settings):
    t = trainer(*args, **settings)
    while not t.done:
        t.train_span()
    return t.state()


def test_a_window_larger_than_a_line_works():
    assert np.isfinite(train(window=1000, epochs=1)["W_in"]).all()


def test_start_is_small_and_its_seed_s_own():
    state = trainer().state()
    assert np.all(np.abs(state["W_in"]) <= 0.5 / 5)
    assert np.std(state["W_in"]) == pytest.approx(0.2 / np.sqrt(12), rel=0.2)
    assert not state["W_out"].any()
    assert not np.array_equal(state["W_in"], trainer(seed=1).state()["W_in"])


def test_rate_falls_from_first_to_last_in_a_line():
    t = trainer(learning_rate=0.05, min_learning_rate=0.01, epochs=4)
    rates = []
    while not t.done:
        rates.append(t._rates(480)[:: 480 // 16 // 2])
        t.train_span()
    rates = np.concatenate(rates)
    assert rates == pytest.approx(0.05 - 0.04 * np.arange(8) / 8)


def test_training_brings_words_of_one_world_together():
    W = train(dim=8, epochs=20, learning_rate=0.1, negatives=3)["W_in"]
    unit = W / np.linalg.norm(W, axis=1, keepdims=True)
    fruit = np.isin(WORDS.tokens, ["apple", "pear", "plum", "fig"])
    together = fruit[:, None] == fruit
    cosine = unit @ unit.T
    assert cosine[together].min() > cosine[~together].max() + 0.5


def test_loss_falls_and_reports_tell_the_way():
    options = {"dim": 8, "epochs": 20, "learning_rate": 0.1, "engine": "loop"}
    seen = []
    W, reports = train_skipgram(IDS, OFFSETS, WORDS, on_span=seen.append, **options)
    assert W.shape == (8, 8) and W.dtype == np.float32
    assert seen == reports and len(reports) == 20
    assert reports[0].loss < np.log(2)
    assert reports[-1].loss < 0.9 * reports[0].loss
    assert [r.span for r in reports] == list(range(1, 21))
    assert (reports[-1].epoch, reports[-1].words) == (20, 20 * len(IDS))


def test_every_device_trains_the_same(bk):
    options = {"dtype": "float64", "epochs": 2}
    ours, theirs = train(bk, **options), train("cpu", **options)
    for name in ours:
        assert error(ours[name], theirs[name]) < 1e-12


def test_one_seed_is_one_result_and_each_seed_its_own():
    a, b, c = train(), train(), train(seed=1)
    for name in a:
        assert np.array_equal(a[name], b[name])
        assert not np.array_equal(a[name], c[name])


def test_a_resumed_run_is_the_same_bit_for_bit():
    t = trainer()
    t.train_span()
    t.train_span()
    state, span = t.state(), t.span
    t.train_span()  # state() is a copy: this does not reach it
    resumed = trainer()
    resumed.restore(state, span)
    while not resumed.done:
        resumed.train_span()
    whole = train()
    for name, value in resumed.state().items():
        assert np.array_equal(value, whole[name])


def test_a_state_that_does_not_fit_is_refused():
    t = trainer()
    with pytest.raises(ConfigError, match=r"W_in: must be shape \(8, 5\), got"):
        t.restore({"W_in": np.zeros((8, 4)), "W_out": np.zeros((8, 5))}, 0)
    with pytest.raises(ConfigError, match="span: must be 0 to 5, got 6"):
        t.restore(t.state(), 6)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("dim", x) for x in (0, -1, 2.0, True, 2**31)),
        *(("window", 0), ("negatives", 0), ("epochs", 0), ("batch_size", 0)),
        *(("seed", -1), ("sample", -1e-3), ("sample", float("nan"))),
        *(("learning_rate", 0.0), ("learning_rate", float("inf"))),
        *(("min_learning_rate", 0.5), ("min_learning_rate", -0.1)),
        ("dtype", "float16"),
    ],
)
def test_a_setting_that_cannot_work_is_refused(name, value):
    with pytest.raises(ConfigError, match=f"skip-gram: {name}: must be") as caught:
        SkipGramSettings(**{name: value})
    assert caught.value.exit_code == 2


def test_fewer_words_than_negatives_are_refused():
    with pytest.raises(ConfigError, match="fewer than the 8 words of the vocabulary"):
        trainer(negatives=8)
    assert trainer(negatives=7).n_spans == 5


def test_a_corpus_without_neighbors_is_refused():
    counts = np.full(9, 1)
    ids, offsets = np.arange(9, dtype=np.int32), np.arange(10)
    with pytest.raises(DataError, match="no line has two words") as caught:
        SkipGram(ids, offsets, counts)
    assert caught.value.exit_code == 3
    with pytest.raises(DataError, match="no line has two words"):
        SkipGram(ids[:0], np.zeros(1, np.int64), counts)


def test_divergence_is_named():
    t = trainer(learning_rate=1e30)
    with pytest.raises(Diverged, match="no longer finite after span") as caught:
        while not t.done:
            t.train_span()
    assert caught.value.exit_code == 7


def test_engines_are_chosen_and_refused(monkeypatch):
    assert trainer("strict:1", "auto").engine == "loop"
    assert trainer("strict:1", "auto").note == "there is none for strict:1"
    with pytest.raises(ConfigError, match="engine: compiled: there is none for strict"):
        trainer("strict:1", "compiled")
    with pytest.raises(ConfigError, match="engine: 'fast': choose from"):
        trainer("cpu", "fast")
    monkeypatch.setattr(
        "gpunet.fast.cpu.word_vectors.missing", lambda: "numba is not installed"
    )
    t = trainer("cpu", "auto")
    assert (t.engine, t.note) == ("loop", "numba is not installed")
    with pytest.raises(ConfigError, match="engine: compiled: numba is not installed"):
        trainer("cpu", "compiled")


def test_log_tells_of_epochs_and_of_the_end(tmp_path):
    settings = SkipGramSettings(dim=5, epochs=2)
    options = {"engine": "loop", "callbacks": [EventLog(tmp_path / "log")]}
    SkipGramTrainer(IDS, OFFSETS, WORDS.counts, settings, **options).run()
    lines = (tmp_path / "log").read_text().splitlines()
    events = [json.loads(line) for line in lines]
    assert [e["event"] for e in events] == ["epoch", "epoch", "stopped"]
    assert events[-1]["why"] == "all epochs done" and events[-1]["step"] == 2
