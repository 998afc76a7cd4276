"""Images moved by whole pixels."""

import numpy as np
import pytest

from gpunet.data import center_of_mass, read_mnist, shift_images
from gpunet.errors import ConfigError

TWO = np.arange(1, 19, dtype=np.uint8).reshape(2, 9)  # two images of 3 x 3


@pytest.fixture(scope="module")
def digits():
    return read_mnist().test.x


@pytest.mark.parametrize(
    ("shift", "expected"),
    [
        ((1, 0), [0, 0, 0, 1, 2, 3, 4, 5, 6]),
        ((-1, 0), [4, 5, 6, 7, 8, 9, 0, 0, 0]),
        ((0, 1), [0, 1, 2, 0, 4, 5, 0, 7, 8]),
        ((0, -1), [2, 3, 0, 5, 6, 0, 8, 9, 0]),
        ((0, 0), [1, 2, 3, 4, 5, 6, 7, 8, 9]),
        ((2, -1), [0, 0, 0, 0, 0, 0, 2, 3, 0]),
        ((-2, 2), [0, 0, 7, 0, 0, 0, 0, 0, 0]),
        ((3, 0), [0] * 9),
        ((-4, 1), [0] * 9),
        ((0, 10**12), [0] * 9),
    ],
)
def test_shift_images_by_hand(shift, expected):
    got = shift_images(TWO, [shift], side=3)
    assert got.dtype == np.uint8 and got.shape == (2, 9)
    assert got[0].tolist() == expected
    assert got[1].tolist() == [v + 9 if v else 0 for v in expected]


def test_shifts_follow_each_other_as_blocks():
    shifts = [(0, 0), (1, 0), (0, -1)]
    got = shift_images(TWO, shifts, side=3)
    assert got.shape == (6, 9)
    for i, shift in enumerate(shifts):
        assert np.array_equal(got[2 * i : 2 * i + 2], shift_images(TWO, [shift], 3))
    squares = TWO.reshape(2, 3, 3).astype(np.float32)
    again = shift_images(squares, np.array(shifts), side=3)
    assert again.dtype == np.float32 and np.array_equal(again, got)


def test_shift_images_agrees_with_nielsens_roll(digits):
    images = digits[:20]
    moves = [(1, 0, 0, 0), (-1, 0, 0, 27), (1, 1, 1, 0), (-1, 1, 1, 27)]
    for d, axis, zero_axis, index in moves:
        rolled = np.roll(images.reshape(-1, 28, 28), d, axis + 1)
        rolled[(slice(None),) * (zero_axis + 1) + (index,)] = 0
        shift = [(d, 0), (0, d)][axis]
        assert np.array_equal(shift_images(images, [shift]), rolled.reshape(-1, 784))


def test_input_stays_and_output_is_new():
    before = TWO.copy()
    got = shift_images(TWO, [(0, 0)], side=3)
    centered = center_of_mass(TWO, side=3)
    got[:] = centered[:] = 0
    assert np.array_equal(TWO, before)


@pytest.mark.parametrize("shifts", [[], (1, 0), [(1, 0, 0)], [(0.5, 0)], "up", None])
def test_invalid_shifts_are_refused(shifts):
    with pytest.raises(ConfigError, match="shifts must be pairs of integers"):
        shift_images(TWO, shifts, side=3)


def test_invalid_images_are_refused():
    for call in (center_of_mass, lambda x: shift_images(x, [(0, 1)])):
        with pytest.raises(ConfigError, match=r"28 x 28, got x of shape \(2, 9\)"):
            call(TWO)


def test_center_of_mass_moves_a_dot_to_the_middle():
    x = np.zeros((4, 5, 5), np.uint8)
    x[0, 0, 3] = 9
    x[1, 4, 4] = 1
    x[2, 2, 2] = 7  # and x[3] is empty
    got = center_of_mass(x, side=5).reshape(4, 5, 5)
    assert got.dtype == np.uint8
    assert got[:, 2, 2].tolist() == [9, 1, 7, 0]
    assert np.sum(got) == np.sum(x)


def test_center_of_mass_weighs_by_value():
    x = np.zeros((1, 28, 28))
    x[0, 4, 10], x[0, 8, 10] = 3, 1  # the mass lies in row 5
    got = center_of_mass(x).reshape(28, 28)
    assert np.argwhere(got).tolist() == [[13, 14], [17, 14]]
    assert got[13, 14] == 3


def test_half_a_pixel_is_rounded_alike_everywhere():
    x = np.zeros((3, 8, 8), np.uint8)
    for i in range(3):
        x[i, 0, [i, i + 1]] = 1  # the mass lies half way, at i + 0.5
    got = center_of_mass(x, side=8).reshape(3, 8, 8)
    assert np.array_equal(got[0], got[1]) and np.array_equal(got[1], got[2])
    assert np.argwhere(got[0]).tolist() == [[4, 3], [4, 4]]


def test_digits_of_mnist_are_centered_already(digits):
    assert np.array_equal(center_of_mass(digits), digits)


def mass_center(x):
    grid = np.indices((28, 28)).reshape(2, 784)
    return x @ grid.T / np.sum(x, axis=1, dtype=float)[:, None]


@pytest.mark.parametrize("shift", [(3, -2), (-4, 4), (1, 1)])
def test_shifted_digit_comes_back(digits, shift):
    moved = shift_images(digits, [shift])
    back = center_of_mass(moved)
    assert np.max(np.abs(mass_center(back) - mass_center(digits))) <= 1
    # Bit for bit, unless a stroke left the frame on the way.
    whole = np.sum(moved, axis=1, dtype=int) == np.sum(digits, axis=1, dtype=int)
    assert np.mean(whole) > 0.7
    assert np.array_equal(back[whole], digits[whole])
