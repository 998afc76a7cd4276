"""The persistent kernel's text: constants for one network, above `span.cu`.

The text is specialised to what is trained and to how threads share it, so that loops
over weights unroll and weights stay in registers.
"""

from functools import cache
from pathlib import Path

from .thread_layout import Plan

PARTS = ("tools", "first_layer", "later_layers", "span")  # of the text: tools.cu, ...
ACTIVATIONS = ("identity", "sigmoid", "tanh", "relu", "leaky_relu")
LOSSES = {  # name -> kind in the kernel, factor on the squares
    "softmax_cross_entropy": ("SOFTMAX_CROSS_ENTROPY", 0.0),
    "sigmoid_cross_entropy": ("SIGMOID_CROSS_ENTROPY", 0.0),
    "squared_error": ("SQUARED_ERROR", 1.0),
    "half_squared_error": ("SQUARED_ERROR", 0.5),
    "mean_squared_error": ("SQUARED_ERROR", None),
}


def source(plan: Plan) -> str:
    """Return the CUDA text of a plan."""
    spec, layout = plan.spec, plan.layout
    kind, squares = LOSSES[spec.loss]
    layers = len(spec.widths) - 1
    names = ["IDENTITY", "SIGMOID", "TANH", "RELU", "LEAKY_RELU"]
    numbers = {
        "THREADS": plan.threads,
        "LAYERS": layers,
        "LANES_OUT": plan.lanes_out,
        "OUTS": plan.outs,
        "TILE": plan.tile,
        "FOURS": plan.fours,
        "FOURS_KEPT": plan.kept,
        "SINGLES": plan.singles,
        "BATCH": spec.batch,
        "X_STRIDE": plan.x_stride,
        "LOSS": kind,
        "SMOOTHING": _float(spec.smoothing),
        "SQUARES": _float(1.0 / spec.widths[-1] if squares is None else squares),
        "IS_BYTES": int(spec.is_bytes),
        "LABELS": int(spec.labels),
        "WEIGHTED": int(spec.weighted),
        "TRACK": int(spec.track),
        "HITS": spec.hits,
        "HAS_MOMENTUM": int(spec.momentum),
        "NESTEROV": int(spec.nesterov),
        "HAS_L2": int(spec.l2),
    }
    arrays = {
        "WIDTH": spec.widths,
        "ACT": [names[ACTIVATIONS.index(name)] for name, _ in spec.activations],
        "W_STRIDE": [0, *(n | 1 for n in spec.widths[2:])],
        "D_STRIDE": plan.d_strides,
    }
    lines = [f"enum {{ {', '.join(names)} }};"]
    lines += ["enum { SOFTMAX_CROSS_ENTROPY, SIGMOID_CROSS_ENTROPY, SQUARED_ERROR };"]
    lines += ["enum { NONE, LARGEST_OUTPUT, THRESHOLD };"]
    lines += [f"#define {name} {value}" for name, value in numbers.items()]
    for name, place in layout.items():
        if isinstance(place, list):
            arrays[f"AT_{name}"] = place
        elif name != "ALL":
            lines.append(f"#define {'' if name == 'ZEROED' else 'AT_'}{name} {place}")
    for name, values in arrays.items():
        listed = ", ".join(map(str, values))
        lines.append(
            f"[[maybe_unused]] __device__ constexpr int {name}[] = {{{listed}}};"
        )
    alphas = ", ".join(_float(alpha) for _, alpha in spec.activations)
    lines.append(f"__device__ constexpr float ALPHA[] = {{{alphas}}};")
    lines.append(f"typedef {'unsigned char' if spec.is_bytes else 'float'} Pixel;")
    lines += _parameters(layers, spec.momentum)
    return "\n".join(lines) + "\n\n" + _text()


@cache
def _text() -> str:
    folder = Path(__file__).parent
    return "\n".join((folder / f"{part}.cu").read_text("utf-8") for part in PARTS)


def _parameters(layers: int, momentum: bool) -> list[str]:
    """Return the macros that name the tensors' pointers, in the order of launching."""
    kinds = {"WEIGHTS": "W", "BIASES": "b"}
    if momentum:
        kinds |= {"WEIGHT_VELOCITIES": "vW", "BIAS_VELOCITIES": "vb"}
    names = [f"{p}{k}" for p in kinds.values() for k in range(layers)]
    lines = ["#define PARAMETERS " + ", ".join(f"float *{name}" for name in names)]
    for macro, p in kinds.items():
        listed = ", ".join(f"{p}{k}" for k in range(layers))
        lines.append(f"#define {macro} {listed}")
    return lines


def _float(value: float) -> str:
    return f"{value!r}f"
