"""A table and runs on it, as several tests of the commands use them."""

import csv

import numpy as np
from tiny import command

COLORS = ["red", "green", "blue"]
HEADER = ["size", "weight", "color", "kind", "price"]


def rows(n=90, seed=0):
    rng = np.random.Generator(np.random.PCG64(seed))
    for k in range(n):
        size, weight = np.round(rng.normal(5, 2, 2), 3).tolist()
        color = COLORS[k % 3]
        kind = "small" if size + COLORS.index(color) < 6 else 'big, "very"'
        yield [size, weight, color, kind, round(1000 + 40 * size - 9 * weight, 3)]


def write(path, lines, header=HEADER):
    with open(path, "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *lines])
    return path


def train(table, out, *args, **more):
    base = ["--epochs", 4, "--device", "cpu", "--hidden", "8", "--batch-size", 8]
    return command("train", "--data", table, "--out", out, *base, *args, **more)


def trained(table, folder, target, *options):
    """Train 30 epochs on a table; return the run folder and the process."""
    process = train(table, folder / "run", "--target", target, *options, "--epochs", 30)
    assert process.returncode == 0, process.stderr
    return folder / "run", process
