"""Runs whose pages the tests open, each trained once for all tests of a process."""

import tempfile
from functools import cache
from pathlib import Path

from gpunet.runs.network import run_config
from gpunet.runs.presets import DEFAULTS
from gpunet.runs.task import RunOptions

SETTINGS = {
    "digits": {"sizes": [784, 16, 16, 10], "epochs": 2, "batch_size": 512},
    "seeds": {"sizes": [784, 12, 10], "epochs": 2, "population": 4},
}


@cache
def run_of(name):
    """Return the folder of a run of SETTINGS."""
    folder = Path(tempfile.mkdtemp(), name)
    config = DEFAULTS | {"batch_size": 1000, "engine": "loop"} | SETTINGS[name]
    run_config(config, RunOptions(folder, say=lambda text: None))
    return folder
