"""Back-propagation by hand: plain Python floats, no arrays, read this first.

Four networks small enough to follow with a pencil: a weighted sum that learns,
four neurons in a row, two layers with six weights, and four people. The library
does the same on arrays; `library.py` shows that not a digit differs.
"""

from math import exp

Pair = tuple[float, float]
Floats = list[float] | tuple[float, ...]


def sigmoid(z: float) -> float:
    """Return 1 / (1 + e^-z): any number becomes one between 0 and 1."""
    if z < 0:  # e^1000 is too large for a float, e^-1000 is 0: the same by e^z / e^z
        return exp(z) / (exp(z) + 1)
    return 1 / (1 + exp(-z))


def slope(a: float) -> float:
    """Return the sigmoid's slope where its value is a: a (1 - a)."""
    return a * (1 - a)


# --- A weighted sum: yhat = w1 x1 + w2 x2 + b, loss (yhat - y)^2 ---------------


def predict(w: Floats, b: float, x: Floats) -> float:
    """Return the weighted sum of the inputs plus the bias."""
    return sum(wi * xi for wi, xi in zip(w, x, strict=True)) + b


def learn_line(
    points: list[tuple[Pair, float]], w: Floats, b: float, rate: float, rounds: int
) -> tuple[Floats, float]:
    """Return (w, b) after `rounds` times through points (x, y), one at a time."""
    for _ in range(rounds):
        for x, y in points:
            d = 2 * (predict(w, b, x) - y)  # d loss / d yhat
            w = [wi - rate * d * xi for wi, xi in zip(w, x, strict=True)]
            b = b - rate * d
    return w, b


def parabola_features(x: float) -> Pair:
    """Return (x^2, x): w1 x^2 + w2 x + b is a straight sum of these two."""
    return (x * x, x)


# --- Four neurons in a row (3Blue1Brown): a(l) = sigma(w(l) a(l-1) + b(l)) -----


def chain_forward(w: Floats, b: Floats, a0: float) -> list[float]:
    """Return the activations of a chain, a0 first."""
    a = [a0]
    for wl, bl in zip(w, b, strict=True):
        a.append(sigmoid(wl * a[-1] + bl))
    return a


def chain_gradients(
    w: Floats, b: Floats, a0: float, y: float
) -> tuple[list[float], list[float]]:
    """Return (dw, db) of the cost (a(L) - y)^2, each factor of the chain rule."""
    a = chain_forward(w, b, a0)
    dw: list[float] = []
    db: list[float] = []
    da = 2 * (a[-1] - y)  # dC0/da(L)
    for layer in range(len(w), 0, -1):
        dz = da * slope(a[layer])  # times da/dz
        dw.insert(0, dz * a[layer - 1])  # times dz/dw
        db.insert(0, dz)  # times dz/db = 1
        da = dz * w[layer - 1]  # times dz/da(l-1): one neuron back
    return dw, db


# --- Two inputs, two hidden neurons, one output --------------------------------
#
#   x1 --w1--> h1    x1 --w3--> h2    h1 --w5--> a1
#   x2 --w2--> h1    x2 --w4--> h2    h2 --w6--> a1


def forward(w: Floats, b: Floats, x: Pair) -> tuple[float, float, float]:
    """Return (h1, h2, a1) for w1..w6, b1..b3 and x1, x2, as in the diagram."""
    w1, w2, w3, w4, w5, w6 = w
    h1 = sigmoid(x[0] * w1 + x[1] * w2 + b[0])
    h2 = sigmoid(x[0] * w3 + x[1] * w4 + b[1])
    a1 = sigmoid(h1 * w5 + h2 * w6 + b[2])
    return h1, h2, a1


def gradients(
    w: Floats, b: Floats, x: Pair, y: float
) -> tuple[list[float], list[float]]:
    """Return (dw1..dw6, db1..db3) of the loss (y - a1)^2."""
    h1, h2, a1 = forward(w, b, x)
    do = -2 * (y - a1) * slope(a1)  # dL/da1 . da1/do1
    dn1 = do * w[4] * slope(h1)  # . do1/dh1 . dh1/dn1
    dn2 = do * w[5] * slope(h2)  # . do1/dh2 . dh2/dn2
    dw = [dn1 * x[0], dn1 * x[1], dn2 * x[0], dn2 * x[1], do * h1, do * h2]
    return dw, [dn1, dn2, do]  # a bias has the same factors but the last


def swap(w: Floats) -> list[float]:
    """Return w1..w6 under the labels of the notes' formulas: x1 w4 + x2 w3, ...

    Their gradients use the diagram's labels; the two sets do not fit together.
    """
    w1, w2, w3, w4, w5, w6 = w
    return [w1, w2, w4, w3, w6, w5]


# --- Four people: weight - 135 lb and height - 66 in tell who is who -----------

PEOPLE = {
    "Alice": ((-2, -1), 1),
    "Bob": ((25, 6), 0),
    "Charlie": ((17, 4), 0),
    "Diana": ((-15, -6), 1),
}
STRANGERS = {"Emily": (-7, -3), "Frank": (20, 2)}


def learn_people(
    w: Floats, b: Floats, rate: float = 0.1, rounds: int = 1000
) -> tuple[Floats, Floats]:
    """Return (w, b) after `rounds` times through the people, in order."""
    for _ in range(rounds):
        for x, y in PEOPLE.values():
            dw, db = gradients(w, b, x, y)
            w = [wi - rate * d for wi, d in zip(w, dw, strict=True)]
            b = [bi - rate * d for bi, d in zip(b, db, strict=True)]
    return w, b


def people_loss(w: Floats, b: Floats) -> float:
    """Return the mean of (y - a1)^2 over the four people."""
    costs = [(y - forward(w, b, x)[2]) ** 2 for x, y in PEOPLE.values()]
    return sum(costs) / len(costs)
