"""Circuits of NANDs alone: one kind of neuron computes whatever can be computed.

Nielsen's argument: NAND is universal, a perceptron is a NAND, so networks of
perceptrons compute any function of bits. Every gate below is the same neuron,
weights -2 and -2, bias 3, fired on all rows of the truth table at once.
"""

from itertools import product
from typing import Any

from ..checks import equal
from .perceptron import NAND_BIAS, NAND_WEIGHTS, fire, neuron

Bits = list[float]  # one wire's value in every row of the truth table


class Circuit:
    """Wires joined by one neuron, fired as often as there are gates.

    Parameters
    ----------
    device : str or Backend
    """

    def __init__(self, device="cpu"):
        self._neuron = neuron(NAND_WEIGHTS, NAND_BIAS, device=device)
        self.gates = 0

    def nand(self, a: Bits, b: Bits) -> Bits:
        """Return NOT (a AND b), the only gate there is."""
        self.gates += 1
        return fire(self._neuron, list(zip(a, b, strict=True)))[1]

    def invert(self, a: Bits) -> Bits:
        """Return NOT a: one NAND."""
        return self.nand(a, a)

    def both(self, a: Bits, b: Bits) -> Bits:
        """Return a AND b: two NANDs."""
        return self.invert(self.nand(a, b))

    def either(self, a: Bits, b: Bits) -> Bits:
        """Return a OR b: three NANDs."""
        return self.nand(self.invert(a), self.invert(b))

    def half_adder(self, a: Bits, b: Bits) -> tuple[Bits, Bits]:
        """Return (sum, carry) of two bits: five NANDs, the first four are XOR."""
        n = self.nand(a, b)
        total = self.nand(self.nand(a, n), self.nand(b, n))
        return total, self.invert(n)

    def xor(self, a: Bits, b: Bits) -> Bits:
        """Return whether a and b differ: four NANDs."""
        n = self.nand(a, b)
        return self.nand(self.nand(a, n), self.nand(b, n))

    def full_adder(self, a: Bits, b: Bits, carry: Bits) -> tuple[Bits, Bits]:
        """Return (sum, carry) of three bits: nine NANDs."""
        n = self.nand(a, b)
        half = self.nand(self.nand(a, n), self.nand(b, n))
        m = self.nand(half, carry)
        return self.nand(self.nand(half, m), self.nand(carry, m)), self.nand(n, m)

    def add(self, a: list[Bits], b: list[Bits]) -> list[Bits]:
        """Return the sum of two numbers, lowest bit first, one bit longer."""
        total, carry = self.half_adder(a[0], b[0])
        out = [total]
        for one, other in zip(a[1:], b[1:], strict=True):
            total, carry = self.full_adder(one, other, carry)
            out.append(total)
        return [*out, carry]

    def any(self, wires: list[Bits], wanted: list[int]) -> Bits:
        """Return the function with this truth table, rows in counting order.

        Each row that is to be 1 becomes an AND of the wires or their inverses;
        the rows are joined by OR.
        """
        out = self.both(wires[0], self.invert(wires[0]))  # never
        inverted = [self.invert(w) for w in wires]
        for bits, value in zip(product((0, 1), repeat=len(wires)), wanted, strict=True):
            if not value:
                continue
            term = None
            for k, bit in enumerate(bits):
                wire = wires[k] if bit else inverted[k]
                term = wire if term is None else self.both(term, wire)
            out = self.either(out, term)
        return out


def all_rows(n: int) -> list[Bits]:
    """Return n wires that together take every value, in counting order."""
    return [
        list(map(float, wire)) for wire in zip(*product((0, 1), repeat=n), strict=True)
    ]


def circuits(*, device="cpu", seed=0) -> dict[str, Any]:
    """Build gates and adders from NANDs alone, and try them on every input."""
    a, b = all_rows(2)
    found, gates = {}, {}
    for name in ("invert", "both", "either", "xor", "half_adder"):
        circuit = Circuit(device)
        found[name] = getattr(circuit, name)(*((a,) if name == "invert" else (a, b)))
        gates[name] = circuit.gates
    total, carry = found["half_adder"]
    sums, adder_gates = _add_all(4, device)
    rows = [
        {"A": int(p), "B": int(q), "XOR": int(x), "sum": int(s), "carry": int(c)}
        for p, q, x, s, c in zip(a, b, found["xor"], total, carry, strict=True)
    ]
    names = {"invert": "NOT", "both": "AND", "either": "OR", "xor": "XOR"}
    return {
        "truth_table": rows,
        "nands_used": {names.get(k, k): n for k, n in gates.items()}
        | {"four_bit_adder": adder_gates},
        "checks": [
            equal("NOT", found["invert"], [1.0, 1.0, 0.0, 0.0]),
            equal("AND", found["both"], [0.0, 0.0, 0.0, 1.0]),
            equal("OR", found["either"], [0.0, 1.0, 1.0, 1.0]),
            equal("XOR", found["xor"], [0.0, 1.0, 1.0, 0.0]),
            equal("half-adder: sum", total, [0.0, 1.0, 1.0, 0.0]),
            equal("half-adder: carry", carry, [0.0, 0.0, 0.0, 1.0]),
            equal(
                "NANDs in XOR and half-adder",
                (gates["xor"], gates["half_adder"]),
                (4, 5),
            ),
            equal("sums of two 4-bit numbers right", sums, 256),
            equal("functions of two bits right", _functions(2, 16, device), 16),
            equal("of 32 functions of three bits", _functions(3, 32, device), 32),
        ],
    }


def _add_all(n: int, device) -> tuple[int, int]:
    """Return how many of all sums of two n-bit numbers come out, and the gates."""
    wires, circuit = all_rows(2 * n), Circuit(device)
    first, second = wires[:n][::-1], wires[n:][::-1]  # lowest bit first
    out = circuit.add(first, second)

    def value(bits, row):
        return sum(int(bit[row]) << k for k, bit in enumerate(bits))

    rows = range(len(wires[0]))
    right = sum(value(first, r) + value(second, r) == value(out, r) for r in rows)
    return right, circuit.gates


def _functions(n: int, tried: int, device) -> int:
    """Return how many functions of n bits come out as their truth table says."""
    wires, n_rows = all_rows(n), 2**n
    step = 2**n_rows // tried
    right = 0
    for code in range(0, 2**n_rows, step):
        wanted = [code >> row & 1 for row in range(n_rows)]
        right += Circuit(device).any(wires, wanted) == list(map(float, wanted))
    return right
