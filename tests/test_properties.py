"""Laws that hold for any numbers, tried on many."""

import warnings

import numpy as np
from helpers import error, normal
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from gpunet import Dense, Network, loss, mlp
from gpunet.activations import ACTIVATIONS, log_softmax, sigmoid, softmax
from gpunet.activations import get_activation as activation
from gpunet.losses import LOSSES, as_targets

seeds = st.integers(0, 2**32)
sizes = st.integers(1, 6)
dtypes = st.sampled_from(["float32", "float64"])
losses = st.sampled_from(LOSSES)
functions = st.sampled_from([name for name in ACTIVATIONS if name != "comparator"])


def logits(dtype, far=1e4, least=1):
    width = int(dtype[5:])
    numbers = st.floats(-far, far, width=width)
    shapes = hnp.array_shapes(min_dims=2, max_dims=3, min_side=least, max_side=5)
    return hnp.arrays(dtype, shapes, elements=numbers)


def gradient(net, x, t, weight=None):
    y, caches = net.forward(x)
    return net.backward(caches, net.loss.slope(y, t, weight))


def case(seed, n, classes, function, loss_name):
    """Return a small network, n rows and n one-hot targets."""
    if loss_name.startswith("softmax"):
        classes = max(classes, 2)  # of one output it is always 1
    net = mlp([3, 4, classes], function, loss=loss_name, seed=seed, dtype="float64")
    t = np.eye(classes)[abs(normal(seed + 1, n) * 10).astype(int) % classes]
    return net, normal(seed, n, 3), t


def close(a, b, limit=1e-11):
    # Gradients can cancel to almost nothing: what counts is against 1e-3 at least.
    return all(
        abs(a[name] - b[name]).max() <= limit * max(abs(b[name]).max(), 1e-3)
        for name in b
    )


@given(seeds, sizes, sizes, functions, losses)
def test_permuting_classes_permutes_outputs(seed, n, classes, function, loss_name):
    net, x, t = case(seed, n, classes, function, loss_name)
    classes = t.shape[1]
    order = np.random.Generator(np.random.PCG64(seed)).permutation(classes)
    W, b = list(net.params)[-2:]
    last = {W: net.params[W][:, order].copy(), b: net.params[b][order].copy()}
    other = net.with_params({**net.params, **last})
    assert error(other.predict(x), net.predict(x)[:, order]) < 1e-12
    y = net.forward(x)[0]
    value, moved = net.loss.value(y, t), net.loss.value(y[:, order], t[:, order])
    assert abs(value - moved) <= 1e-12 * max(1, abs(value))
    wanted = gradient(net, x, t)
    wanted.update({W: wanted[W][:, order], b: wanted[b][order]})
    assert close(gradient(other, x, t[:, order]), wanted)


@given(seeds, sizes, sizes, functions, losses, st.integers(2, 4))
def test_repeating_the_data_keeps_the_gradient(seed, n, classes, function, name, times):
    net, x, t = case(seed, n, classes, function, name)
    many = gradient(net, np.tile(x, (times, 1)), np.tile(t, (times, 1)))
    assert close(many, gradient(net, x, t))


@given(seeds, st.integers(2, 9), sizes, functions, losses, st.data())
def test_weighted_parts_of_a_batch_equal_the_whole(seed, n, classes, f, name, data):
    net, x, t = case(seed, n, classes, f, name)
    cut = data.draw(st.integers(1, n - 1))
    first, second = gradient(net, x[:cut], t[:cut]), gradient(net, x[cut:], t[cut:])
    whole = gradient(net, x, t)
    joined = {k: (cut * first[k] + (n - cut) * second[k]) / n for k in whole}
    assert close(joined, whole)


@given(seeds, sizes, sizes, functions, losses)
def test_weights_act_as_repetitions(seed, n, classes, function, loss_name):
    net, x, t = case(seed, n, classes, function, loss_name)
    times = np.arange(n) % 3 + 1
    rows = np.repeat(np.arange(n), times)
    weighted = gradient(net, x, t, times * n / times.sum())
    assert close(weighted, gradient(net, x[rows], t[rows]))


@given(seeds, sizes, sizes, functions, losses)
def test_rows_of_a_batch_do_not_see_each_other(seed, n, classes, function, loss_name):
    net, x, _ = case(seed, n, classes, function, loss_name)
    whole = net.predict(x)
    for k in range(n):
        assert error(whole[k : k + 1], net.predict(x[k : k + 1])) < 1e-12


