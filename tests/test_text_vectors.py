"""Word vectors: neighbours, analogies, the plane, and their evaluation."""

import numpy as np
import pytest
from helpers import normal

from gpunet.errors import ConfigError, DataError
from gpunet.text.evaluation import (
    evaluate_analogies,
    evaluate_similarity,
    ranks,
    read_pairs,
    read_questions,
    spearman,
)
from gpunet.text.vectors import WordVectors


@pytest.fixture
def square():
    """Two times two words: sex along one axis, rank along the other."""
    words = ["man", "woman", "king", "queen", "pea"]
    return WordVectors(words, [[1, 1, 3], [1, -1, 3], [9, 1, 3], [9, -1, 3], [0, 0, 0]])


def random_vectors(n=300, d=12, seed=0):
    return WordVectors([f"w{i}" for i in range(n)], normal(seed, n, d))


# ---------------------------------------------------------------------- looking


def test_neighbors_equal_a_plain_loop_over_cosines():
    v = random_vectors()
    x = v.vectors.astype(np.float64)
    for word in ("w0", "w17", "w299"):
        q = x[v.row(word)]
        cosines = {
            other: float(q @ y) / np.sqrt(float(q @ q) * float(y @ y))
            for other, y in zip(v.words, x, strict=True)
            if other != word
        }
        wanted = sorted(cosines, key=lambda other: -cosines[other])[:10]
        found = v.neighbors(word, 10)
        assert [other for other, _ in found] == wanted
        assert max(abs(c - cosines[other]) for other, c in found) < 1e-6


def test_neighbors_do_not_depend_on_lengths():
    v = random_vectors()
    longer = WordVectors(v.words, v.vectors * np.arange(1, 301)[:, None])
    assert [w for w, _ in longer.neighbors("w5")] == [w for w, _ in v.neighbors("w5")]


def test_word_is_no_neighbor_of_itself_and_there_are_no_more_than_others(square):
    found = [word for word, _ in square.neighbors("king", 99)]
    assert sorted(found) == ["man", "pea", "queen", "woman"]


def test_zero_vector_is_like_no_word(square):
    assert square.similarity("pea", "king") == 0.0
    assert square.similarity("king", "king") == pytest.approx(1)


def test_analogy_answers_the_square_and_never_its_question(square):
    answers = square.analogy("man", "king", "woman")
    assert answers[0][0] == "queen"
    assert {word for word, _ in answers} == {"queen", "pea"}


def test_analogy_adds_vectors_of_length_one():
    v = random_vectors(seed=3)
    a, b, c = (v.unit[v.row(w)] for w in ("w1", "w2", "w3"))
    cosines = v.unit @ (b - a + c) / np.linalg.norm(b - a + c)
    cosines[[1, 2, 3]] = -2
    best = np.argsort(-cosines)[:4]
    found = v.analogy("w1", "w2", "w3", 4)
    assert [word for word, _ in found] == [f"w{i}" for i in best]
    assert np.allclose([c for _, c in found], cosines[best], atol=1e-6)


def test_analogy_of_one_word_thrice_has_all_others_as_answers(square):
    assert len(square.analogy("king", "king", "king", 99)) == 4


def test_case_is_tried_as_given_and_then_lower(square):
    assert square.neighbors("KING") == square.neighbours("king")
    both = WordVectors(["Bath", "bath"], [[1, 0], [0, 1]])
    assert both.row("Bath") == 0 and both.row("BATH") == 1


def test_unknown_word_names_the_nearest_spelling(square):
    with pytest.raises(DataError, match="no such word: 'quen'; did you mean 'queen'"):
        square.neighbors("quen")
    with pytest.raises(DataError, match="no such word: 'zzzz'"):
        square.analogy("man", "king", "zzzz")


# --------------------------------------------------------------------- the plane


def test_plane_equals_the_eigenvectors_of_the_covariance():
    v = random_vectors(40, 5)
    points, share = v.plane(v.words)
    x = v.unit.astype(np.float64)
    x = x - x.mean(axis=0)
    values, axes = np.linalg.eigh(x.T @ x)
    wanted = x @ axes[:, [-1, -2]]
    assert share == pytest.approx(values[-2:].sum() / values.sum())
    assert np.allclose(np.abs(points), np.abs(wanted), atol=1e-9)
    top = points[np.argmax(np.abs(points), axis=0), [0, 1]]
    assert (top > 0).all()


