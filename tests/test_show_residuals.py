"""The residual picture: drawn for few rows, for many and for odd names."""

import numpy as np
import pytest
from helpers import normal

pytest.importorskip("matplotlib")

from gpunet.errors import WriteError
from gpunet.show.residuals import draw_residuals


@pytest.mark.parametrize("n", [1, 2, 20_000])
def test_residuals_are_drawn(tmp_path, n):
    t = normal(0, n, 1)
    path = draw_residuals(
        tmp_path / "r.png", t + 0.1 * normal(1, n, 1), t, "a $x^{\u5024"
    )
    content = path.read_bytes()
    assert content.startswith(b"\x89PNG") and len(content) < 300_000
    width, height = (int.from_bytes(content[k : k + 4], "big") for k in (16, 20))
    assert (width, height) == (800, 400)


def test_residuals_of_perfect_answers_are_drawn(tmp_path):
    t = np.ones((5, 1))
    assert draw_residuals(tmp_path / "r.png", t, t).exists()


def test_residuals_that_cannot_be_written_are_refused(tmp_path):
    with pytest.raises(WriteError):
        draw_residuals(tmp_path / "no" / "r.png", np.ones(3), np.arange(3.0))
