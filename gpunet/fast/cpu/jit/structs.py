"""What the kernels read and write: tables and flat arrays, by name."""

from typing import Any, NamedTuple

# Columns of the table of layers.
N_IN, N_OUT, WIDTH, W, B, ACTIVATION, ROWS, DRAWS, SPARSE, USED = range(10)


class LoweredNetwork(NamedTuple):
    """A network, its loss and its optimizer as numbers.

    `layers`, int64, has the columns above for each layer: sizes; length of a padded
    row; where W and b begin in the flat parameters; activation; where its rows begin
    in the workspace; dropout draws an example takes before it; whether the next layer
    reads its outputs as lists; how much of a padded row is computed. With
    `batch_penalty`, l2 is of a batch's summed cost, not of its mean, and half of it
    times the squared weights is added to the costs.
    """

    layers: Any
    alphas: Any  # slopes of leaky rectifiers
    dropout: Any  # probabilities of silence
    loss: int
    optimizer: int
    smoothing: Any  # a target t becomes smoothing[0] t + smoothing[1]
    square_factor: float  # of a squared error
    slope_factor: float  # of its slope, which is y - t otherwise
    labels: bool  # answers are labels, else rows of targets
    has_accuracy: bool = False
    compute_metrics: bool = True
    clip: float = 0.0  # if not 0, the cost keeps probabilities so far from 0 and 1
    batch_penalty: bool = False


class Examples(NamedTuple):
    """Training data: rows as lists (whole rows if `starts` is empty), and answers."""

    values: Any
    columns: Any
    starts: Any
    labels: Any
    targets: Any
    weight: Any


class MemberState(NamedTuple):
    """What a member's steps change: parameters, memory, sums; and its settings.

    Of several members every array has a leading axis.
    """

    P: Any
    M: Any
    V: Any
    loss: Any
    n_correct: Any
    grad_norm: Any
    hyper: Any
    l2: Any
    dropout_key: Any


class Workspace(NamedTuple):
    """The arrays of one step, shared by its threads.

    `values`, the second half of `A`, holds what the next layer reads (activations
    after dropout), whole or as lists with `columns` and `counts`; `mask` dropout's
    factors, 1 without it. `bounds` are the rows of each layer's W that each thread
    updates. `X` holds the batch where data have few zeros; `column_values` and what
    follows: see `first_layer.list_columns`. Each thread has two rows of `targets` (the
    second for `functions.log_sum`) and one of `W_transposed`. `squared_weights`, shape
    (1,) or None, sums the squared weights of all steps; `sync` is where threads meet.
    """

    A: Any
    D: Any
    values: Any
    mask: Any
    columns: Any
    counts: Any
    costs: Any
    correct: Any
    bounds: Any
    X: Any
    column_values: Any
    column_examples: Any
    column_starts: Any
    column_ends: Any
    column_bounds: Any
    targets: Any
    W_transposed: Any
    G: Any
    squared_weights: Any
    sync: Any


class LaneWorkspace(NamedTuple):
    """The arrays of a step of members in lanes; see `lanes`.

    `block` examples go through the network at once; their rows are `stride` vectors
    long. `T` holds targets, or labels as one-hot; `slope_factors`, `shrink` and `down`
    one vector each; `nothing` one of zeros; `offsets` where the members' examples
    begin; `flat` one member's gradient as the table of layers `rows` says.
    """

    A: Any
    D: Any
    Q: Any
    T: Any
    labels: Any
    weights: Any
    factors: Any
    top: Any
    total: Any
    best: Any
    costs: Any
    loss: Any
    more: Any
    slope_factors: Any
    shrink: Any
    down: Any
    nothing: Any
    offsets: Any
    flat: Any
    rows: Any
    block: int
    stride: int


class StepSpan(NamedTuple):
    """A span of steps: their examples one after the other, and what changes.

    Of several members, who see the same examples, `rates` has a leading axis. Of
    members in lanes, `order` has one, of 1 if all share it, and `rates` a last one.
    """

    order: Any
    batch_size: int
    rates: Any
    corrections: Any
    epoch: int
    first_step: int
    keep_norm: bool
