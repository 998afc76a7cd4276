"""Every experiment by name, in the order in which one learns.

An experiment is a function `name(*, device="cpu", seed=0, **options) -> dict` of
numbers, lists and texts that JSON can hold; its docstring has a line "option: text"
for each option that `OPTIONS` does not explain. Names that begin with "_" are for
its pictures alone, "checks" lists what must come out and whether it did. Its module
may also hold `draw_name(result) -> {file name: Figure}` and `show_name(result)`.
"""

from dataclasses import dataclass
from pathlib import Path

from ..errors import ConfigError
from ..io.messages import nearest

NOTEBOOKS = Path(__file__).parent / "notebooks"


@dataclass(frozen=True)
class Experiment:
    """One experiment of the lab."""

    target: str  # module and function, "gpunet.lab.neuron.perceptron:perceptron"
    title: str  # one line for the list
    seconds: int = 1  # about how long it takes on two cores

    @property
    def name(self) -> str:
        """The name on the command line: the function's, joined by hyphens."""
        return self.target.partition(":")[2].replace("_", "-")


_TABLE = (
    # One neuron (Albahari's talk).
    ("neuron.perceptron:perceptron", "one neuron with a comparator", 1),
    ("neuron.perceptron:nand", "a NAND gate from two weights and a bias", 1),
    ("neuron.circuits:circuits", "XOR, adders and the rest from NANDs alone", 1),
    ("neuron.perceptron:comparator", "why a comparator cannot learn", 1),
    ("neuron.perceptron:losses", "four small errors against one large", 1),
    ("neuron.perceptron:learn_nand", "NAND learned from examples, 200 seeds", 5),
    ("neuron.timing:activation_cost", "what a sigmoid costs, and a ReLU", 3),
    # By hand: plain floats against the library.
    ("by_hand.library:features", "one linear layer fits a parabola", 1),
    ("by_hand.library:line", "linear regression, one point at a time", 1),
    ("by_hand.library:by_hand", "a 2-2-1 network, nine gradients", 1),
    ("by_hand.library:chain", "four neurons in a row", 1),
    ("by_hand.library:alice", "a network learns from four people", 2),
    # The chain rule, factor by factor, and the changes it asks for.
    ("chain_rule.explain:explain", "every factor of every derivative", 1),
    ("chain_rule.desired_changes:nudges", "three ways to raise an output", 5),
    ("chain_rule.desired_changes:desires", "desired changes summed one layer back", 5),
    ("chain_rule.desired_changes:votes", "votes are minus the gradient", 1),
    # Descent: downhill in one, two and many dimensions.
    ("descent.landscapes:curve", "C(w): the start decides the minimum", 1),
    ("descent.landscapes:surface", "C(x, y): the gradient is steepest", 1),
    ("descent.importance:importance", "large gradients matter more", 5),
    ("descent.landscapes:paths", "mini-batches against the full batch", 5),
    ("descent.importance:quiz", "the lessons' own questions", 5),
    # Digits: what a trained network does, and does not do.
    ("digits.detectors:detectors", "edges and loops by hand", 3),
    ("digits.answers:neuron", "a neuron is a function", 3),
    ("digits.answers:cost", "what an untrained network costs", 8),
    ("digits.answers:confusion", "which digits are taken for which", 8),
    ("digits.answers:mistakes", "confident mistakes, sure successes", 8),
    ("digits.detectors:weight_images", "what hidden neurons look for", 8),
    ("digits.answers:noise", "noise is called a digit", 10),
    ("digits.gradient_ascent:dream", "a digit drawn by gradient ascent", 8),
    ("digits.sweeps:sizes", "deeper, wider: mean and spread", 15),
    ("digits.sweeps:sigmoid_or_relu", "which is faster, which dies", 12),
    ("digits.sweeps:gradient_by_layer", "gradients vanish with depth", 3),
    # Olah: a network bends the plane.
    ("manifolds.bending:disc_in_ring", "a disc in a ring, by width", 8),
    ("manifolds.bending:boundaries", "moons, spirals and blobs", 3),
    ("diagnosis:diagnose", "sick networks and their remedies", 5),
    # The papers, in small.
    ("papers.memorization:memorization", "random labels", 20),
    ("papers.surfaces:surfaces", "where 200 starts end", 25),
)
EXPERIMENTS = tuple(
    Experiment(f"gpunet.lab.{row[0]}", row[1], row[2]) for row in _TABLE
)

# What an option is in every experiment whose docstring does not say otherwise.
OPTIONS = {
    "depth": "Hidden layers.",
    "epochs": "Times through the training digits.",
    "examples": "Training digits over which the mean is taken.",
    "hidden_neurons": "Neurons of each hidden layer.",
    "n_images": "Digits to look at.",
    "n_points": "Points of each kind.",
    "n_seeds": "Networks of each kind, one population.",
    "n_steps": "Steps of Adam on all points.",
    "n_test": "Test digits.",
    "n_train": "Training digits.",
    "rate": "Learning rate.",
    "rounds": "Times through the examples.",
    "width": "Neurons of each hidden layer.",
    "weights": "Published weights (JSON, npz), a model file or a run folder instead.",
}


def get_experiment(name: str) -> Experiment:
    """Return the experiment of that name; hyphens and underscores are alike."""
    table = {experiment.name: experiment for experiment in EXPERIMENTS}
    key = name.strip().lower().replace("_", "-")
    if key in table:
        return table[key]
    near = " or ".join(nearest(key, [*table, "all"]))
    hint = f"did you mean {near}?" if near else "without a name `lab` lists them all"
    raise ConfigError(f"lab: {name[:60]!r} is not an experiment; {hint}")