@given(seeds, sizes, sizes, st.floats(-50, 50))
def test_adding_to_all_logits_keeps_softmax_cross_entropy(seed, n, classes, shift):
    y, own = 5 * normal(seed, n, classes), loss("softmax_cross_entropy")
    t = np.arange(n) % classes
    assert abs(own.value(y + shift, t) - own.value(y, t)) < 1e-11
    assert abs(own.slope(y + shift, t) - own.slope(y, t)).max() < 1e-12


@given(dtypes.flatmap(logits))
def test_softmax_rows_sum_to_one(z):
    a = softmax(z)
    unit = np.finfo(z.dtype).eps / 2
    assert a.dtype == z.dtype and (a >= 0).all()
    assert abs(a.sum(axis=-1, dtype=np.float64) - 1).max() <= 2 * z.shape[-1] * unit
    assert np.isfinite(log_softmax(z)).all() and (log_softmax(z) <= 0).all()


@given(dtypes.flatmap(logits))
def test_sigmoid_is_bounded_and_symmetric(z):
    a = sigmoid(z)
    assert ((a >= 0) & (a <= 1)).all() and a.dtype == z.dtype
    assert abs(a + sigmoid(-z) - 1).max() <= 2 * np.finfo(z.dtype).eps


@given(dtypes.flatmap(logits), losses)
def test_losses_are_finite_and_right_far_out(y, name):
    own = loss(name)
    t = np.arange(y.shape[-2]) % y.shape[-1]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        value, dy = own.value(y, t), own.slope(y, t)
    assert np.isfinite(value).all() and np.isfinite(dy).all()
    assert (value >= 0).all() and value.dtype == dy.dtype == y.dtype
    wide = own.value(y.astype(np.float64), t)
    # Rounding adds up over rows and columns, and against the largest logit.
    room = 32 * np.finfo(y.dtype).eps * (1 + abs(y).max())
    assert (abs(value - wide) <= room * (1 + wide if "squared" in name else 1)).all()


@given(dtypes.flatmap(logits), functions)
def test_activations_are_finite_far_out(z, name):
    f = activation(name)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        a = f.value(z)
        dz = f.backward(z, a, np.ones_like(z))
    assert np.isfinite(a).all() and np.isfinite(dz).all()
    assert a.dtype == dz.dtype == z.dtype


@given(seeds, sizes, st.integers(2, 6))
def test_slope_of_cross_entropy_sums_to_zero(seed, n, classes):
    y, own = normal(seed, n, classes), loss("softmax_cross_entropy:0.1")
    dy = own.slope(y, np.arange(n) % classes)
    assert abs(dy.sum(axis=-1)).max() < 1e-15


@given(seeds, st.integers(1, 5), st.integers(2, 6))
def test_one_hot_rows_mark_their_label(seed, n, classes):
    labels = abs(normal(seed, 2, n) * 10).astype(int) % classes
    t = as_targets(np.zeros((2, n, classes), np.float32), labels)
    assert t.dtype == np.float32 and np.array_equal(t.argmax(axis=-1), labels)
    assert np.array_equal(t.sum(axis=-1), np.ones((2, n)))


@given(seeds, st.integers(1, 4), sizes, functions)
def test_population_equals_the_loop_bit_for_bit(seed, members, n, function):
    sizes, options = [3, 4, 2], {"dtype": "float64"}
    crowd = mlp(sizes, function, population=members, seed=seed, **options)
    x, t = normal(seed, members, n, 3), np.arange(members * n).reshape(members, n) % 2
    grads = gradient(crowd, x, t)
    for i in range(members):
        one = mlp(sizes, function, seed=seed + i, **options)
        for name, g in gradient(one, x[i], t[i]).items():
            assert np.array_equal(grads[name][i], g)


@given(seeds, sizes, sizes, sizes)
def test_dense_is_linear_in_its_input(seed, n, n_in, n_out):
    net = Network([Dense(n_in, n_out)], "squared_error", seed=seed, dtype="float64")
    x, z = normal(seed, n, n_in), normal(seed + 1, n, n_in)
    sums = net.predict(2 * x - 3 * z)
    assert abs(sums - (2 * net.predict(x) - 3 * net.predict(z))).max() < 1e-12
