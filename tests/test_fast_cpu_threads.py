"""Teams of threads: nobody waits for a thread that fell."""

import time

import numpy as np
import pytest

from gpunet.fast.cpu import threads


@pytest.mark.parametrize("falls", [0, 1, 2])
def test_an_error_in_one_thread_ends_the_wait_of_the_others(falls):
    sync, waited = np.zeros(16, np.int64), []

    def kernel(me, team):
        if me == falls:
            raise MemoryError("no room")
        end = time.monotonic() + 60
        while not sync[8] and time.monotonic() < end:
            time.sleep(0.01)
        waited.append(bool(sync[8]))

    with pytest.raises(MemoryError, match="no room"):
        threads.together(kernel, 3, sync, ())
    threads.together(lambda me, team: None, 3, sync, ())  # and the next team can start
    assert waited == [True, True]
