"""`gpunet gradcheck`: its work."""

import argparse
from dataclasses import asdict

import numpy as np

from ...backend import HostArray
from ...blocks import layer_title
from ...checks.gradcheck import GradientCheck, check_gradients
from ...errors import ConfigError
from ...layers import Dropout
from ...network import Network
from ...random import host_rng
from ...runs.config import check_config, load_config, network_from_config
from ...runs.presets import preset
from ..tables import as_json, console, show

_METHODS = {"central": "central differences", "complex": "complex steps"}
_COLUMNS = [
    *("Tensor", "layer", ">worst entry", ">analytic", ">numeric", ">error"),
    *(">limit", ">checked", ">skipped", "verdict"),
]


def run(args: argparse.Namespace) -> int:
    """Check the network that the arguments describe; return the exit code."""
    net = _network(args)
    x, t = _data(net, args.rows, args.seed)
    results: dict[str, list[GradientCheck]] = {}
    refused: dict[str, str] = {}
    settings = {"max_entries": args.entries, "seed": args.seed}
    for method in _METHODS if args.method == "both" else (args.method,):
        try:
            results[method] = check_gradients(net, x, t, method=method, **settings)
        except ConfigError as error:
            # Of both methods, the complex step is for smooth networks only.
            if args.method != "both" or method != "complex":
                raise
            refused[method] = str(error)
    ok = all(check.ok for checks in results.values() for check in checks)
    if args.json:
        checked = {
            method: [asdict(check) | {"ok": check.ok} for check in checks]
            for method, checks in results.items()
        }
        record = {"network": repr(net), "ok": ok, "checks": checked}
        print(as_json(record | {"refused": refused}))
        return 0 if ok else 1
    for method, checks in results.items():
        _show_checks(f"Gradient check by {_METHODS[method]}: {_text(net)}", checks)
    for note in refused.values():
        console().print(note, markup=False)
    return 0 if ok else 1


def _network(args: argparse.Namespace) -> Network:
    if args.config:
        config = load_config(args.config)
    elif args.sizes:
        # Biases that are not 0, so that no kink of ReLU lies at the start.
        config = {"activation": "tanh", "biases": "standard_normal"}
        config = check_config(config | {"sizes": args.sizes})
    else:
        config = preset(args.preset or "default")
    for key in ("activation", "output", "loss"):
        if getattr(args, key) is not None:
            config[key] = getattr(args, key)
    return network_from_config(config | {"seed": args.seed})


def _data(net: Network, n: int, seed: int) -> tuple[HostArray, HostArray]:
    rng = host_rng(seed, "check", n)
    x = rng.standard_normal((n, net.n_in or 1))
    t = rng.random((n, 1)) if net.n_out == 1 else rng.integers(0, net.n_out, n)
    return x, t


def _text(net: Network) -> str:
    layers = (layer for layer in net.layers if not isinstance(layer, Dropout))
    return f"{', '.join(map(layer_title, layers))}; {net.loss.name}"


def _show_checks(title: str, checks: list[GradientCheck]) -> None:
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
    tensor = f"the worst is {worst.tensor} of {worst.layer}, error {worst.error:.1e}"
    show(title, _COLUMNS, rows, f"{verdict}; {tensor}")
