"""Run folders with checkpoints, made, counted and damaged by the tests."""

import os
import sys

import numpy as np
import pytest

from gpunet.storage import RunFolder

posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX only")
linux = pytest.mark.skipif(sys.platform != "linux", reason="Linux only")


def tensors(step):
    return {"0.W": np.full((4, 5), step, np.float32)}


def save_all(path, *steps, keep=2):
    with RunFolder(path) as run:
        for step in steps:
            run.save_checkpoint(step, tensors(step), {}, keep=keep)
    return run


def steps_in(run):
    return sorted(int(name[5:15]) for name in os.listdir(run.checkpoints))


def checkpoint(run, step):
    return run.checkpoints / f"step-{step:010d}.safetensors"


def damage(path):
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
