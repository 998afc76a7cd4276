"""Mini-batches: every example once an epoch, with its own answer and weight."""

import numpy as np
import pytest
from helpers import on_device

from gpunet.random import epoch_order
from gpunet.training.batches import Batches
from gpunet.training.device_data import DeviceData

N = 11  # in batches of 4: 4, 4, 3


def batches(bk, *, seeds=0, shuffle=True, weighted=False, x=None):
    """Return Batches of N examples whose x, t and weight all tell their number."""
    number = np.arange(N)
    x = np.stack([number, -number], axis=1).astype(np.float64) if x is None else x
    weight = bk.array(number / 10) if weighted else None
    data = DeviceData(bk, bk.array(x), bk.array(number), weight, 1.0, "float64")
    return Batches(data, 4, seeds, shuffle)


def epoch(bk, f, k, spans=((0, 3),)):
    """Return the numbers of an epoch's examples, in the order of the batches."""
    f.start_epoch(k)
    seen = []
    for first, last in spans:
        f.load_chunk(first, last)
        for step in range(first, last):
            x, t, weight = f[step]
            assert x.shape[-2] == t.shape[-1] == f.size(step)
            assert on_device(bk, x) and on_device(bk, t)
            x, t = bk.to_host(x), bk.to_host(t)
            assert np.array_equal(x[..., 0], t) and np.array_equal(x[..., 1], -t)
            if weight is not None:
                assert np.array_equal(bk.to_host(weight), t / 10)
            seen.append(t)
    return np.concatenate(seen, axis=-1)


def test_an_epoch_sees_each_example_once_and_the_last_batch_is_short(bk):
    f = batches(bk)
    assert f.n_steps == 3 and [f.size(k) for k in range(3)] == [4, 4, 3]
    for k in range(3):
        seen = epoch(bk, f, k)
        assert sorted(seen.tolist()) == list(range(N))
        assert np.array_equal(seen, epoch_order(0, k, N))


def test_batches_do_not_depend_on_the_spans_they_are_loaded_in(bk):
    f = batches(bk, weighted=True)
    whole = epoch(bk, f, 1)
    assert np.array_equal(whole, epoch(bk, f, 1, [(0, 1), (1, 2), (2, 3)]))
    assert np.array_equal(whole, epoch(bk, f, 1, [(0, 2), (2, 3)]))
    f.start_epoch(1)
    f.load_chunk(2, 3)  # a resumed run begins in the middle
    assert np.array_equal(bk.to_host(f[2][1]), whole[8:])


def test_members_have_orders_of_their_own(bk):
    f = batches(bk, seeds=(4, 9), weighted=True)
    seen = epoch(bk, f, 2, [(0, 2), (2, 3)])
    assert np.array_equal(seen, epoch_order([4, 9], 2, N))
    one = epoch(bk, batches(bk, seeds=(4,)), 2)
    assert np.array_equal(one, seen[:1])


def test_shared_batches_have_no_member_axis(bk):
    seen = epoch(bk, batches(bk, seeds=4, weighted=True), 2)
    assert np.array_equal(seen, epoch_order(4, 2, N))


def test_without_order_batches_come_as_they_lie(bk):
    assert epoch(bk, batches(bk, shuffle=False), 3).tolist() == list(range(N))


@pytest.mark.parametrize("own", [False, True])
def test_pictures_and_integers_keep_their_shape_and_type(bk, own):
    x = np.arange(N * 6).reshape(N, 2, 3)
    f = batches(bk, x=x, seeds=(0,) if own else 0)
    f.start_epoch(0)
    f.load_chunk(0, 3)
    order = epoch_order(0, 0, N)
    got, _, weight = f[2]
    assert got.shape == ((1,) if own else ()) + (3, 2, 3) and weight is None
    assert got.dtype == bk.dtype("int64")
    assert np.array_equal(bk.to_host(got).reshape(3, 2, 3), x[order[8:]])


def test_exact_batches_leave_no_empty_one(bk):
    x, t = bk.array(np.zeros((8, 1))), bk.array(np.arange(8))
    exact = Batches(DeviceData(bk, x, t, None, 1.0, "float64"), 4, 0)
    assert exact.n_steps == 2 and exact.size(1) == 4
