"""The skip-gram with negative sampling: draws, gradients, training."""

import numpy as np
import pytest
from helpers import error, normal, on_device

from gpunet import open_backend
from gpunet.errors import ConfigError, DataError, Diverged
from gpunet.text import (
    SkipGram,
    SkipGramSettings,
    Vocabulary,
    encode_corpus,
    pairs,
    train_skipgram,
)
from gpunet.text.draws import SPAN, Draws, Sampler, alias_table, keep_chances

N_WORDS, DIM = 7, 3


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


def windows(seed=0, n=9):
    """Draws in which words repeat, negatives too, and some are the word itself."""
    rng = np.random.default_rng(seed)
    words = rng.integers(0, N_WORDS, n).astype(np.int32)
    center = np.arange(n)
    left = np.maximum(center - rng.integers(1, 4, n), 0)
    right = np.minimum(center + rng.integers(1, 4, n) + 1, n)
    first = np.append(0, np.cumsum(right - left - 1))
    negatives = rng.integers(0, N_WORDS, (n, 4)).astype(np.int32)
    return Draws(words, center, left, right, first, negatives)


def plain_pairs(draws):
    """Return (neighbor, output, label) of every pair, by plain loops."""
    found = []
    for m, i in enumerate(draws.center):
        word = draws.words[i]
        for p in range(draws.left[m], draws.right[m]):
            if p != i:
                found.append((draws.words[p], word, 1.0))
                found += [
                    (draws.words[p], n, 0.0) for n in draws.negatives[m] if n != word
                ]
    return [np.array(column) for column in zip(*found, strict=True)]


def dense(W_in, W_out, draws):
    """Return loss and gradients as of two dense layers on one-hot rows."""
    neighbor, output, label = plain_pairs(draws)
    A, B = np.eye(N_WORDS)[neighbor], np.eye(N_WORDS)[output]
    hidden, other = A @ W_in, B @ W_out
    z = np.sum(hidden * other, axis=1)
    loss = np.sum(np.log1p(np.exp(z)) - label * z)
    dz = (1 / (1 + np.exp(-z)) - label)[:, None]
    return loss, A.T @ (dz * other), B.T @ (dz * hidden)


def tables(bk, dtype="float64"):
    W = normal(3, 2, N_WORDS, DIM)
    return bk.array(W[0], dtype), bk.array(W[1], dtype)


def test_gradient_is_the_dense_one_hot_form(bk):
    draws = windows()
    W_in, W_out = tables(bk)
    start = bk.to_host(W_in).copy(), bk.to_host(W_out).copy()
    loss, d_in, d_out = dense(*start, draws)
    host, first = pairs.lay_out(draws)
    batch = pairs.batch_of(pairs.on_device(host, bk), first, 0, len(draws.center))
    found = pairs.step(W_in, W_out, batch, 0.1, with_loss=True)
    assert on_device(bk, W_in) and W_in.dtype == bk.dtype("float64")
    assert error(start[0] - bk.to_host(W_in), 0.1 * d_in) < 1e-12
    assert error(start[1] - bk.to_host(W_out), 0.1 * d_out) < 1e-12
    assert float(bk.to_host(found)) == pytest.approx(loss, rel=1e-12)


def test_gradient_matches_central_differences():
    bk, draws = open_backend("cpu"), windows(1)
    host, first = pairs.lay_out(draws)
    batch = pairs.batch_of(host, first, 2, 7)
    for which in range(2):
        W = list(tables(bk))
        stepped = [w.copy() for w in W]
        pairs.step(*stepped, batch, 1.0)
        slope = np.zeros_like(W[which])
        for k in np.ndindex(slope.shape):
            for sign in (1, -1):
                moved = [w.copy() for w in W]
                moved[which][k] += sign * 1e-5
                z, *_ = pairs.forward(*moved, batch)
                slope[k] += sign * pairs.loss_sum(z, batch) / 2e-5
        assert error(W[which] - stepped[which], slope) < 1e-8


def test_one_pair_by_hand():
    # "a b" with a twice as a negative: z = 0, so sigma is 1/2 everywhere.
    draws = Draws(*map(np.array, ([0, 1], [1], [0], [2], [0, 1], [[2, 2]])))
    host, first = pairs.lay_out(draws)
    W_in, W_out = np.array([[1.0], [5.0], [7.0]]), np.zeros((3, 1))
    loss = pairs.step(W_in, W_out, pairs.batch_of(host, first, 0, 1), 0.5, True)
    assert float(loss) == pytest.approx(3 * np.log(2))
    assert W_in.tolist() == [[1.0], [5.0], [7.0]]
    assert W_out.tolist() == [[0.0], [0.25], [-0.5]]  # the repeated row has both


