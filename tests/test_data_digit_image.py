"""A drawn digit becomes what a network trained on MNIST answers rightly."""

import numpy as np
import pytest
from drawn_digits import ANGULAR, ROUND, Picture, draw

import gpunet
from gpunet.data import Dataset, digit_image, read_digit, read_mnist
from gpunet.errors import ConfigError, DataError

# How twenty digits, ten by each hand, come onto a picture.
PICTURES = {
    "plain": Picture(),
    "small, in a corner": Picture(top=6, left=8, size=30, pen=3),
    "cropped": Picture(height=64, width=46, top=3, left=4, size=58),
    "hardly larger than MNIST": Picture(24, 20, top=3, left=4, size=17, pen=2.2),
    "bold": Picture(pen=13),
    "thin": Picture(size=80, top=20, left=30, pen=2),
    "slanted": Picture(slant=0.3),
    "chalk on slate": Picture(paper=0.1, ink=0.95),
    "photograph": Picture(paper=0.85, ink=0.25, gradient=0.6, noise=0.03),
    "shadow": Picture(paper=0.85, ink=0.2, noise=0.02, shadow=0.4),
    "pencil": Picture(paper=0.9, ink=0.6, gradient=0.3, noise=0.02, pen=4),
    "large photograph": Picture(330, 440, 100, 250, 120, 9, gradient=0.5, noise=0.05),
}
DIGITS = np.array([*ROUND, *ANGULAR])


@pytest.fixture(scope="module")
def net():
    train = read_mnist().train.take(slice(20_000))
    net = gpunet.mlp([784, 64, 10], activation="relu")
    adam = gpunet.Adam(0.002)
    gpunet.fit(net, train, epochs=3, batch_size=64, optimizer=adam)
    return net


def drawn(how):
    return [draw(lines, how) for hand in (ROUND, ANGULAR) for lines in hand.values()]


def n_right(net, x):
    return int(np.sum(net.classify(x) == DIGITS))


@pytest.fixture
def expect_18(net):
    """Return a function that fails unless 18 of 20 digits are answered rightly."""

    def check(name):
        right = n_right(net, read_digit(*drawn(PICTURES[name])))
        assert right >= 18, f"{name}: {right} of 20"

    return check


@pytest.mark.parametrize("name", PICTURES)
def test_drawn_digits_are_answered_rightly(expect_18, name):
    expect_18(name)


def resized(picture):
    """Return a picture as 28 x 28 pixels, each the mean of its part."""
    cells = [np.array_split(row, 28, axis=1) for row in np.array_split(picture, 28)]
    return np.array([[cell.mean() for cell in row] for row in cells]).ravel() / 255


def test_resizing_alone_does_not_do(net):
    for name in ("plain", "photograph", "small, in a corner", "cropped"):
        x = np.float32([resized(picture) for picture in drawn(PICTURES[name])])
        assert n_right(net, x) <= 6 and n_right(net, 1 - x) <= 16, name


def corner(canvas):
    """Return a digit at the top left instead of in the middle."""
    down, right = (np.flatnonzero(canvas[0].any(axis=a))[0] for a in (1, 0))
    return np.roll(canvas, (-down, -right), (1, 2)).reshape(1, 784)


BROKEN = {  # a step done badly, and pictures that need it
    "center_of_mass": (corner, "bold"),
    "_ink": (lambda pixels, where: pixels[..., 0], "plain"),
    "_paper": (np.median, "photograph"),
    "_without_plains": (lambda ink: ink, "shadow"),
    "_cut_out": (lambda ink, where: ink, "small, in a corner"),
}


@pytest.mark.parametrize("step", BROKEN)
def test_each_step_is_needed(expect_18, monkeypatch, step):
    broken, picture = BROKEN[step]
    monkeypatch.setattr(digit_image, step, broken)
    with pytest.raises((AssertionError, DataError), match=f"{picture}|is blank"):
        expect_18(picture)


def test_digits_of_mnist_stay_as_they_are():
    images = read_mnist().test.x[:80].reshape(-1, 28, 28)
    x = images.reshape(-1, 784) / np.float32(255)
    for change in (
        lambda a: a,
        lambda a: 255 - a,
        lambda a: a.repeat(3, 0).repeat(3, 1),
    ):
        y = read_digit(*map(change, images))
        assert y.shape == x.shape and y.dtype == np.float32
        assert y.min() >= 0 and y.max() == 1
        assert np.mean(np.abs(y - x)) < 0.005