def test_plane_keeps_distances_of_points_that_lie_in_one():
    flat = normal(1, 9, 2)
    flat /= np.linalg.norm(flat, axis=1, keepdims=True)
    turn = np.linalg.qr(normal(2, 6, 6))[0][:2]
    v = WordVectors(list("abcdefghi"), flat @ turn)
    points, share = v.plane("abcdefghi")
    apart = np.linalg.norm(points[:, None] - points[None], axis=-1)
    assert share == pytest.approx(1)
    assert np.allclose(apart, np.linalg.norm(flat[:, None] - flat[None], axis=-1))


def test_plane_of_two_words_and_of_one_feature():
    points, share = WordVectors(["a", "b"], [[1], [-1]]).plane(["a", "b"])
    assert np.allclose(np.sort(points[:, 0]), [-1, 1]) and not points[:, 1].any()
    assert share == 1


def test_plane_of_equal_vectors_is_one_point():
    points, share = WordVectors(["a", "b"], [[1, 2], [1, 2]]).plane(["a", "b"])
    assert not points.any() and share == 1


@pytest.mark.parametrize("words", [[], ["king"], ["king", "king", "KING"]])
def test_plane_needs_two_words(square, words):
    with pytest.raises(ConfigError, match="two or more different words, got"):
        square.plane(words)


# ------------------------------------------------------------------ bad vectors


@pytest.mark.parametrize(
    ("words", "vectors", "why"),
    [
        ([], np.zeros((0, 3)), "at least one"),
        (["a"], np.zeros((2, 3)), "one row for each word"),
        (["a", "b"], np.zeros(2), "must be an array of shape"),
        (["a"], np.zeros((1, 0)), "at least one"),
        (["a", "a"], np.ones((2, 2)), "each word once"),
        (["a", "b"], [[1, 2], [np.nan, 1]], "vector of 'b' is not finite"),
    ],
)
def test_bad_vectors_are_refused(words, vectors, why):
    with pytest.raises(ConfigError, match=why):
        WordVectors(words, vectors)


# ------------------------------------------------------------------------ evaluation


def test_spearman_equals_scipy_with_and_without_ties():
    stats = pytest.importorskip("scipy.stats")
    for seed in range(20):
        x, y = np.round(normal(seed, 2, 50), seed % 3)
        assert spearman(x, y) == pytest.approx(stats.spearmanr(x, y).statistic)
    assert ranks([3, 1, 3, 2]).tolist() == [3.5, 1, 3.5, 2]


def test_spearman_of_equal_numbers_is_refused():
    with pytest.raises(DataError, match="all numbers are equal"):
        spearman([1, 1, 1], [1, 2, 3])