def test_a_span_in_batches_has_every_pair_once():
    draws = windows(2)
    host, first = pairs.lay_out(draws)
    found = []
    for lo in range(0, 9, 4):
        batch = pairs.batch_of(host, first, lo, min(lo + 4, 9))
        found += batch.neighbors.ravel()[batch.cells].tolist()
    neighbor, _, label = plain_pairs(draws)
    assert found == neighbor[label == 1].tolist()


def test_frequent_words_are_left_out_at_times():
    counts = np.array([900, 90, 10])
    sample = 1e-2
    f = counts / 1000
    wanted = np.minimum(1, np.sqrt(sample / f) + sample / f)
    assert keep_chances(counts, sample) == pytest.approx(wanted)
    assert keep_chances(counts, 0.0).tolist() == [1, 1, 1]
    many = np.tile(np.array([0] * 9 + [1], np.int32), 6000)
    options = {"window": 2, "negatives": 1, "seed": 0}
    sampler = Sampler(
        many, np.array([0, len(many)]), np.array([900, 100]), sample=1e-2, **options
    )
    words = sampler.draw(0).words
    share = np.bincount(words) / np.bincount(many)
    wanted = keep_chances(np.array([900, 100]), 1e-2)
    assert share == pytest.approx(wanted, abs=4 * np.sqrt(0.25 / 6000))


def test_alias_table_gives_each_word_its_weight():
    weights = np.array([5.0, 1.0, 3.0, 0.5, 0.5])
    chance, other = alias_table(weights)
    given = chance / 5
    np.add.at(given, other, (1 - chance) / 5)
    assert given == pytest.approx(weights / 10, rel=1e-12)


def test_negatives_follow_counts_to_the_power_three_quarters():
    counts = np.array([1000, 100, 10, 1])
    sampler = Sampler(
        np.zeros(50_000, np.int32),
        np.array([0, 50_000]),
        counts,
        window=1,
        negatives=5,
        sample=0.0,
        seed=1,
    )
    drawn = sampler.draw(0).negatives
    share = np.bincount(drawn.ravel(), minlength=4) / drawn.size
    assert share == pytest.approx(counts**0.75 / np.sum(counts**0.75), abs=4e-3)


def test_windows_stay_in_their_line_and_reach_as_far_as_drawn():
    lengths = np.array([1, 2, 9, 30])
    offsets = np.append(0, np.cumsum(lengths))
    ids = np.arange(42, dtype=np.int32)
    sampler = Sampler(
        ids, offsets, np.ones(42), window=3, negatives=2, sample=0.0, seed=0
    )
    reaches = set()
    for span in range(20):
        draws = sampler.draw(span)
        line = np.searchsorted(offsets, draws.center, "right")
        assert np.array_equal(np.searchsorted(offsets, draws.left, "right"), line)
        assert np.array_equal(np.searchsorted(offsets, draws.right - 1, "right"), line)
        assert draws.center.tolist() == list(range(1, 42))  # the lone word has none
        inside = (draws.center > 20) & (draws.center < 30)
        before = (draws.center - draws.left)[inside]
        after = (draws.right - draws.center - 1)[inside]
        reaches |= set(zip(before.tolist(), after.tolist(), strict=True))
    assert reaches == {(1, 1), (2, 2), (3, 3)}


def test_spans_cover_the_corpus_and_differ_by_number():
    lengths = np.full(40_000, 5)
    offsets = np.append(0, np.cumsum(lengths))
    ids = (np.arange(200_000) % 50).astype(np.int32)
    sampler = Sampler(
        ids, offsets, np.full(50, 4000), window=2, negatives=2, sample=0.0, seed=0
    )
    assert sampler.n_spans == 4
    assert sampler.ends.tolist() == [0, SPAN + 4, 2 * SPAN + 3, 3 * SPAN + 2, 200_000]
    words = [sampler.draw(k).words for k in range(4)]
    assert np.array_equal(np.concatenate(words), ids)
    again, later = sampler.draw(1), sampler.draw(5)
    assert np.array_equal(again.negatives, sampler.draw(1).negatives)
    assert not np.array_equal(again.negatives, later.negatives)


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