def test_noise_of_the_paper_is_no_ink():
    clean = draw(ROUND[6], Picture(paper=0.8))
    noisy = draw(ROUND[6], Picture(paper=0.8, noise=0.05))
    x, y = read_digit(clean, noisy)
    assert np.mean(np.abs(x - y)) < 0.02


def test_size_proportions_and_center():
    how = Picture(400, 200, top=150, left=120, size=90, pen=10)
    image = read_digit(draw([[(0, 0), (0.5, 0), (0.5, 1)]], how)).reshape(28, 28)
    rows, columns = (np.flatnonzero(image.max(axis=a) > 0.3) for a in (1, 0))
    assert np.ptp(rows) + 1 == 20 and np.ptp(columns) + 1 in (11, 12)  # 100 x 55
    center = np.argwhere(image > 0).T @ image[image > 0] / image.sum()
    assert np.all(np.abs(center - 14) <= 0.5)


def test_fine_pens_draw_as_thick_as_others():
    usual = read_digit(draw(ROUND[0])).sum()
    for pen in (1.2, 2, 3):
        how = Picture(200, 200, top=20, left=40, size=150, pen=pen)
        assert 0.75 < read_digit(draw(ROUND[0], how)).sum() / usual < 1.3


def test_any_two_colors_and_any_range_are_alike():
    gray = draw(ROUND[5]) / 255
    expected = read_digit(gray)
    for paper, ink in (((1, 1, 1), (1, 1, 0)), ((0.2, 0.5, 0.2), (0.7, 0.2, 0.2))):
        picture = gray[..., None] * paper + (1 - gray[..., None]) * ink
        assert np.allclose(read_digit(picture), expected, atol=1e-3)
    for changed in (np.rint(65535 * gray).astype(np.uint16), 1 - gray, gray > 0.5):
        assert np.max(np.abs(read_digit(changed) - expected)) < 0.35


def test_specks_lines_and_the_edge_of_a_table_are_left_out():
    how = Picture(200, 160, top=60, left=50, size=80, pen=8, paper=0.9)
    clean = draw(ROUND[3], how)
    expected = read_digit(clean)
    crowded = clean.copy()
    crowded[20:24, 30:34] = crowded[150:153, 140:143] = 0  # specks
    crowded[:, 150:] = crowded[:15] = 40  # a table under the paper
    for top in range(40, 200, 30):
        crowded[top : top + 2, :150] = np.minimum(crowded[top : top + 2, :150], 180)
    assert np.mean(np.abs(read_digit(crowded) - expected)) < 0.01


def side_by_side(*digits):
    how = Picture(width=46, left=8)
    return np.concatenate([draw(ROUND[digit], how) for digit in digits], axis=1)


WRONG = {
    "is blank": np.full((50, 50), 200, np.uint8),
    "no digit stands out": np.random.default_rng(0).integers(0, 256, (60, 60)),
    "has 4 x 6 pixels": np.eye(6, 4),
    "has 1 pixel of ink": np.pad([[1]], 14),
    "shows 2 digits side by side": side_by_side(1, 1),
    "shows 3 digits": side_by_side(3, 0, 1),
    "is wider than a digit": draw([[(0, 0), (0.9, 0), (0.9, 0.2)]], Picture(left=30)),
}


@pytest.mark.parametrize("reason", WRONG)
def test_what_is_no_digit_is_refused(reason):
    good = draw(ROUND[1])
    with pytest.raises(DataError, match=f"image: ndarray 2: .*{reason}.*; "):
        read_digit(good, WRONG[reason])


def test_no_picture_and_inputs():
    with pytest.raises(ConfigError, match="at least one"):
        read_digit()
    picture = draw(ROUND[8])
    before = picture.copy()
    assert read_digit(picture, picture).shape == (2, 784)
    assert np.array_equal(picture, before)
    assert np.array_equal(read_digit(picture.tolist()), read_digit(picture))
    assert gpunet.read_digit is read_digit
    assert Dataset(read_digit(picture), [8]).x.flags.c_contiguous
