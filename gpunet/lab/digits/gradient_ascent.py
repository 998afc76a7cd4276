"""A digit drawn by the network itself: gradient ascent on the pixels.

The network that answers "3" to a three cannot draw one. Back-propagation goes one
step further than the weights, to the input, and the pixels climb until the wanted
output is near 1. What comes out is no digit: it is less like any digit of the
training set than real digits are like each other.

A pixel is sigma(u), so that it stays between 0 and 1, and u is what climbs.
"""

from pathlib import Path
from typing import Any

import numpy as np

from ...activations import sigmoid
from ...network import Network
from ...optimizers import Adam
from ...random import host_rng
from ...show.pictures import images
from ..checks import at_least, at_most, check, rounded
from .trained import sample, trained


def ascend(net: Network, u: np.ndarray, n_steps: int, rate: float) -> np.ndarray:
    """Return pixels that raise output k for row k of u, on the host.

    a_k is climbed by Adam's steps: u <- u + rate * (da_k/du), in Adam's scaling.

    Parameters
    ----------
    net : Network
        784 inputs, 10 outputs.
    u : array, shape (10, 784)
        Where the climb begins: logits of the pixels.
    """
    bk = net.backend
    # Slopes through neurons that are all but off are far below float32's reach.
    exact = {name: bk.array(bk.to_host(p), "float64") for name, p in net.params.items()}
    net = net.with_params(exact, dtype="float64")
    with bk.use():
        climb = {"u": bk.array(u, "float64")}
        up = bk.array(np.eye(10), "float64")
        adam = Adam(rate, eps=1e-30)
        adam.start(climb, bk)
        for _ in range(n_steps):
            x = sigmoid(climb["u"])  # (10, 784), one dream a row
            _, caches = net.forward(x)
            _, dx = net.backward(caches, up, wrt_input=True)
            adam.step(climb, {"u": -dx * x * (1.0 - x)})
        return bk.to_host(sigmoid(climb["u"]))


def nearest(x: np.ndarray, among: np.ndarray) -> tuple[np.ndarray, ...]:
    """Return each row's likeness and distance to the row of `among` most like it.

    Returns
    -------
    likeness : array, shape (n,)
        The cosine: 1 is the same picture, however faint; 0 shares no pixel.
    distance : array, shape (n,)
        Euclidean, to the nearest row by this measure.
    which : integer array, shape (n,), by likeness
    """
    dots = x.astype(np.float32) @ among.T
    square, other = np.sum(x * x, axis=1), np.sum(among * among, axis=1)
    cosine = dots / np.sqrt(np.maximum(other, 1e-12))
    which = cosine.argmax(axis=1)
    best = cosine[np.arange(len(x)), which] / np.sqrt(np.maximum(square, 1e-12))
    apart = np.min(square[:, None] - 2.0 * dots + other, axis=1)
    return best, np.sqrt(np.maximum(apart, 0.0)), which


def dream(
    *,
    device: str = "cpu",
    seed: int = 0,
    n_steps: int = 100,
    rate: float = 0.1,
    **training: Any,
) -> dict[str, Any]:
    """Let the trained network draw each digit by gradient ascent on its pixels.

    Parameters
    ----------
    n_steps : int
        Steps uphill.
    rate : float
        Size of a step, in the logits of the pixels.
    **training
        How the network is trained, or which one is taken: see `trained`.
    """
    it = trained(device, seed, **training)
    start = 0.02 + 0.02 * host_rng(seed, "check", 3).random((10, 784))  # near black
    pixels = ascend(it.net, np.log(start) - np.log1p(-start), n_steps, rate)
    before, own = (np.diag(it.net.predict(p)) for p in (start, pixels))
    train = sample(it.n_train)[0]
    like, far, which = nearest(pixels, train)
    usual, apart, _ = nearest(sample(500, test=True)[0], train)
    bar, n_sure = float(np.quantile(usual, 0.01)), int((own > 0.9).sum())
    return it.facts | {
        "output_before": rounded(before),
        "output_after": rounded(own),
        "above_0.9": n_sure,
        "likeness_to_nearest_digit": rounded(like, 3),
        "distance_to_nearest_digit": rounded(far, 2),
        "test_digits_likeness_median": round(float(np.median(usual)), 3),
        "test_digits_likeness_1_percent": round(bar, 3),
        "test_digits_distance_median": round(float(np.median(apart)), 2),
        "_pixels": pixels,
        "_nearest": train[which],
        "checks": [
            at_least("dreams that raise their output above .9", n_sure, 9),
            at_most("largest of these outputs before", float(before.max()), 0.9),
            check(
                "the likest any dream is to a digit",
                float(like.max()),
                f"< {bar:.3f} (99 % of real digits are above)",
                like.max() < bar,
            ),
        ],
    }


def draw_dream(result: dict, folder: Path) -> list[Path]:
    """Draw the ten dreams, and under each the nearest digit there is."""
    after, like = result["output_after"], result["likeness_to_nearest_digit"]
    dreams = [f'"{k}": {a:.2f}' for k, a in enumerate(after)]
    drawn, real = result["_pixels"], result["_nearest"]
    pictures = np.concatenate([drawn[:5], real[:5], drawn[5:], real[5:]])
    near = [f"{c:.0%} alike" for c in like]
    captions = dreams[:5] + near[:5] + dreams[5:] + near[5:]
    title = "What the network takes for 0 to 9, and below it the digit most alike"
    return [images(folder / "dream.png", pictures, captions, title=title, columns=5)]
