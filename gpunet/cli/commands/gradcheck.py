"""`gpunet gradcheck`: its work."""

import argparse
from dataclasses import asdict
from typing import Any

import numpy as np

from ...checks.gradcheck import METHODS, GradientCheck, check_gradients, describe
from ...errors import ConfigError
from ...layers import Activation, Dropout
from ...network import Network
from ...random import host_rng
from ...runs.config import check_config, network_from_config
from ...runs.presets import preset
from ...runs.resume import load_config
from ..tables import as_json, console, show

_WORDS = {"central": "central differences", "complex": "complex steps"}
_COLUMNS = [
    *("Tensor", "layer", ">worst entry", ">analytic", ">numeric", ">error"),
    *(">limit", ">checked", ">skipped", "verdict"),
]


def run(args: argparse.Namespace) -> int:
    """Check the network that the arguments describe; return the exit code."""
    net = _network(args)
    x, t = _data(net, args.rows, args.seed)
    found: dict[str, list[GradientCheck]] = {}
    notes: dict[str, str] = {}
    for method in METHODS if args.method == "both" else (args.method,):
        try:
            found[method] = check_gradients(
                net, x, t, method=method, max_entries=args.entries, seed=args.seed
            )
        except ConfigError as error:
            # Of both methods, only smooth networks can take the complex step.
            if args.method != "both" or method != "complex":
                raise
            notes[method] = str(error)
    good = all(check.ok for checks in found.values() for check in checks)
    if args.json:
        print(as_json(_record(net, found, notes, good)))
    else:
        _print(net, found, notes)
    return 0 if good else 1


def _network(args: argparse.Namespace) -> Network:
    own = {key: getattr(args, key) for key in ("activation", "output", "loss")}
    own = {key: value for key, value in own.items() if value is not None}
    if args.config:
        config = load_config(args.config)
    elif args.sizes:
        # Biases that are not 0, so that no kink of ReLU lies at the start.
        config = {"activation": "tanh", "sizes": _sizes(args.sizes)}
        config = check_config(config | {"biases": "standard_normal"})
    else:
        config = preset(args.preset or "default")
    return network_from_config(config | own | {"seed": args.seed})


def _sizes(text: str) -> list[int]:
    parts = text.replace("-", ",").split(",")
    if not all(part.isascii() and part.isdigit() for part in parts):
        raise ConfigError(f"sizes: {text!r}: write whole numbers, such as 4,5,3")
    return list(map(int, parts))


def _data(net: Network, n: int, seed: int) -> tuple[Any, Any]:
    n_in, n_out = net.layers[0].n_in, _width(net)
    rng = host_rng(seed, "check", n)
    x = rng.standard_normal((n, n_in))
    if n_out == 1:
        return x, rng.random((n, 1))
    return x, rng.integers(0, n_out, n)


def _width(net: Network) -> int:
    return [layer.n_out for layer in net.layers if "b" in layer.tensors][-1]


def _text(net: Network) -> str:
    parts = [
        str(getattr(layer.function, "name", layer.function))
        if isinstance(layer, Activation)
        else describe(layer)
        for layer in net.layers
        if not isinstance(layer, Dropout)
    ]
    return f"{', '.join(parts)}; {net.loss.name}"


def _record(net, found, notes, good) -> dict[str, Any]:
    checks = {
        method: [asdict(check) | {"ok": check.ok} for check in checks]
        for method, checks in found.items()
    }
    return {"network": repr(net), "ok": good, "checks": checks, "refused": notes}


def _print(net, found, notes) -> None:
    for method, checks in found.items():
        rows = [
            (
                check.tensor,
                check.layer,
                ", ".join(map(str, check.index)),
                f"{check.analytic:.9g}",
                f"{check.numeric:.9g}",
                f"{check.error:.1e}",
                f"{check.limit:.0e}",
                check.n_checked,
                check.n_skipped,
                "ok" if check.ok else "FAILED",
            )
            for check in checks
        ]
        worst = max(checks, key=lambda check: np.nan_to_num(check.error, nan=np.inf))
        verdict = "all tensors agree" if worst.ok else "back-propagation is WRONG"
        show(
            f"Gradient check by {_WORDS[method]}: {_text(net)}",
            _COLUMNS,
            rows,
            f"{verdict}; the worst is {worst.tensor} of {worst.layer}, "
            f"error {worst.error:.1e}",
        )
    for note in notes.values():
        console().print(note, markup=False)
