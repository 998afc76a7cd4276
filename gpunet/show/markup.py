"""HTML that a notebook displays: tables, images, and curves as SVG.

No scripts and no files, all text escaped. Text has the page's own color, so that it is
readable in light and dark themes.
"""

import base64
from collections.abc import Iterable, Sequence
from html import escape
from math import inf, isfinite
from typing import Any

from ..io.messages import printable
from .digits_png import gray_png
from .style import BLUE, GREEN, ORANGE

Points = Sequence[tuple[float, float]]
MOST_ROWS = 40
FAR = 4.0  # times the highest main line: what is above is cut
_LONGEST = 60  # characters of a cell
_MOST_POINTS, _MOST_LINES = 80, 25  # of a chart: they keep it below 100 kB
_WIDTH, _HEIGHT, _LEFT, _TOP, _BOTTOM = 340, 190, 52, 24, 20


class Html(str):
    """Text that is HTML already, so that `cell` does not escape it."""


def cell(value: Any) -> str:
    """Return a value of a table as HTML: numbers short, texts escaped."""
    if isinstance(value, Html):
        return value
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return escape(printable("" if value is None else str(value), _LONGEST))


def block(title: str, *parts: str) -> str:
    """Return a title and what is below it as one element."""
    return f"<div><p><b>{escape(printable(title, 200))}</b></p>{''.join(parts)}</div>"


def note(text: str) -> str:
    """Return a sentence below a table."""
    return f"<p>{escape(printable(text, 300))}</p>"


def table(columns: Sequence[Any], rows: Iterable[Sequence[Any]]) -> Html:
    """Return a table; of more than 40 rows it says how many more there are."""
    rows = list(rows)
    head = "".join(f"<th>{cell(name)}</th>" for name in columns)
    body = "".join(
        f"<tr>{''.join(f'<td>{cell(value)}</td>' for value in row)}</tr>"
        for row in rows[:MOST_ROWS]
    )
    hidden = len(rows) - MOST_ROWS
    more = f"<p>... and {hidden:,} more</p>" if hidden > 0 else ""
    whole = f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody>"
    return Html(f"<table>{whole}</table>{more}")


def verdict(ok: bool) -> Html:
    """Return "ok" in green or "FAILED" in orange."""
    color, word = (GREEN, "ok") if ok else (ORANGE, "FAILED")
    return Html(f'<b style="color:{color}">{word}</b>')


def image(pixels: Any, text: str) -> Html:
    """Return gray uint8 pixels, shape (height, width), as an image in the page."""
    data = base64.b64encode(gray_png(pixels)).decode()
    return Html(f'<img alt="{cell(text)}" src="data:image/png;base64,{data}">')


def chart(title: str, x_label: str, lines: dict[str, list[Points]]) -> Html:
    """Return a chart of at most two groups of lines, or nothing without a point.

    `lines` has for each name its main line, and then the thin lines of its members.
    """
    highest = max((y for main, *_ in lines.values() for _, y in main), default=0.0)
    top = FAR * highest if highest > 0 else inf
    points = [p for group in lines.values() for line in group for p in line]
    points = [(x, y) for x, y in points if isfinite(y)]
    if not points:
        return Html()
    if any(y > top for _, y in points):  # one member would flatten the rest
        title = f"{title} (cut at {top:.3g})"
    frame = _Frame([(x, y) for x, y in points if y <= top])
    drawn, right = [], _WIDTH - 4
    for (name, (main, *members)), color in zip(
        lines.items(), (BLUE, ORANGE), strict=False
    ):
        for line in _some(members, _MOST_LINES):
            drawn.append(frame.polyline([p for p in line if p[1] <= top], color, 0.4))
        drawn.append(frame.polyline(main, color, 2))
        if main:
            label = f'<text x="{right}" y="15" fill="{color}" text-anchor="end">'
            drawn.append(f"{label}{cell(name)}</text>")
            right -= 8 * len(name)
    size = f'width="{_WIDTH}" height="{_HEIGHT}" viewBox="0 0 {_WIDTH} {_HEIGHT}"'
    font = 'font-family="sans-serif" font-size="12" fill="currentColor"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" role="img" {size} {font}>'
    name = f'<text x="{_LEFT}" y="15" font-weight="bold">{cell(title)}</text>'
    return Html(f"{head}{name}{frame.axes(x_label)}{''.join(drawn)}</svg>")


class _Frame:
    """Where the numbers of a chart are on the page."""

    def __init__(self, points: Points) -> None:
        self.x, self.y = (
            (min(numbers), max(numbers)) for numbers in zip(*points, strict=True)
        )

    def place(self, x: float, y: float) -> str:
        """Return "x,y" in pixels."""
        (x0, x1), (y0, y1) = self.x, self.y
        right = (x - x0) / ((x1 - x0) or 1.0) * (_WIDTH - _LEFT - 8)
        height = _HEIGHT - _TOP - _BOTTOM
        up = (y - y0) / ((y1 - y0) or 1.0) * height
        return f"{_LEFT + right:.0f},{_TOP + height - up:.1f}"

    def polyline(self, line: Points, color: str, width: float) -> str:
        """Return one line; of more than 80 points some are left out."""
        known = [(x, y) for x, y in line if isfinite(y)]
        if len(known) == 1:
            known *= 2
        places = " ".join(self.place(x, y) for x, y in _some(known, _MOST_POINTS))
        look = f'fill="none" stroke="{color}" stroke-width="{width}"'
        return f'<polyline {look} stroke-linecap="round" points="{places}"/>'

    def axes(self, x_label: str) -> str:
        """Return the two axes with their first and last numbers."""
        bottom, right = _HEIGHT - _BOTTOM, _WIDTH - 8
        path = f"M{_LEFT} {_TOP}V{bottom}H{right}"
        texts = [
            (_LEFT - 4, _TOP + 8, "end", f"{self.y[1]:.3g}"),
            (_LEFT - 4, bottom, "end", f"{self.y[0]:.3g}"),
            (_LEFT, bottom + 15, "middle", f"{self.x[0]:g}"),
            ((_LEFT + right) / 2, bottom + 15, "middle", x_label),
            (right, bottom + 15, "end", f"{self.x[1]:g}"),
        ]
        return f'<path d="{path}" fill="none" stroke="currentColor"/>' + "".join(
            f'<text x="{x}" y="{y}" text-anchor="{anchor}">{cell(text)}</text>'
            for x, y, anchor, text in texts
        )


def _some(items: Sequence[Any], most: int) -> Sequence[Any]:
    """Return at most so many items, spread evenly, with the first and the last."""
    if len(items) <= most:
        return items
    return [items[round(k * (len(items) - 1) / (most - 1))] for k in range(most)]
