"""How a block of threads shares a small network, and what that costs.

A `Spec` says what is trained, a `Plan` how threads, registers and shared memory are
dealt out. `plans` tries every way, counts the products and the reads of shared memory
of one step, and puts the cheapest that fits first. Counts are arithmetic.
"""

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from math import ceil
from typing import NamedTuple

_THREADS = (32, 64, 128, 256, 512)
_REGISTERS = 65536  # of a multiprocessor
_OVERHEAD = 30  # registers of a thread beside its arrays: addresses, counters
_WORD = 4  # bytes


@dataclass(frozen=True)
class Spec:
    """What is trained.

    Attributes
    ----------
    widths : tuple of int
        Neurons from the input to the output.
    activations : tuple of (str, float)
        Of each dense layer, with the slope below 0 of a leaky ReLU.
    loss : str
    smoothing : float
    batch : int
    is_bytes : bool
        Whether x lies on the device as bytes, to be scaled.
    labels, weighted, track : bool
        Whether answers are labels, examples have weights, losses are added up.
    hits : "NONE", "LARGEST_OUTPUT" or "THRESHOLD"
        How an output is counted as right.
    momentum, nesterov, l2 : bool
    """

    widths: tuple[int, ...]
    activations: tuple[tuple[str, float], ...]
    loss: str = "softmax_cross_entropy"
    smoothing: float = 0.0
    batch: int = 10
    is_bytes: bool = False
    labels: bool = True
    weighted: bool = False
    track: bool = True
    hits: str = "LARGEST_OUTPUT"
    momentum: bool = False
    nesterov: bool = False
    l2: bool = False


class Counts(NamedTuple):
    """Clocks of one multiprocessor for one step, by what is busy.

    Attributes
    ----------
    products : float
        Multiply-adds of the first layer, 128 a clock, by the busiest scheduler.
    reads : float
        The first layer's reads of x, 128 bytes a clock, as if every lane's bytes
        took their share: what a broadcast saves is not counted on.
    sums : float
        Shuffles, writes and reads that bring partial sums together.
    later : float
        All later layers and the loss, by their reads, and barriers.
    """

    products: float
    reads: float
    sums: float
    later: float

    @property
    def clocks(self) -> float:
        """Of a step: products and reads overlap, the rest follows."""
        return max(self.products, self.reads) + self.sums + self.later


@dataclass(frozen=True)
class Plan:
    """How a block of threads shares one network; see `span.cu`.

    Attributes
    ----------
    threads : int
    lanes_out : int
        Groups of neurons among a warp's lanes.
    outs : int
        Neurons of a thread.
    tile : int
        Examples a thread accumulates at once.
    kept : int
        Rounds of four inputs whose weights lie in registers.
    """

    spec: Spec
    threads: int
    lanes_out: int
    outs: int
    tile: int
    kept: int

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
        mine = (4 * self.kept + self.singles + self.tile + 4) * self.outs
        return mine + (4 * self.outs if self.kept < self.fours else 0) + _OVERHEAD

    @property
    def register_limit(self) -> int:
        """Registers a thread can have."""
        return min(255, _REGISTERS // self.threads // 8 * 8)

    @cached_property
    def layout(self) -> dict[str, int | list[int]]:
        """Where each array of shared memory begins, in words; "ALL" is the end."""
        spec, at = self.spec, 0
        found: dict[str, int | list[int]] = {}

        def take(name: str, words: int) -> None:
            nonlocal at
            found[name] = at
            at += ceil(words / 4) * 4  # each begins at 16 bytes

        def take_each(name: str, words: list[int]) -> None:
            places = []
            for n in words:
                take(name, n)
                places.append(found[name])
            found[name] = places

        tiles, widths = ceil(spec.batch / self.tile), spec.widths
        rows = tiles * self.tile * self.x_stride
        steps = list(pairwise(widths))
        weights = [0] + [n * (m | 1) for n, m in steps[1:]]
        per_thread = 4 * self.fours + self.singles
        take("X", rows if spec.is_bytes else 2 * rows)
        take_each("D", [0] + [spec.batch * n for n in self.d_strides[1:]])
        found["ZEROED"] = at
        take("BYTES", spec.batch * widths[0] // 4 if spec.is_bytes else 0)
        take("SUMS", max(self.warps * self.n_sums * self.lanes_out, self.warps))
        take("ORDER", 4 * spec.batch)
        take("ANSWER", 2 * spec.batch * (2 if spec.labels else widths[-1]))
        take("WEIGHT", 2 * spec.batch if spec.weighted else 0)
        take("COST", 2 * spec.batch)
        take_each("A", [0] + [spec.batch * n for n in widths[1:]])
        take_each("W", weights)
        take_each("BIAS", list(widths[1:]))
        moves = 1 if spec.momentum else 0
        take_each("W_VELOCITY", [moves * n for n in weights])
        take_each("BIAS_VELOCITY", [moves * n for n in widths[1:]])
        take("FIRST", 4 * (self.fours - self.kept) * self.outs * self.threads)
        take("VELOCITY", moves * per_thread * self.outs * self.threads)
        found["ALL"] = at
        return found

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
        return _WORD * self.layout["ALL"]

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


def plans(spec: Spec, shared_limit: int) -> list[Plan]:
    """Return the ways to share the work that fit, the cheapest first.

    Parameters
    ----------
    spec : Spec
    shared_limit : int
        Bytes of shared memory a block may have.
    """
    found = []
    for threads in _THREADS:
        for lanes_out in (1, 2, 4, 8, 16, 32):
            outs = ceil(spec.widths[1] / lanes_out)
            if outs > 16:
                continue
            for tiles in range(1, spec.batch + 1):
                tile = ceil(spec.batch / tiles)
                if tile * outs > 64 or ceil(spec.batch / tile) != tiles:
                    continue
                found += _kept(spec, shared_limit, threads, lanes_out, outs, tile)
    return sorted(found, key=lambda p: (p.counts.clocks, p.threads, p.tile))


def _kept(spec, shared_limit, threads, lanes_out, outs, tile) -> list[Plan]:
    """Return the plan that keeps most weights in registers, if it fits at all."""
    whole = Plan(spec, threads, lanes_out, outs, tile, 0)
    for kept in range(whole.fours, -1, -1):
        plan = Plan(spec, threads, lanes_out, outs, tile, kept)
        if plan.registers <= plan.register_limit:
            return [plan] if plan.shared_bytes <= shared_limit else []
    return []
