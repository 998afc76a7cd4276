"""The persistent kernel's text: constants for one network, above `span.cu`.

The text is specialised to what is trained and to how threads share it, so that loops
over weights unroll and weights stay in registers.
"""

from functools import cache
from pathlib import Path

from .. import lowering
from .thread_layout import ThreadLayout

_PARTS = ("tools", "first_layer", "later_layers", "span")  # tools.cu, ...
ACTIVATIONS = lowering.ACTIVATIONS[:5]


def source(layout: ThreadLayout) -> str:
    """Return the CUDA text of a layout."""
    spec, n_layers = layout.spec, len(layout.spec.widths) - 1
    enums = (ACTIVATIONS, lowering.LOSSES, ("none", "largest_output", "threshold"))
    lines = [f"enum {{ {', '.join(names).upper()} }};" for names in enums]
    lines += [f"#define {name} {value}" for name, value in _numbers(layout).items()]
    arrays = {
        "WIDTH": spec.widths,
        "ACT": [name.upper() for name, _ in spec.activations],
        "W_STRIDE": [0, *(n | 1 for n in spec.widths[2:])],
        "D_STRIDE": layout.d_strides,
    }
    for name, start in layout.shared_memory.items():
        if isinstance(start, list):
            arrays[f"AT_{name}"] = start
        elif name != "ALL":
            lines.append(f"#define {'' if name == 'ZEROED' else 'AT_'}{name} {start}")
    for name, values in arrays.items():
        text = ", ".join(map(str, values))
        lines.append(
            f"[[maybe_unused]] __device__ constexpr int {name}[] = {{{text}}};"
        )
    alphas = ", ".join(_float(alpha) for _, alpha in spec.activations)
    lines.append(f"__device__ constexpr float ALPHA[] = {{{alphas}}};")
    lines.append(f"typedef {'unsigned char' if spec.is_bytes else 'float'} Pixel;")
    lines += _parameters(n_layers, spec.momentum)
    return "\n".join(lines) + "\n\n" + _text()


def _numbers(layout: ThreadLayout) -> dict[str, int | str]:
    spec = layout.spec
    return {
        "THREADS": layout.threads,
        "LAYERS": len(spec.widths) - 1,
        "LANES_OUT": layout.lanes_out,
        "OUTS": layout.outs,
        "TILE": layout.tile,
        "FOURS": layout.fours,
        "FOURS_KEPT": layout.kept,
        "SINGLES": layout.singles,
        "BATCH": spec.batch,
        "X_STRIDE": layout.x_stride,
        "LOSS": spec.loss.upper(),
        "SMOOTHING": _float(spec.smoothing),
        "SQUARE_FACTOR": _float(spec.square_factor),
        "IS_BYTES": int(spec.is_bytes),
        "LABELS": int(spec.labels),
        "WEIGHTED": int(spec.weighted),
        "COMPUTE_METRICS": int(spec.compute_metrics),
        "ACCURACY": spec.accuracy.upper(),
        "HAS_MOMENTUM": int(spec.momentum),
        "NESTEROV": int(spec.nesterov),
        "HAS_L2": int(spec.l2),
    }


@cache
def _text() -> str:
    folder = Path(__file__).parent
    return "\n".join((folder / f"{part}.cu").read_text("utf-8") for part in _PARTS)


def _parameters(n_layers: int, momentum: bool) -> list[str]:
    """Return the macros that name the tensors' pointers, in the order of launching."""
    kinds = {"WEIGHTS": "W", "BIASES": "b"}
    if momentum:
        kinds |= {"WEIGHT_VELOCITIES": "vW", "BIAS_VELOCITIES": "vb"}
    names = {macro: [f"{p}{k}" for k in range(n_layers)] for macro, p in kinds.items()}
    pointers = ", ".join(f"float *{name}" for row in names.values() for name in row)
    macros = [f"#define {macro} {', '.join(row)}" for macro, row in names.items()]
    return [f"#define PARAMETERS {pointers}", *macros]


def _float(value: float) -> str:
    return f"{value!r}f"
