"""Mini-batches: every example once an epoch, with its own answer and weight."""

import numpy as np
import pytest
from helpers import on_device

from gpunet.random import epoch_order
from gpunet.training.batches import Feed

N = 11  # in batches of 4: 4, 4, 3


def feed(bk, *, order="own", seeds=(0,), own=False, weighted=False, x=None):
    """Return a Feed of N examples whose x, t and weight all tell their number."""
    number = np.arange(N)
    x = np.stack([number, -number], axis=1).astype(np.float64) if x is None else x
    weight = bk.array(number / 10) if weighted else None
    return Feed(
        bk,
        bk.array(x),
        bk.array(number),
        weight,
        batch_size=4,
        seeds=seeds,
        own_orders=own,
        order=order,
    )


def epoch(bk, f, k, spans=((0, 3),)):
    """Return the numbers of an epoch's examples, in the order of the batches."""
    f.begin(k)
    seen = []
    for first, last in spans:
        f.load(first, last)
        for step in range(first, last):
            x, t, weight = f.batch(step)
            assert x.shape[-2] == t.shape[-1] == f.size(step)
            assert on_device(bk, x) and on_device(bk, t)
            x, t = bk.to_host(x), bk.to_host(t)
            assert np.array_equal(x[..., 0], t) and np.array_equal(x[..., 1], -t)
            if weight is not None:
                assert np.array_equal(bk.to_host(weight), t / 10)
            seen.append(t)
    return np.concatenate(seen, axis=-1)


def test_an_epoch_sees_each_example_once_and_the_last_batch_is_short(bk):
    f = feed(bk)
    assert f.steps == 3 and [f.size(k) for k in range(3)] == [4, 4, 3]
    for k in range(3):
        seen = epoch(bk, f, k)
        assert sorted(seen.tolist()) == list(range(N))
        assert np.array_equal(seen, epoch_order([0], k, N, "own")[0])


def test_batches_do_not_depend_on_the_spans_they_are_loaded_in(bk):
    f = feed(bk, weighted=True)
    whole = epoch(bk, f, 1)
    assert np.array_equal(whole, epoch(bk, f, 1, [(0, 1), (1, 2), (2, 3)]))
    assert np.array_equal(whole, epoch(bk, f, 1, [(0, 2), (2, 3)]))
    f.begin(1)
    f.load(2, 3)  # a resumed run begins in the middle
    assert np.array_equal(bk.to_host(f.batch(2)[1]), whole[8:])


def test_members_have_orders_of_their_own(bk):
    f = feed(bk, seeds=(4, 9), own=True, weighted=True)
    seen = epoch(bk, f, 2, [(0, 2), (2, 3)])
    assert np.array_equal(seen, epoch_order([4, 9], 2, N, "own"))
    one = epoch(bk, feed(bk, seeds=(4,), own=True), 2)
    assert np.array_equal(one, seen[:1])


def test_shared_batches_have_no_member_axis(bk):
    seen = epoch(bk, feed(bk, seeds=(4, 9), order="shared", weighted=True), 2)
    assert np.array_equal(seen, epoch_order([4], 2, N, "own")[0])


def test_without_order_batches_come_as_they_lie(bk):
    assert epoch(bk, feed(bk, order="none"), 3).tolist() == list(range(N))


@pytest.mark.parametrize("own", [False, True])
def test_pictures_and_integers_keep_their_shape_and_type(bk, own):
    x = np.arange(N * 6).reshape(N, 2, 3)
    f = feed(bk, x=x, own=own)
    f.begin(0)
    f.load(0, 3)
    order = epoch_order([0], 0, N, "own")[0]
    got, _, weight = f.batch(2)
    assert got.shape == ((1,) if own else ()) + (3, 2, 3) and weight is None
    assert got.dtype == bk.dtype("int64")
    assert np.array_equal(bk.to_host(got).reshape(3, 2, 3), x[order[8:]])


def test_exact_batches_leave_no_empty_one(bk):
    number = bk.array(np.arange(8))
    f = Feed(
        bk,
        bk.array(np.zeros((8, 1))),
        number,
        None,
        batch_size=4,
        seeds=(0,),
        own_orders=False,
        order="own",
    )
    assert f.steps == 2 and f.size(1) == 4
