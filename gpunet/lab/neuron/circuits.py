"""Circuits of NANDs alone: one kind of neuron computes whatever can be computed.

Nielsen: NAND is universal, a perceptron is a NAND, so networks of perceptrons compute
any function of bits. Every gate is one neuron, fired on all rows of the table at once.
"""

from functools import reduce
from itertools import product

from ..checks import Result, equal
from .perceptron import NAND_BIAS, NAND_WEIGHTS, fire, neuron

Bits = list[float]  # one wire's value in every row of the truth table


class Circuit:
    """Wires joined by one neuron, fired as often as there are gates."""

    def __init__(self, device: str = "cpu") -> None:
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

    def _xor_nand(self, a: Bits, b: Bits) -> tuple[Bits, Bits]:
        """Return (a XOR b, a NAND b): four NANDs, and the first is the second."""
        n = self.nand(a, b)
        return self.nand(self.nand(a, n), self.nand(b, n)), n

    def xor(self, a: Bits, b: Bits) -> Bits:
        """Return whether a and b differ: four NANDs."""
        return self._xor_nand(a, b)[0]

    def half_adder(self, a: Bits, b: Bits) -> tuple[Bits, Bits]:
        """Return (sum, carry) of two bits: five NANDs."""
        total, n = self._xor_nand(a, b)
        return total, self.invert(n)

    def full_adder(self, a: Bits, b: Bits, carry: Bits) -> tuple[Bits, Bits]:
        """Return (sum, carry) of three bits: nine NANDs."""
        half, n = self._xor_nand(a, b)
        total, m = self._xor_nand(half, carry)
        return total, self.nand(n, m)

    def add(self, a: list[Bits], b: list[Bits]) -> list[Bits]:
        """Return the sum of two numbers, lowest bit first, one bit longer."""
        total, carry = self.half_adder(a[0], b[0])
        out = [total]
        for bit_a, bit_b in zip(a[1:], b[1:], strict=True):
            total, carry = self.full_adder(bit_a, bit_b, carry)
            out.append(total)
        return [*out, carry]

    def any(self, wires: list[Bits], truth: list[int]) -> Bits:
        """Return the function with this truth table: an OR of its rows' ANDs."""
        out = self.both(wires[0], self.invert(wires[0]))  # never
        inverted = [self.invert(w) for w in wires]
        for bits, value in zip(product((0, 1), repeat=len(wires)), truth, strict=True):
            if value:
                terms = ((inverted[k], wires[k])[bit] for k, bit in enumerate(bits))
                out = self.either(out, reduce(self.both, terms))
        return out


def all_rows(n: int) -> list[Bits]:
    """Return n wires that together take every value, in counting order."""
    return list(map(list, zip(*product((0.0, 1.0), repeat=n), strict=True)))


def circuits(*, device: str = "cpu", seed: int = 0) -> Result:
    """Build gates and adders from NANDs alone, and try them on every input."""
    a, b = all_rows(2)
    outputs, gates = {}, {}
    names = {"NOT": "invert", "AND": "both", "OR": "either", "XOR": "xor"}
    for name, method in (names | {"half_adder": "half_adder"}).items():
        circuit = Circuit(device)
        inputs = (a,) if name == "NOT" else (a, b)
        outputs[name] = getattr(circuit, method)(*inputs)
        gates[name] = circuit.gates
    total, carry = outputs["half_adder"]
    sums, gates["four_bit_adder"] = _add_all(4, device)
    xor_gates = (gates["XOR"], gates["half_adder"])
    return {
        "truth_table": [
            {"A": int(p), "B": int(q), "XOR": int(x), "sum": int(s), "carry": int(c)}
            for p, q, x, s, c in zip(a, b, outputs["XOR"], total, carry, strict=True)
        ],
        "nands_used": gates,
        "checks": [
            equal("NOT", outputs["NOT"], [1.0, 1.0, 0.0, 0.0]),
            equal("AND", outputs["AND"], [0.0, 0.0, 0.0, 1.0]),
            equal("OR", outputs["OR"], [0.0, 1.0, 1.0, 1.0]),
            equal("XOR", outputs["XOR"], [0.0, 1.0, 1.0, 0.0]),
            equal("half-adder: sum", total, [0.0, 1.0, 1.0, 0.0]),
            equal("half-adder: carry", carry, [0.0, 0.0, 0.0, 1.0]),
            equal("NANDs in XOR and half-adder", xor_gates, (4, 5)),
            equal("sums of two 4-bit numbers right", sums, 256),
            equal("functions of two bits right", _functions(2, 16, device), 16),
            equal("of 32 functions of three bits", _functions(3, 32, device), 32),
        ],
    }


def _add_all(n: int, device: str) -> tuple[int, int]:
    """Return how many sums of two n-bit numbers are right, and the gates."""
    wires, circuit = all_rows(2 * n), Circuit(device)
    first, second = wires[:n][::-1], wires[n:][::-1]  # lowest bit first
    out = circuit.add(first, second)

    def value(bits: list[Bits], row: int) -> int:
        return sum(int(bit[row]) << k for k, bit in enumerate(bits))

    rows = range(len(wires[0]))
    right = sum(value(first, r) + value(second, r) == value(out, r) for r in rows)
    return right, circuit.gates


def _functions(n: int, n_tried: int, device: str) -> int:
    """Return how many functions of n bits equal their truth table."""
    wires, n_rows = all_rows(n), 2**n
    right = 0
    for code in range(0, 2**n_rows, 2**n_rows // n_tried):
        truth = [code >> row & 1 for row in range(n_rows)]
        right += Circuit(device).any(wires, truth) == truth
    return right
