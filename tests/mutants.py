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
        "return da * namespace(a).sign(a)",
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
        "a = xp.exp(xp.minimum(z, 40.0))",
        "z *= 0.5\n    a = xp.exp(xp.minimum(2.0 * z, 40.0))",
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
        "backend/arrays.py",
        "np.add.at(target.reshape(-1), entries.reshape(-1), rows.reshape(-1))",
        "target[index] += rows",
        "test_backend.py::test_scatter_add_gives_repeated_rows_all[cpu]",
    ),
    Mutant(
        "parameters alias what was given",
        "backend/devices.py",
        'return np.array(host, dtype=dtype, order="C")',
        'return np.asarray(host, dtype=dtype, order="C")',
        "test_backend.py::test_array_copies_and_keeps_dtype[cpu]",
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
        "nan taken for a best",
        "training/schedules.py",
        "if value < (inf if best is None else best):",
        "if not value >= (inf if best is None else best):",
        "test_training_schedules.py::test_plateau_never_takes_nan_for_a_best",
    ),
    Mutant(
        "last short batch dropped",
        "training/batches.py",
        "self.n_steps = ceil(data.n / batch_size)",
        "self.n_steps = max(data.n // batch_size, 1)",
        "test_training_batches.py::test_an_epoch_sees_each_example_once_and_the_last_batch_is_short[cpu]",
    ),
    Mutant(
        "last batch counted as a full one",
        "training/steppers.py",
        "value * float(y.shape[-2])",
        "value * 10.0",
        "test_training_loop.py::test_mean_of_the_batches_gradients_is_the_full_gradient[cpu-10]",
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
        "momentum reset on resume",
        "runs/checkpoint.py",
        "            p[...] = bk.array(tensors[name])",
        '            p[...] = bk.array(tensors[name]) if name[:5] != "slots" else 0.0',
        "test_runs_checkpoint.py::test_restored_run_goes_on_bit_for_bit[cpu-7-momentum-None]",
    ),
    Mutant(
        "steps of Adam forgotten on resume",
        "runs/checkpoint.py",
        'int(state["optimizer_steps"])',
        "0",
        "test_runs_checkpoint.py::test_restored_run_goes_on_bit_for_bit[cpu-7-adam-None]",
    ),
    Mutant(
        "place in the epoch forgotten on resume",
        "runs/checkpoint.py",
        '("epoch", "at", "step", "alive")',
        '("epoch", "step", "alive")',
        "test_runs_checkpoint.py::test_restored_run_goes_on_bit_for_bit[cpu-7-sgd-None]",
    ),
    Mutant(
        "labels left out of the digest",
        "runs/checkpoint.py",
        "for array in (data.x, data.t):",
        "for array in (data.x,):",
        "test_runs_checkpoint.py::test_data_digest_tells_data_apart",
    ),
    Mutant(
        "validation judged on the training data",
        "training/loop.py",
        "to_device(net, held_out) if held_out",
        "to_device(net, train) if held_out",
        "test_training_loop.py::test_history_has_its_columns_and_lengths[cpu]",
    ),
    Mutant(
        "sums of the last epoch kept",
        "training/loop.py",
        "            total[...] = 0",
        "            total[...] = total",
        "test_training_loop.py::test_every_epoch_is_measured_anew[cpu]",
    ),
    Mutant(
        "schedule by whole epochs",
        "training/loop.py",
        "self.epoch + k / self.steps_per_epoch",
        "self.epoch",
        "test_training_loop.py::test_schedule_reaches_the_optimizer_at_every_step",
    ),
    Mutant(
        "frozen members multiplied away",
        "training/steppers.py",
        "namespace(p).where(expand_mask(keep, p), p, old)",
        "p * expand_mask(keep, p) + old * ~expand_mask(keep, p)",
        "test_training_divergence.py::test_member_that_diverges_leaves_the_others_alone[momentum-True-99]",
    ),
    Mutant(
        "factors of the first block for all",
        "training/steppers.py",
        "factor = factor[members]",
        "factor = factor[: net.population]",
        "test_training_steppers.py::test_blocks_equal_one_block_bit_for_bit[plateau-3]",
    ),
    Mutant(
        "seeds of the first block for all",
        "training/steppers.py",
        "else self.seeds[some]",
        "else self.seeds[: some.stop - some.start]",
        "test_training_steppers.py::test_blocks_equal_one_block_bit_for_bit[sgd-3]",
    ),
    Mutant(
        "nan is the best loss",
        "training/best.py",
        "better[i] = value < (float",
        "better[i] = not value >= (float",
        "test_training_best.py::test_nan_is_never_best_and_never_hides_a_later_one",
    ),
    Mutant(
        "patience one too long",
        "training/best.py",
        '["bad"][i] >= rule.patience',
        '["bad"][i] > rule.patience',
        "test_training_best.py::test_patience_counts_epochs_without_a_new_best",
    ),
    Mutant(
        "best weights of all members at once",
        "training/best.py",
        "xp.where(expand_mask(mask, p), p, old)",
        "p",
        "test_training_best.py::test_members_keep_their_own_best[cpu]",
    ),
    Mutant(
        "class weights replace the examples'",
        "training/device_data.py",
        "weight = weight * train.weight",
        "weight = weight * 1.0",
        "test_training_fit.py::test_weights_weigh_the_examples[both]",
    ),
    Mutant(
        "strict resume warns only",
        "runs/resume.py",
        "        if options.strict_resume:",
        "        if False:",
        "test_runs_resume_errors.py::test_other_machine_warns_and_strict_resume_refuses",
    ),
    Mutant(
        "divergence found but not undone",
        "training/members.py",
        "            stepper.restore(before)\n            return [start",
        "            return [start",
        "test_training_divergence.py::test_rate_too_large_stops_with_finite_weights[cpu-sgd]",
    ),
    Mutant(
        "a network of any size made before its file is checked",
        "storage/network.py",
        "    check_tensors(specs, tensors, path)",
        "    specs.clear()",
        "test_storage_network.py::test_tensors_that_do_not_fit_are_refused[cpu-shape]",
    ),
    Mutant(
        "handlers kept",
        "runs/signals.py",
        "            signal.signal(number, handler)\n",
        "            pass\n",
        "test_cli_signal_handlers.py::test_handlers_are_the_callers_again_afterwards",
    ),
    Mutant(
        "scale lost with the rows taken",
        "data/dataset.py",
        "replace(self, x=self.x[index], t=self.t[index], weight=weight)",
        "Dataset(self.x[index], self.t[index], weight)",
        "test_data_dataset.py::test_dataset_takes_rows_with_weights_and_scale",
    ),
    Mutant(
        "scale lost when the data are checked",
        "data/dataset.py",
        "check_scale(dataset.scale, where))",
        "1.0)",
        "test_training_loop.py::test_scale_multiplies_the_features",
    ),
    Mutant(
        "scale lost with class weights",
        "training/device_data.py",
        "train = replace(train, weight=weight)",
        "train = Dataset(train.x, train.t, weight)",
        "test_training_fit.py::test_class_weights_leave_the_scale",
    ),
    Mutant(
        "unscaled data judged",
        "training/device_data.py",
        "x = data.scaled(net.dtype)",
        "x = data.x.astype(net.dtype)",
        "test_training_loop.py::test_scale_multiplies_the_features",
    ),
    Mutant(
        "misspelled columns answered",
        "training/history.py",
        "if column not in (*COLUMNS, *self.columns):",
        "if not isinstance(column, str):",
        "test_training_history.py::test_misspelled_column_names_the_close_one_first",
    ),
    Mutant(
        "shown but not used",
        "parameters.py",
        "        self._layers[int(layer)][name] = p\n",
        "        self._layers[int(layer)].setdefault(name, p)\n",
        "test_parameters.py::test_changed_parameters_are_the_ones_used",
    ),
    Mutant(
        "set parameters not trained on",
        "training/loop.py",
        "            if new is not p:\n",
        "            if False:\n",
        "test_parameters.py::test_parameters_set_by_a_callback_are_trained_on"
        "[False-51-loop]",
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
        "activations.py",
        "kind in _MAKERS and self == _make(self.kind, self.parameter)",
        "kind in _MAKERS",
        "test_pickling.py::test_custom_functions_are_pickled_by_where_they_are_defined",
    ),
    Mutant(
        "class derived from Dense saved as a Dense",
        "storage/network.py",
        "if LAYERS.get(kind.__name__) is not kind:",
        "if not issubclass(kind, tuple(LAYERS.values())):",
        "test_storage_layers.py::test_class_derived_from_a_built_in_layer_is_a_custom_one",
    ),
]
