"""A digit drawn by the network itself: gradient ascent on the pixels.

Back-propagation goes one step further than the weights, to the input, and the pixels
climb until one output is near 1. What comes out is less like any digit of the training
set than real digits are like each other.
"""

from typing import Any

import numpy as np

from ...activations import sigmoid
from ...network import Network
from ...optimizers import Adam
from ...random import host_rng
from ...show.pictures import images
from ...show.style import Figure
from ..checks import Result, at_least, at_most, check, rounded
from .trained import sample, trained


def ascend(net: Network, u: np.ndarray, n_steps: int, rate: float) -> np.ndarray:
    """Return pixels that raise output k for row k of u, on the host.

    u, shape (10, 784), are the pixels' logits, so that these stay between 0 and 1:
    u <- u + rate * (da_k/du), in Adam's scaling.
    """
    bk = net.backend
    # Slopes through neurons that are all but off are far below float32's reach.
    exact = {name: bk.array(bk.to_host(p), "float64") for name, p in net.params.items()}
    net = net.with_params(exact, dtype="float64")
    with bk.use():
        params: dict[str, Any] = {"u": bk.array(u, "float64")}
        dy = bk.array(np.eye(10), "float64")
        adam = Adam(rate, eps=1e-30)
        adam.start(params, bk)
        for _ in range(n_steps):
            x = sigmoid(params["u"])  # (10, 784), one picture a row
            gradients: Any = net.backward(net.forward(x)[1], dy, wrt_input=True)
            adam.step(params, {"u": -gradients[1] * x * (1.0 - x)})  # 1: dx
        return bk.to_host(sigmoid(params["u"]))


def nearest(x: np.ndarray, among: np.ndarray) -> tuple[np.ndarray, ...]:
    """Return (cosine, distance, row) of what is most like each x, shapes (n,).

    A cosine of 1 is the same picture, however faint; 0 shares no pixel. The distance
    is Euclidean, to the nearest row by that measure; `row` is by the cosine.
    """
    dots = x.astype(np.float32) @ among.T
    square, other = np.sum(x * x, axis=1), np.sum(among * among, axis=1)
    cosines = dots / np.sqrt(np.maximum(other, 1e-12))
    row = cosines.argmax(axis=1)
    cosine = cosines[np.arange(len(x)), row] / np.sqrt(np.maximum(square, 1e-12))
    distance = np.min(square[:, None] - 2.0 * dots + other, axis=1)
    return cosine, np.sqrt(np.maximum(distance, 0.0)), row


def dream(
    *,
    device: str = "cpu",
    seed: int = 0,
    n_steps: int = 100,
    rate: float = 0.1,
    **training: Any,
) -> Result:
    """Let the trained network draw each digit by gradient ascent on its pixels.

    n_steps: Steps uphill.
    rate: Size of a step, in the logits of the pixels.
    """
    reader = trained(device, seed, **training)
    start = 0.02 + 0.02 * host_rng(seed, "check", 3).random((10, 784))  # near black
    pixels = ascend(reader.net, np.log(start) - np.log1p(-start), n_steps, rate)
    before, after = (np.diag(reader.net.predict(x)) for x in (start, pixels))
    train = sample(reader.n_train)[0]
    cosine, distance, row = nearest(pixels, train)
    usual_cosine, usual_distance, _ = nearest(sample(500, test=True)[0], train)
    limit = float(np.quantile(usual_cosine, 0.01))
    n_sure, most = int((after > 0.9).sum()), float(cosine.max())
    target = f"< {limit:.3f} (99 % of real digits are above)"
    return reader.facts | {
        "output_before": rounded(before),
        "output_after": rounded(after),
        "above_0.9": n_sure,
        "likeness_to_nearest_digit": rounded(cosine, 3),
        "distance_to_nearest_digit": rounded(distance, 2),
        "test_digits_likeness_median": round(float(np.median(usual_cosine)), 3),
        "test_digits_likeness_1_percent": round(limit, 3),
        "test_digits_distance_median": round(float(np.median(usual_distance)), 2),
        "_pixels": pixels,
        "_nearest": train[row],
        "checks": [
            at_least("dreams that raise their output above .9", n_sure, 9),
            at_most("largest of these outputs before", float(before.max()), 0.9),
            check("the likest any dream is to a digit", most, target, most < limit),
        ],
    }


def draw_dream(result: Result) -> dict[str, Figure]:
    """Draw the ten pictures, and under each the nearest digit there is."""
    drawn, real = result["_pixels"], result["_nearest"]
    pictures = np.concatenate([drawn[:5], real[:5], drawn[5:], real[5:]])
    above = [f'"{k}": {output:.2f}' for k, output in enumerate(result["output_after"])]
    below = [f"{cosine:.0%} alike" for cosine in result["likeness_to_nearest_digit"]]
    captions = above[:5] + below[:5] + above[5:] + below[5:]
    title = "What the network takes for 0 to 9, and below it the digit most alike"
    return {"dream": images(pictures, captions, title=title, columns=5)}
