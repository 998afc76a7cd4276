"""Faults to plant in the lesson: each a small change that the named tests must notice.

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

LESSON = [
    Mutant(
        "missing one over batch",
        "losses.py",
        "as_targets(y, t)) / y.shape[-2]\n        return dy",
        "as_targets(y, t))\n        return dy",
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
        "test_seeds_chain_rule.py::test_s3_25_dropping_the_sum_over_j_breaks_the_check[2]",
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
        "self.f.backward(z, a, dy)",
        "self.f.backward(z, z, dy)",
        CHECK,
    ),
    Mutant(
        "wrong sign of l2",
        "updates.py",
        "g = g + expand_members(l2, W) * W",
        "g = g - expand_members(l2, W) * W",
        PENALTY,
    ),
    Mutant(
        "wrong sign of l1",
        "updates.py",
        "g = g + expand_members(l1, W)",
        "g = g - expand_members(l1, W)",
        PENALTY,
    ),
    Mutant(
        "bias decayed",
        "updates.py",
        'if name.endswith(".W"):\n            W = ',
        "if name:\n            W = ",
        PENALTY,
    ),
    Mutant(
        "bias decayed by adamw",
        "optimizers.py",
        'if name.endswith(".W"):\n            p -= rate * (self',
        "if name:\n            p -= rate * (self",
        "test_optimizers.py::test_adamw_decays_weights_apart_from_the_gradient[cpu]",
    ),
    Mutant(
        "momentum sign",
        "optimizers.py",
        "        v -= step\n",
        "        v += step\n",
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
        "self.corrected(self.n_steps)",
        "self.corrected(1)",
        f"{STEPS}[cpu-adam]",
    ),
    Mutant(
        "clip over all members",
        "updates.py",
        "range(1 if population else 0, g.ndim)",
        "range(0, g.ndim)",
        "test_updates.py::test_clip_measures_each_member_by_itself[cpu]",
    ),
    Mutant(
        "rows shortened for columns",
        "updates.py",
        "axis=-2, keepdims",
        "axis=-1, keepdims",
        "test_updates.py::test_shorten_bounds_the_weights_into_each_neuron[cpu]",
    ),
    Mutant(
        "softmax without its shift",
        "activations/formulas.py",
        "a = xp.exp(z - xp.max(z, axis=-1, keepdims=True))",
        "a = xp.exp(z)",
        "test_activations.py::test_limits_are_exact",
    ),
    Mutant(
        "log softmax without its shift",
        "activations/formulas.py",
        "s = z - xp.max(z, axis=-1, keepdims=True)",
        "s = z * 1.0",
        "test_activations.py::test_limits_are_exact",
    ),
    Mutant(
        "relu slope at 0",
        "activations/formulas.py",
        "return da * namespace(a).sign(a)",
        "return da * namespace(a).astype(a >= 0, a.dtype)",
        "test_activations.py::test_activation_gives_the_numbers_by_hand[cpu-relu]",
    ),
    Mutant(
        "leaky relu slope at 0",
        "activations/formulas.py",
        "up = namespace(z).astype(z >= 0, z.dtype)",
        "up = namespace(z).astype(z > 0, z.dtype)",
        "test_seeds.py::test_s1_10_leaky_relu_divides_by_100_below_zero",
    ),
    Mutant(
        "softmax slope without its sum",
        "activations/formulas.py",
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
        "activations/formulas.py",
        "a = xp.exp(xp.minimum(z, 40.0))",
        "z *= 0.5\n    a = xp.exp(xp.minimum(2.0 * z, 40.0))",
        "test_activations.py::test_activation_changes_no_input_and_serves_every_shape"
        "[cpu-sigmoid]",
    ),
    Mutant(
        "weights of the examples changed in place",
        "losses.py",
        "        return dy if weight is None else dy * weight[..., None]",
        """        if weight is not None:
            weight *= 2.0
        return dy if weight is None else dy * (weight[..., None] / 2.0)""",
        "test_losses.py::test_weights_scale_each_example[read-only-squared_error]",
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
        "members of one seed",
        "random.py",
        "index(seed) + i for i in range(n)",
        "index(seed) for i in range(n)",
        "test_population.py::test_member_starts_as_the_single_network[cpu-float32]",
    ),
    Mutant(
        "gradient stops a layer early",
        "network.py",
        "wrt_input or i > last",
        "wrt_input or i > last + 1",
        CHECK.replace("tanh", "sigmoid")
        + " test_seeds_chain_rule.py::test_s2_6_hand_gradients",
    ),
    Mutant(
        "cross-entropy slope upside down",
        "losses.py",
        "softmax(y) - smooth(t)",
        "smooth(t) - softmax(y)",
        CHECK.replace("tanh-squared_error", "tanh-softmax_cross_entropy"),
    ),
    Mutant(
        "shuffle key without epoch",
        "random.py",
        'host_rng(seeds, "shuffle", epoch)',
        'host_rng(seeds, "shuffle")',
        "test_random.py::test_orders_change_with_the_epoch",
    ),
    Mutant(
        "same dropout at every step",
        "random.py",
        "counter = [0, 0, self._step, self._epoch]",
        "counter = [0, 0, 0, self._epoch]",
        "test_random.py::test_draws_of_a_step_come_again_and_those_of_no_other[cpu]",
    ),
    Mutant(
        "shown but not used",
        "parameters.py",
        "        self._layers[int(layer)][name] = p\n",
        "        self._layers[int(layer)].setdefault(name, p)\n",
        "test_parameters.py::test_changed_parameters_are_the_ones_used",
    ),
    Mutant(
        "read while another thread trains",
        "parameters.py",
        "if changed or self._thread not in (None, get_ident()):",
        "if changed:",
        "test_concurrency.py::test_network_in_training_is_read_by_its_own_thread_alone"
        "[predict]",
    ),
    Mutant(
        "overtaken by training unnoticed",
        "parameters.py",
        "changed = begun is not None and begun != self._n_trainings",
        "changed = False",
        "test_concurrency.py::test_prediction_that_training_overtakes_is_refused",
    ),
    Mutant(
        "custom function pickled as the built-in one",
        "activations/function.py",
        "kind in MAKERS and self == _make(self.kind, self.parameter)",
        "kind in MAKERS",
        "test_pickling.py::test_custom_functions_are_pickled_by_where_they_are_defined",
    ),
]
