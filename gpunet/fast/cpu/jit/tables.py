"""What the kernels are told: tables and flat arrays, by name."""

from typing import Any, NamedTuple

# Columns of the table of layers.
N_IN, N_OUT, WIDTH, W, B, FUNCTION, ROWS, DRAWS, LISTED, PART = range(10)


class Plan(NamedTuple):
    """A network as numbers.

    Attributes
    ----------
    table : int64 array, shape (layers, 10)
        See the columns above: sizes, length of a padded row, places of W and b in the
        flat parameters, activation, place of its rows in the work space, how many
        dropout draws an example takes before it, whether the next layer reads lists,
        and how much of a padded row is computed.
    alphas, drop : arrays, shape (layers,)
        Slope of a leaky rectifier; probability of silence.
    loss, optimizer : int
    soften : array, shape (2,)
        A target t becomes soften[0] t + soften[1].
    squares : float, factor of a squared error
    steep : float, factor of its slope, which is y - t otherwise
    clip : float
        Probabilities count as neither 0 nor 1, but as so far from them in the cost;
        0 if they count as they are.
    whole : bool
        Whether l2 is of a batch's whole cost, not of its mean, and half of it times
        the squared weights is counted with the costs.
    labels : bool
        Whether answers are labels (else rows of targets).
    counts, track : bool
    decides_one : bool
        A single output on logits is right or wrong by its sign.
    """

    table: Any
    alphas: Any
    drop: Any
    loss: int
    optimizer: int
    soften: Any
    squares: float
    steep: float
    clip: float
    whole: bool
    labels: bool
    counts: bool
    track: bool


class Rows(NamedTuple):
    """Training data: rows as lists (or whole, if `start` is empty), and answers."""

    val: Any
    idx: Any
    start: Any
    labels: Any
    targets: Any
    weight: Any


class State(NamedTuple):
    """What a member's steps change: parameters, memory, sums; and its settings.

    Of several members every array has a leading axis.
    """

    P: Any
    M: Any
    V: Any
    loss: Any
    correct: Any
    grad_norm: Any
    h: Any
    l2: Any
    key: Any


class Work(NamedTuple):
    """Room for a step's numbers, shared by the threads of a team.

    `val` holds what the next layer reads (activations, silenced by dropout), as
    lists with `idx` and `count` or whole; `mask` dropout's factors, 1 without it.
    `bounds` are the rows of each layer's W that each thread moves. X holds the
    examples where data have few zeros; `turned` and what follows: see `turn`. F has
    a thread's room for the transpose of narrow weights; `squared`, shape (1,) or
    None, sums up the squared weights of all steps.
    """

    A: Any
    D: Any
    val: Any
    mask: Any
    idx: Any
    count: Any
    lost: Any
    hits: Any
    bounds: Any
    X: Any
    turned: Any
    owner: Any
    ends: Any
    next: Any
    lows: Any
    T: Any
    F: Any
    G: Any
    squared: Any
    sync: Any


class Task(NamedTuple):
    """A span: the examples of its steps one after the other, and what changes.

    Of several members, who see the same examples, `rates` has a leading axis.
    """

    order: Any
    batch: int
    rates: Any
    corrections: Any
    epoch: int
    first: int
    norm: bool
