"""Threads of one span: none waits for a thread that failed."""

import time

import numpy as np
import pytest

from gpunet.fast.cpu import threads


@pytest.mark.parametrize("fails", [0, 1, 2])
def test_an_error_in_one_thread_ends_the_wait_of_the_others(fails):
    sync, waited = np.zeros(16, np.int64), []

    def kernel(thread, n_threads):
        if thread == fails:
            raise MemoryError("no room")
        end = time.monotonic() + 60
        while not sync[8] and time.monotonic() < end:
            time.sleep(0.01)
        waited.append(bool(sync[8]))

    with pytest.raises(MemoryError, match="no room"):
        threads.run_threads(kernel, 3, sync, ())
    threads.run_threads(lambda thread, n: None, 3, sync, ())  # and the next can start
    assert waited == [True, True]
