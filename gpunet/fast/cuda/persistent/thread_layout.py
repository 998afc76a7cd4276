"""How a block of threads shares a small network, and what that costs.

A `KernelSpec` says what is trained, a `ThreadLayout` how threads, registers and shared
memory are divided; `thread_layouts` tries every way and counts what a step costs.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from math import ceil
from typing import Any, NamedTuple

_THREADS = (32, 64, 128, 256, 512)
_REGISTERS = 65536  # of a multiprocessor
_OVERHEAD = 30  # registers of a thread beside its arrays: addresses, counters
_WORD = 4  # bytes


@dataclass(frozen=True)
class KernelSpec:
    """What is trained."""

    widths: tuple[int, ...]  # neurons from the input to the output
    activations: tuple[tuple[str, float], ...]  # with the slope below 0 of a leaky ReLU
    loss: str = "softmax_cross_entropy"  # one of `lowering.LOSSES`
    smoothing: float = 0.0
    square_factor: float = 0.0
    batch: int = 10
    is_bytes: bool = False  # x is bytes on the device, to be scaled
    labels: bool = True  # instead of targets
    weighted: bool = False
    compute_metrics: bool = True
    accuracy: str = "largest_output"  # says what is right; or "threshold", or "none"
    momentum: bool = False
    nesterov: bool = False
    l2: bool = False


class Counts(NamedTuple):
    """Clocks of one multiprocessor for one step, by what is busy.

    Reads are 128 bytes a clock as if every lane's bytes took their share: what a
    broadcast saves is not counted on.
    """

    products: float  # of the first layer, 128 a clock, by the busiest scheduler
    reads: float  # of x by the first layer
    sums: float  # shuffles, writes and reads that bring partial sums together
    later: float  # all later layers and the loss, by their reads, and barriers

    @property
    def clocks(self) -> float:
        """Of a step: products and reads overlap, the rest follows."""
        return max(self.products, self.reads) + self.sums + self.later


@dataclass(frozen=True)
class ThreadLayout:
    """How a block of threads shares one network; see `span.cu`."""

    spec: KernelSpec
    threads: int
    lanes_out: int  # groups of neurons among a warp's lanes
    outs: int  # neurons of a thread
    tile: int  # examples that a thread accumulates at once
    kept: int  # rounds of four inputs whose weights are in registers

    @property
    def warps(self) -> int:
        """Warps of the block."""
        return self.threads // 32

    @property
    def slots(self) -> int:
        """Groups of lanes among which the inputs are shared."""
        return self.warps * 32 // self.lanes_out

    @property
    def fours(self) -> int:
        """Rounds in which every slot holds four inputs."""
        return self.spec.widths[0] // (4 * self.slots)

    @property
    def singles(self) -> int:
        """Rounds in which a slot holds one input more, or none."""
        return ceil((self.spec.widths[0] - 4 * self.fours * self.slots) / self.slots)

    @property
    def registers(self) -> int:
        """Registers of a thread, about: its arrays, and some for all else."""
        arrays = (4 * self.kept + self.singles + self.tile + 4) * self.outs
        return arrays + (4 * self.outs if self.kept < self.fours else 0) + _OVERHEAD

    @property
    def register_limit(self) -> int:
        """Registers a thread can have."""
        return min(255, _REGISTERS // self.threads // 8 * 8)

    @cached_property
    def shared_memory(self) -> dict[str, Any]:
        """Where each array of shared memory begins, in words; "ALL" is the end."""
        spec, widths = self.spec, self.spec.widths
        n, rows = spec.batch, ceil(spec.batch / self.tile) * self.tile * self.x_stride
        weights = [0] + [n_in * (n_out | 1) for n_in, n_out in pairwise(widths[1:])]
        moves = 1 if spec.momentum else 0
        per_thread = (4 * self.fours + self.singles) * self.outs
        answers = 2 if spec.labels else widths[-1]
        words: dict[str, int | list[int]] = {
            "X": rows if spec.is_bytes else 2 * rows,
            "D": [n * stride for stride in self.d_strides],
            "ZEROED": 0,
            "BYTES": n * widths[0] // 4 if spec.is_bytes else 0,
            "SUMS": max(self.warps * self.n_sums * self.lanes_out, self.warps),
            "ORDER": 4 * n,
            "ANSWER": 2 * n * answers,
            "WEIGHT": 2 * n if spec.weighted else 0,
            "COST": 2 * n,
            "A": [0] + [n * width for width in widths[1:]],
            "W": weights,
            "BIAS": list(widths[1:]),
            "W_VELOCITY": [moves * size for size in weights],
            "BIAS_VELOCITY": [moves * width for width in widths[1:]],
            "FIRST": 4 * (self.fours - self.kept) * self.outs * self.threads,
            "VELOCITY": moves * per_thread * self.threads,
            "ALL": 0,
        }
        starts: dict[str, Any] = {}
        end = 0
        for name, sizes in words.items():
            offsets = []
            for size in sizes if isinstance(sizes, list) else [sizes]:
                offsets.append(end)
                end += ceil(size / 4) * 4  # each begins at 16 bytes
            starts[name] = offsets if isinstance(sizes, list) else offsets[0]
        return starts

    @property
    def x_stride(self) -> int:
        """Words between two examples: every slot finds a number, if only 0."""
        return ceil((4 * self.fours + self.singles) * self.slots / 4) * 4

    @property
    def n_sums(self) -> int:
        """Sums of a group of lanes for one tile, each lane's share alike."""
        share = 32 // self.lanes_out
        return ceil(self.tile * self.outs / share) * share

    @property
    def d_strides(self) -> list[int]:
        """Words between two examples' slopes, by layer; the first is padded."""
        return [0, self.lanes_out * self.outs, *self.spec.widths[2:]]

    @property
    def shared_bytes(self) -> int:
        """Dynamic shared memory of a block."""
        return _WORD * self.shared_memory["ALL"]

    @cached_property
    def counts(self) -> Counts:
        """Clocks of one step, as arithmetic has them; no measurement."""
        spec, warps, batch = self.spec, self.warps, self.spec.batch
        n_in, tiles = spec.widths[0], ceil(batch / self.tile)
        rows = tiles * self.tile
        # Warps with a last single input each are the first ones, one a scheduler.
        singles = n_in - 4 * self.fours * self.slots
        busy = ceil(singles * self.lanes_out / 32)  # warps x rounds with singles
        rounds = 4 * self.fours * ceil(warps / 4) + ceil(busy / 4)
        alone = 1 if warps >= 4 else 1.5  # latency shows where few warps hide it
        products = 2 * rounds * self.outs * rows * alone
        words = 4 * self.fours * warps + busy
        reads = 2 * words * rows
        groups = (self.fours + self.singles) * warps
        if tiles > 1:  # the deltas are read again for every group of inputs
            reads += groups * batch * self.outs
        far = 4 * (self.fours - self.kept) * self.outs * warps
        reads += far * (tiles + 2)
        if spec.momentum:
            reads += 2 * (4 * self.fours + self.singles) * self.outs * warps
        share = self.n_sums * self.lanes_out / 32
        shuffles = self.n_sums - share
        sums = tiles * (warps * (3 * shuffles / 2 + 2 * share) + 40 + 8 * warps)
        staged = batch * n_in / 128 * (3 if spec.is_bytes else 1)
        later = staged + 40 * (4 + 2 * len(spec.widths)) + 60 * ceil(batch / warps)
        for n, m in pairwise(spec.widths[1:]):
            for results, length in ((batch * m, n), (batch * n, m), (n * m, batch)):
                waves = ceil(results / self.threads)
                later += max(2 * ceil(results / 32) * length, waves * 6 * length)
        return Counts(products, reads, sums, later)


def thread_layouts(spec: KernelSpec, shared_limit: int) -> list[ThreadLayout]:
    """Return the layouts that fit so many bytes of shared memory, cheapest first."""
    layouts: list[ThreadLayout] = []
    for threads in _THREADS:
        for lanes_out in (1, 2, 4, 8, 16, 32):
            outs = ceil(spec.widths[1] / lanes_out)
            if outs > 16:
                continue
            for tiles in range(1, spec.batch + 1):
                tile = ceil(spec.batch / tiles)
                if tile * outs > 64 or ceil(spec.batch / tile) != tiles:
                    continue
                layout = ThreadLayout(spec, threads, lanes_out, outs, tile, 0)
                layouts += _fitted(layout, shared_limit)
    return sorted(layouts, key=lambda p: (p.counts.clocks, p.threads, p.tile))


def _fitted(layout: ThreadLayout, shared_limit: int) -> list[ThreadLayout]:
    """Return the layout that keeps most weights in registers, if it fits at all."""
    for kept in range(layout.fours, -1, -1):
        layout = replace(layout, kept=kept)
        if layout.registers <= layout.register_limit:
            return [layout] if layout.shared_bytes <= shared_limit else []
    return []
