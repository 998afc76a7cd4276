"""The residual picture: drawn for few rows, for many and for odd names."""

import numpy as np
import pytest
from helpers import normal

pytest.importorskip("matplotlib")

from gpunet.errors import WriteError
from gpunet.show.residuals import draw_residuals
from gpunet.show.style import save_png, to_png


@pytest.mark.parametrize("n", [1, 2, 20_000])
def test_residuals_are_drawn(n):
    t = normal(0, n, 1)
    content = to_png(draw_residuals(t + 0.1 * normal(1, n, 1), t, "a $x^{\u5024"))
    assert content.startswith(b"\x89PNG") and len(content) < 300_000
    width, height = (int.from_bytes(content[k : k + 4], "big") for k in (16, 20))
    assert (width, height) == (800, 400)


def test_residuals_of_perfect_answers_are_drawn():
    t = np.ones((5, 1))
    assert to_png(draw_residuals(t, t))


def test_residuals_that_cannot_be_written_are_refused(tmp_path):
    with pytest.raises(WriteError):
        save_png(draw_residuals(np.ones(3), np.arange(3.0)), tmp_path / "no" / "r.png")
