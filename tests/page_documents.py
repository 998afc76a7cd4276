"""Runs whose pages the tests open, each trained once for all tests of a process."""

import tempfile
from functools import cache
from pathlib import Path

import numpy as np

from gpunet.page import open_source, page_document
from gpunet.runs.network import run_config
from gpunet.runs.presets import DEFAULTS
from gpunet.runs.task import RunOptions

SETTINGS = {
    "digits": {"sizes": [784, 16, 16, 10], "epochs": 2, "batch_size": 512},
    "seeds": {"sizes": [784, 12, 10], "epochs": 2, "population": 4},
    "ring": {"hidden": [8], "epochs": 3, "population": 5, "target": "kind"},
    "prices": {"hidden": [6], "epochs": 3, "target": "price"},
}
# What each run's page shows, in order.
TABS = {
    "digits": ["Overview", "Draw", "Curves", "Neurons", "Mistakes"],
    "ring": ["Overview", "Plane", "Ask", "Curves", "Members"],
    "prices": ["Overview", "Ask", "Curves"],
}
HOSTILE = '</script><img src=x onerror="alert(1)">'


def ring():
    """Return a table of two columns: points inside a ring, and those of the ring."""
    rng = np.random.default_rng(0)
    radius = np.concatenate([rng.uniform(0, 1, 100), rng.uniform(1.4, 2.3, 100)])
    angle = rng.uniform(0, 2 * np.pi, 200)
    rows = zip(
        radius * np.cos(angle), radius * np.sin(angle), radius > 1.2, strict=True
    )
    lines = [f"{x:.3f},{y:.3f},{'out' if far else 'in'}" for x, y, far in rows]
    return ["x,y,kind", *lines]


def prices():
    """Return a table of mixed columns with names that are no markup."""
    rng = np.random.default_rng(0)
    quoted = HOSTILE.replace('"', '""')
    kinds = ["flat", "terraced", f'"{quoted}"']
    lines = []
    for k in range(120):
        area = rng.uniform(30, 200)
        lines.append(f"{area:.0f},{kinds[k % 3]},{3 * area + 20 * (k % 3):.1f}")
    return [f'area,"{quoted}",price', *lines]


TABLES = {"ring": ring, "prices": prices}


@cache
def run_of(name):
    """Return the folder of a run of SETTINGS."""
    folder = Path(tempfile.mkdtemp())
    config = DEFAULTS | {"batch_size": 1000, "engine": "loop"} | SETTINGS[name]
    if name in TABLES:
        table = folder / f"{name}.csv"
        table.write_text("\n".join(TABLES[name]()), "utf-8")
        config |= {"data": str(table), "loss": None, "batch_size": 20}
        config |= {"validation": 0.2}
    run_config(config, RunOptions(folder / name, say=lambda text: None))
    return folder / name


@cache
def document_of_run(name):
    """Return the document of a run of SETTINGS."""
    return page_document(open_source(run_of(name)))
