"""The ladder: every experiment by name, in the order in which one learns.

An experiment is a function `name(*, device="cpu", seed=0, **own) -> dict` of
numbers, lists and texts that JSON can hold, with an entry "checks": what must
come out, what came out, and whether that is so. Beside it its module may hold
`draw_name(result, folder) -> list of paths` for pictures and `show_name(result)`
for the print. This file loads nothing, so that a list of names is instant.
"""

from dataclasses import dataclass
from difflib import get_close_matches

from ..errors import ConfigError


@dataclass(frozen=True)
class Experiment:
    """One rung of the ladder.

    Attributes
    ----------
    name : str
        What the command line says; words joined by hyphens.
    title : str
        One line for the list.
    place : str
        Module and function, "gpunet.lab.neuron:perceptron".
    rows : tuple of str
        The rows of the notes' table that it shows.
    seconds : int
        About how long it takes on two cores.
    """

    name: str
    title: str
    place: str
    rows: tuple[str, ...]
    seconds: int = 1


def _rung(module: str, function: str, title: str, rows: str, seconds: int = 1):
    name = function.replace("_", "-")
    place = f"gpunet.lab.{module}:{function}"
    return Experiment(name, title, place, tuple(rows.split()), seconds)


LADDER: tuple[Experiment, ...] = (
    # One neuron (Albahari's talk).
    _rung("neuron", "perceptron", "one neuron with a comparator", "S1.1 S1.2 S1.5"),
    _rung("neuron", "nand", "a NAND gate from two weights and a bias", "S1.3 S1.4"),
    _rung("circuits", "circuits", "XOR, adders and the rest from NANDs alone", "S1.3"),
    _rung("neuron", "comparator", "why a comparator cannot learn", "S1.6 S1.7"),
    _rung("neuron", "losses", "four small errors against one large", "S1.12 S1.13"),
    _rung("neuron", "learn_nand", "NAND learned from examples, 200 seeds", "S1.8", 5),
    _rung("timing", "activation_cost", "what a sigmoid costs, and a ReLU", "S1.9", 3),
    # By hand: plain floats against the library.
    _rung("hand_checks", "features", "one linear layer fits a parabola", "S2.2"),
    _rung("hand_checks", "line", "linear regression, one point at a time", "S0.10"),
    _rung(
        "hand_checks", "by_hand", "a 2-2-1 network, nine gradients", "S2.4 S2.5 S2.6"
    ),
    _rung("hand_checks", "chain", "four neurons in a row", "S3.24"),
    _rung("hand_checks", "alice", "a network learns from four people", "S2.10", 2),
    # Explain: every factor of the chain rule.
    _rung("explain", "explain", "every factor of every derivative", "S0.8 S3.25"),
    _rung("wishes", "nudges", "three ways to raise an output", "S3.20 S3.21", 5),
    _rung("wishes", "desires", "wishes summed one layer back", "S3.22", 5),
    _rung("wishes", "votes", "votes are minus the gradient", "1c"),
    # Descent: downhill in one, two and many dimensions.
    _rung("descent", "curve", "C(w): the start decides the minimum", "S3.9"),
    _rung("descent", "surface", "C(x, y): the gradient is steepest", "S3.10 S3.11"),
    _rung("descent_digits", "importance", "large gradients matter more", "S3.11", 5),
    _rung("descent", "paths", "mini-batches against the full batch", "S3.23", 5),
    _rung("descent_digits", "quiz", "the lessons' own questions", "S3.26", 5),
    # Digits: what a trained network does, and does not do.
    _rung("detectors", "detectors", "edges and loops by hand", "S3.4 S3.5", 3),
    _rung("digits", "neuron", "a neuron is a function", "S3.7", 3),
    _rung("digits", "cost", "what an untrained network costs", "S3.1 S3.8", 8),
    _rung("digits", "confusion", "which digits are taken for which", "S3.3", 8),
    _rung("digits", "mistakes", "confident mistakes, sure successes", "1c", 8),
    _rung("looks", "weight_images", "what hidden neurons look for", "S3.13", 8),
    _rung("looks", "noise", "noise is called a digit", "S3.14", 10),
    _rung("dreams", "dream", "a digit drawn by gradient ascent", "S3.15", 8),
    _rung("sweeps", "sizes", "deeper, wider: mean and spread", "S3.2", 15),
    _rung("race", "sigmoid_or_relu", "which is faster, which dies", "S3.6", 12),
    _rung("sweeps", "gradient_by_layer", "gradients vanish with depth", "S3.6", 3),
    # Olah: a network bends the plane.
    _rung("manifolds", "disc_in_ring", "a disc in a ring, by width", "S3.19", 8),
    _rung("manifolds", "boundaries", "moons, spirals and blobs", "S3.19", 3),
    _rung("diagnosis", "diagnose", "sick networks and their remedies", "S3.6", 5),
    # The papers, in small.
    _rung("memorization", "memorization", "random labels", "S3.16 S3.18", 20),
    _rung("surfaces", "surfaces", "where 200 starts end", "S3.17", 25),
)


def find(name: str) -> Experiment:
    """Return the experiment of that name; hyphens and underscores are alike.

    Raises
    ------
    ConfigError
        There is none; the message names the nearest.

    Examples
    --------
    >>> find("learn_nand").name
    'learn-nand'
    """
    table = {rung.name: rung for rung in LADDER}
    wanted = name.strip().lower().replace("_", "-")
    if wanted in table:
        return table[wanted]
    near = get_close_matches(wanted, [*table, "all"], n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else "run it without a name"
    raise ConfigError(f"lab: {name[:60]!r}: no such experiment; {hint}")
