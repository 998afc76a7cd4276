"""Digits as people draw them: strokes by several hands, on paper, screens, photos."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

Line = list[tuple[float, float]]


def arc(x: float, y: float, rx: float, ry: float, start: float, end: float) -> Line:
    """Return a part of an ellipse; degrees go clockwise from the right."""
    angles = np.radians(np.linspace(start, end, 16))
    return [(x + rx * np.cos(a), y + ry * np.sin(a)) for a in angles]


# Polylines in a box one high, y downwards; the first hand writes as schools teach.
ROUND: dict[int, list[Line]] = {
    0: [arc(0.32, 0.5, 0.32, 0.5, -90, 270)],
    1: [[(0.1, 0.25), (0.35, 0.0), (0.35, 1.0)]],
    2: [[*arc(0.3, 0.28, 0.3, 0.28, -170, 30), (0.0, 1.0), (0.62, 1.0)]],
    3: [arc(0.27, 0.25, 0.28, 0.25, -150, 90), arc(0.27, 0.74, 0.33, 0.26, -90, 150)],
    4: [[(0.38, 0.0), (0.0, 0.62), (0.65, 0.62)], [(0.46, 0.3), (0.46, 1.0)]],
    5: [
        [(0.55, 0.0), (0.1, 0.0), (0.06, 0.45), *arc(0.25, 0.68, 0.33, 0.32, -120, 150)]
    ],
    6: [[(0.45, 0.0), (0.15, 0.35), *arc(0.3, 0.7, 0.28, 0.3, -180, 180)]],
    7: [[(0.0, 0.0), (0.6, 0.0), (0.2, 1.0)]],
    8: [arc(0.3, 0.25, 0.24, 0.25, 90, 450), arc(0.3, 0.74, 0.3, 0.25, -90, 270)],
    9: [[*arc(0.3, 0.28, 0.27, 0.28, 0, 360), (0.55, 0.4), (0.45, 1.0)]],
}
# The second hand, in tenths: straight strokes, a bar through the 7, an open 4.
ANGULAR: dict[int, list[Line]] = {
    digit: [[(x / 10, y / 10) for x, y in line] for line in lines]
    for digit, lines in {
        0: [[(3, 0), (0.5, 2), (0, 7), (2, 10), (5, 8.5), (5.8, 3), (3, 0)]],
        1: [[(2.5, 0), (2, 10)]],
        2: [[(0.2, 2), (2.5, 0), (5.5, 1.5), (4.5, 5), (0, 9.8), (6, 9.2)]],
        3: [[(0.5, 0.5), (5, 0), (2, 4.2), (5.5, 6.5), (3.5, 9.8), (0, 9.2)]],
        4: [[(0.5, 0), (0, 5), (6, 4.8)], [(5, 0.5), (4.5, 10)]],
        5: [
            [(1, 0), (0.5, 4.2), (4, 4.2), (5, 7.5), (2.5, 10), (0, 9.3)],
            [(1, 0.2), (6, 0)],
        ],
        6: [[(3.5, 0), (0.5, 5), (0.8, 9), (3.5, 10), (5, 7.5), (3, 5.5), (0.6, 7)]],
        7: [[(0, 0.5), (5.8, 0), (2.5, 10)], [(1.2, 5), (5.5, 4.7)]],
        8: [[(5, 1), (2, 0), (1, 2.5), (5, 7), (3, 10), (0.5, 8), (5, 1)]],
        9: [[(5, 1), (2, 0), (0.2, 3), (2.5, 5), (5.2, 1), (4.5, 8), (1, 10)]],
    }.items()
}


@dataclass(frozen=True)
class Picture:
    """How a digit is drawn: lengths in pixels, shades from 0 (black) to 1."""

    height: int = 120  # of the picture
    width: int = 120
    top: float = 30
    left: float = 40
    size: float = 60  # of the digit
    pen: float = 6
    slant: float = 0.0
    paper: float = 1.0
    ink: float = 0.0
    gradient: float = 0.0  # how much darker the paper is at the right and bottom
    noise: float = 0.0
    shadow: float = 0.0  # how much darker its paper is, beyond a slanting edge


def draw(strokes: Sequence[Line], how: Picture = Picture()) -> np.ndarray:
    """Return strokes as a gray picture, uint8, shape (height, width)."""
    rows, columns = np.mgrid[0.5 : how.height, 0.5 : how.width]
    distance = np.full((how.height, how.width), np.inf)
    for line in strokes:
        points = np.array(line) * how.size
        points[:, 0] += how.slant * (how.size - points[:, 1])
        points += how.left, how.top
        for (x0, y0), (x1, y1) in pairwise(points):
            dx, dy = x1 - x0, y1 - y0
            along = (columns - x0) * dx + (rows - y0) * dy
            along = np.clip(along / max(dx * dx + dy * dy, 1e-9), 0, 1)
            apart = np.hypot(columns - x0 - along * dx, rows - y0 - along * dy)
            distance = np.minimum(distance, apart)
    ink = np.clip(how.pen / 2 - distance + 0.5, 0, 1)
    shade = (
        columns / how.width + 0.7 * rows / how.height + 0.4 * (rows / how.height) ** 2
    )
    light = 1 - how.gradient * shade / 2.1
    light[columns / how.width + 0.5 * rows / how.height > 0.85] *= 1 - how.shadow
    picture = (how.paper * (1 - ink) + how.ink * ink) * light
    noise = np.random.default_rng(0).normal(0, how.noise, picture.shape)
    return np.rint(255 * np.clip(picture + noise, 0, 1)).astype(np.uint8)