FORMS = {
    "commas": "Word 1,Word 2,Human (mean)\nking,queen,8.5\nman,pea,1\nx,man,3\n",
    "tabs": "# a remark\nWord 1\tWord 2\tHuman (mean)\t1\nking\tqueen\t8.5\t9\n"
    "man\tpea\t1\t2\nx\tman\t3\t3\n",
    "simlex": "word1\tword2\tPOS\tSimLex999\tconc(w1)\nking\tqueen\tN\t8.5\t2\n"
    "man\tpea\tN\t1\t2.5\nx\tman\tA\t3\t1\n",
    "bare": "king\tqueen\t8.5\r\nman\tpea\t1\r\n\r\nx\tman\t3\r\n",
    "other names": "\ufefffirst,second,score\nking,queen,8.5\nman,pea,1\nx,man,3",
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_similarity_file_is_read(tmp_path, form):
    path = tmp_path / "pairs"
    path.write_bytes(FORMS[form].encode())
    pairs = read_pairs(path)
    assert pairs == [("king", "queen", 8.5), ("man", "pea", 1), ("x", "man", 3)]


def test_similarity_says_how_many_pairs_it_left_out(square, tmp_path):
    (tmp_path / "p").write_text("King,queen,9\nking,man,5\nking,pea,4\nx,man,3\n")
    result = evaluate_similarity(square, tmp_path / "p")
    assert result == {"spearman": 1.0, "pairs": 4, "used": 3, "skipped": 1}


def test_analogies_are_counted_by_section(square, tmp_path):
    (tmp_path / "q").write_text(
        ": family\nman king woman queen\nMan Woman King Queen\n"
        ": other\nman king woman pea\nman king rose tulip\n"
    )
    result = evaluate_analogies(square, tmp_path / "q")
    sections = result.pop("sections")
    assert result == {
        "accuracy": 2 / 3,
        "correct": 2,
        "used": 3,
        "questions": 4,
        "skipped": 1,
    }
    assert sections["family"]["accuracy"] == 1
    assert (sections["other"]["used"], sections["other"]["skipped"]) == (1, 1)


def test_many_questions_are_answered_in_pieces(monkeypatch):
    from gpunet.text import vectors as module

    v = random_vectors(50)
    rows = np.random.Generator(np.random.PCG64(0)).integers(0, 50, (33, 3))
    whole = v.best(v.offsets(rows), rows)
    monkeypatch.setattr(module, "_CHUNK", 200)
    assert np.array_equal(v.best(v.offsets(rows), rows), whole)
    asked = [v.analogy(*(v.words[i] for i in row), 1)[0][0] for row in rows]
    assert asked == [v.words[i] for i in whole]


BAD_PAIRS = {
    b"": "contains no pairs",
    b"king,queen\n": "1:1: must be word, word, score",
    b"king,queen,8\nman,pea,x\n": "2:3: 'x' is not a finite number",
    b"king,queen,8\nman,pea,nan\n": "2:3: 'nan' is not a finite number",
    b"king,queen,8\n,pea,2\n": "2:1: must be word, word, score",
    b"caf\xe9,queen,8\n": "is not UTF-8 text",
    b"a\0b,c,8\n": "is not text",
}


@pytest.mark.parametrize("content", BAD_PAIRS)
def test_bad_similarity_file_is_told_with_line_and_column(tmp_path, content):
    path = tmp_path / "pairs"
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        read_pairs(path)
    assert BAD_PAIRS[content] in str(caught.value) and str(path) in str(caught.value)


def test_bad_analogy_files_are_refused(square, tmp_path):
    path = tmp_path / "q"
    path.write_text(": a\none two three\n")
    with pytest.raises(DataError, match="2:4: must be four words"):
        read_questions(path)
    path.write_text(": only a section\n")
    with pytest.raises(DataError, match="contains no questions"):
        read_questions(path)
    path.write_text("one two three four\n")
    with pytest.raises(DataError, match="none of its 1 questions has four known"):
        evaluate_analogies(square, path)
    with pytest.raises(DataError, match="No such file"):
        evaluate_analogies(square, tmp_path / "absent")


def test_too_few_known_pairs_are_refused(square, tmp_path):
    (tmp_path / "p").write_text("king,queen,9\nx,man,3\n")
    with pytest.raises(DataError, match="1 of its 2 pairs have two known words"):
        evaluate_similarity(square, tmp_path / "p")


def test_evaluation_agrees_with_gensim(tmp_path):
    models = pytest.importorskip("gensim.models")
    v = random_vectors(60, 6)
    rng = np.random.Generator(np.random.PCG64(1))
    pairs = [
        (f"w{i}", f"w{j}", rng.integers(0, 9)) for i, j in rng.integers(0, 70, (80, 2))
    ]
    (tmp_path / "p").write_text("".join(f"{a}\t{b}\t{s}\n" for a, b, s in pairs))
    rows = [rng.permutation(60)[:3] for _ in range(40)]
    best = v.best(v.offsets(np.array(rows)), np.array(rows))
    best[::2] = 5  # wrong answers, by and large
    lines = [
        " ".join(f"w{i}" for i in (*r, b)) for r, b in zip(rows, best, strict=True)
    ]
    lines = [line for line in lines if len(set(line.split())) == 4]
    (tmp_path / "q").write_text(": all\n" + "\n".join(lines) + "\n")
    theirs = models.KeyedVectors(6)
    theirs.add_vectors(v.words, v.vectors)
    _, (rho, _), _ = theirs.evaluate_word_pairs(str(tmp_path / "p"))
    assert evaluate_similarity(v, tmp_path / "p")["spearman"] == pytest.approx(rho)
    accuracy, _ = theirs.evaluate_word_analogies(str(tmp_path / "q"))
    assert evaluate_analogies(v, tmp_path / "q")["accuracy"] == pytest.approx(accuracy)
