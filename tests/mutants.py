"""Faults to plant: each is one small change that the named tests must notice.

A new one is one more line: a name, the file in gpunet/, the old text (which
must be there once), the new text, and the tests to run, narrow and quick.
"""

from typing import NamedTuple


class Mutant(NamedTuple):
    """A fault: in `file` the text `old` becomes `new`, and `tests` must fail."""

    name: str
    file: str
    old: str
    new: str
    tests: str  # nodes below tests/, with blanks between


CHECK = (
    "test_lesson_gradients.py::test_gradients_match_central_differences"
    "[tanh-squared_error]"
)
PENALTY = "test_optimizers.py::test_penalties_pull_weights_and_never_biases[cpu]"
STEPS = "test_optimizers.py::test_optimizer_takes_the_steps_by_hand"
MEMBERS = "test_population.py::test_layers_serve_any_number_of_leading_axes"

MUTANTS = [
    Mutant(
        "missing one over batch",
        "losses.py",
        "dy = self.cost_slope(y, as_targets(y, t)) / y.shape[-2]",
        "dy = self.cost_slope(y, as_targets(y, t))",
        "test_seeds.py::test_s0_7_cost_of_a_batch_is_the_mean_of_its_costs",
    ),
    Mutant(
        "transposed delta",
        "layers.py",
        'dz @ xp.matrix_transpose(params["W"]) if',
        'dz @ params["W"] if',
        CHECK,
    ),
    Mutant(
        "dropped sum over j",
        "layers.py",
        'dz @ xp.matrix_transpose(params["W"]) if',
        'dz[..., :1] @ xp.matrix_transpose(params["W"][..., :1]) if',
        "test_seeds.py::test_s3_25_dropping_the_sum_over_j_breaks_the_check[2]",
    ),
    Mutant(
        "stale activation",
        "network.py",
        "            caches.append(cache)",
        '            caches.append(vars(self).setdefault(f"_{len(caches)}", cache))',
        "test_seeds.py::test_s0_7_cost_of_a_batch_is_the_mean_of_its_costs",
    ),
    Mutant(
        "weighted input for activation",
        "layers.py",
        "self._f.backward(z, a, dy)",
        "self._f.backward(z, z, dy)",
        CHECK,
    ),
    Mutant(
        "wrong sign of l2",
        "optimizers.py",
        "g = g + spread(l2, p) * p",
        "g = g - spread(l2, p) * p",
        PENALTY,
    ),
    Mutant(
        "wrong sign of l1",
        "optimizers.py",
        "return g + spread(l1, p)",
        "return g - spread(l1, p)",
        PENALTY,
    ),
    Mutant(
        "bias decayed",
        "optimizers.py",
        'if self._penalized and name.endswith(".W"):',
        "if self._penalized:",
        PENALTY,
    ),
    Mutant(
        "bias decayed by adamw",
        "optimizers.py",
        'if name.endswith(".W"):\n            p *=',
        "if name:\n            p *=",
        "test_optimizers.py::test_adamw_decays_weights_apart_from_the_gradient[cpu]",
    ),
    Mutant(
        "momentum sign",
        "optimizers.py",
        "        v -= g\n",
        "        v += g\n",
        f"{STEPS}[cpu-momentum]",
    ),
    Mutant(
        "nesterov without its look ahead",
        "optimizers.py",
        "        if self.nesterov:",
        "        if False:",
        f"{STEPS}[cpu-nesterov]",
    ),
    Mutant(
        "adam forgets the time",
        "optimizers.py",
        "t = self.n_steps\n",
        "t = 1\n",
        f"{STEPS}[cpu-adam]",
    ),
    Mutant(
        "clip over all members",
        "gradients.py",
        "range(1 if population else 0, g.ndim)",
        "range(0, g.ndim)",
        "test_gradients.py::test_clip_measures_each_member_by_itself[cpu]",
    ),
    Mutant(
        "rows shortened for columns",
        "gradients.py",
        "axis=-2, keepdims",
        "axis=-1, keepdims",
        "test_gradients.py::test_shorten_bounds_the_weights_into_each_neuron[cpu]",
    ),
    Mutant(
        "softmax without its shift",
        "activations.py",
        "a = xp.exp(z - xp.max(z, axis=-1, keepdims=True))",
        "a = xp.exp(z)",
        "test_activations.py::test_limits_are_exact",
    ),
    Mutant(
        "log softmax without its shift",
        "activations.py",
        "s = z - xp.max(z, axis=-1, keepdims=True)",
        "s = z * 1.0",
        "test_activations.py::test_limits_are_exact",
    ),
    Mutant(
        "relu slope at 0",
        "activations.py",
        "return da * namespace(a).astype(a > 0, a.dtype)",
        "return da * namespace(a).astype(a >= 0, a.dtype)",
        "test_activations.py::test_activation_gives_the_numbers_by_hand[cpu-relu]",
    ),
    Mutant(
        "leaky relu slope at 0",
        "activations.py",
        "up = namespace(z).astype(z >= 0, z.dtype)",
        "up = namespace(z).astype(z > 0, z.dtype)",
        "test_seeds.py::test_s1_10_leaky_relu_divides_by_100_below_zero",
    ),
    Mutant(
        "softmax slope without its sum",
        "activations.py",
        "return a * (da - xp.sum(da * a, axis=-1, keepdims=True))",
        "return a * (da - da * a)",
        "test_activations.py::test_softmax_backward_matches_its_jacobian",
    ),
    Mutant(
        "input changed in place",
        "layers.py",
        "        return x * mask, mask",
        "        x *= mask\n        return x, mask",
        "test_layers.py::test_dropout_gives_the_numbers_by_hand[cpu]",
    ),
    Mutant(
        "input scaled in place",
        "activations.py",
        "a = namespace(z).tanh(z * 0.5)",
        "z *= 0.5\n    a = namespace(z).tanh(z)",
        "test_activations.py::test_activation_changes_no_input_and_serves_every_shape"
        "[cpu-sigmoid]",
    ),
    Mutant(
        "dropout when predicting",
        "layers.py",
        "if not train or self.rate == 0:",
        "if self.rate == 0:",
        "test_layers.py::test_dropout_does_nothing_when_predicting[cpu]",
    ),
    Mutant(
        "dropout without its scale",
        "layers.py",
        "mask = keep / (1.0 - self.rate)",
        "mask = keep",
        "test_layers.py::test_dropout_keeps_the_mean[cpu]",
    ),
    Mutant(
        "bias summed over members",
        "layers.py",
        '"b": xp.sum(dz, axis=-2)',
        '"b": xp.sum(dz, axis=tuple(range(dz.ndim - 1)))',
        f"{MEMBERS}[cpu-4-lead1]",
    ),
    Mutant(
        "members look words up in the first table",
        "layers.py",
        "device=x.device) * self.n_words",
        "device=x.device) * 0",
        "test_layers.py::test_embedding_population_equals_the_loop[cpu-lead0]",
    ),
    Mutant(
        "repeated rows counted once",
        "backend.py",
        "np.add.at(target, index, rows)",
        "target[index] += rows",
        "test_backend.py::test_scatter_add_gives_repeated_rows_all[cpu]",
    ),
    Mutant(
        "parameters alias what was given",
        "backend.py",
        'return np.array(host, dtype=dtype, order="C")',
        'return np.asarray(host, dtype=dtype, order="C")',
        "test_backend.py::test_array_copies_and_keeps_dtype[cpu]",
    ),
    Mutant(
        "members of one seed",
        "network.py",
        "seed + i for i in range(n)",
        "seed for i in range(n)",
        "test_population.py::test_member_starts_as_the_single_network[cpu-float32]",
    ),
    Mutant(
        "gradient stops a layer early",
        "network.py",
        "wrt_input or i > last",
        "wrt_input or i > last + 1",
        CHECK.replace("tanh", "sigmoid") + " test_seeds.py::test_s2_6_hand_gradients",
    ),
    Mutant(
        "cross-entropy slope upside down",
        "losses.py",
        "softmax(y) - soften(t)",
        "soften(t) - softmax(y)",
        CHECK.replace("tanh-squared_error", "tanh-softmax_cross_entropy"),
    ),
    Mutant(
        "nan taken for a best",
        "schedules.py",
        "if value < (inf if best is None else best):",
        "if not value >= (inf if best is None else best):",
        "test_schedules.py::test_plateau_never_takes_nan_for_a_best",
    ),
]
