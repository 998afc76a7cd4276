"""Networks as text: one line, as `repr` shows it, and a table, layer by layer."""

from math import prod

from ..blocks import DenseBlock, dense_blocks, layer_title
from ..errors import ConfigError
from ..io.messages import counted
from ..io.tables import text_table
from ..layers import Embedding, Flatten
from ..network import Network


def title(net: Network) -> str:
    """Return a network in one line: its sizes, and what is not the default.

    Examples
    --------
    >>> import gpunet
    >>> gpunet.mlp([784, 16, 16, 10], "sigmoid")
    784-16-16-10 sigmoid, 13,002 parameters
    >>> gpunet.mlp([2, 3, 1], output="sigmoid", loss="squared_error", population=20)
    2-3-1 relu, output sigmoid, loss squared_error, 13 parameters x 20 members
    """
    try:
        parts = [_sizes(dense_blocks(net.layers))]
    except ConfigError:
        parts = [" - ".join(map(layer_title, net.layers))]
    if net.loss.name != "softmax_cross_entropy":
        parts.append(f"loss {net.loss.name}")
    members = f" x {counted(net.population, 'member')}" if net.population else ""
    parts.append(f"{net.n_parameters:,} parameters{members}")
    parts += [net.dtype] if net.dtype != "float32" else []
    parts += [f"on {net.backend.name}"] if net.backend.name != "cpu" else []
    return ", ".join(parts)


def _sizes(blocks: list[DenseBlock]) -> str:
    """Return blocks as "2-3-1 tanh, dropout 0.5, output sigmoid"."""
    hidden, last = blocks[:-1], blocks[-1]
    sizes = "-".join(
        str(n) for n in [blocks[0].dense.n_in, *(b.dense.n_out for b in blocks)]
    )
    names = [block.f.name for block in hidden]
    names = names[:1] if len(set(names)) == 1 else names
    parts = [" ".join([sizes, *["/".join(names)] * bool(names)])]
    rates = list(dict.fromkeys(block.dropout for block in blocks if block.dropout))
    parts += [f"dropout {'/'.join(map(str, rates))}"] if rates else []
    parts += [f"output {last.f.name}"] if last.f.name != "identity" else []
    return ", ".join(parts)


class Summary:
    """A network layer by layer, as a table of text when it is printed.

    Attributes
    ----------
    rows : list of (int, str, tuple, int)
        Of each layer: its index, its name, the shape of its output, in which n is
        the number of examples, and its parameters.
    total : int
        The parameters of one network.
    network : str
        The loss, the device, the dtype and the members.

    Examples
    --------
    >>> import gpunet
    >>> gpunet.mlp([784, 16, 10]).summary()
       layer           output   parameters
    0  Dense(784, 16)  (n, 16)      12,560
    1  relu            (n, 16)           0
    2  Dense(16, 10)   (n, 10)         170
       total                        12,730
    loss softmax_cross_entropy, float32 on cpu
    """

    def __init__(self, net: Network):
        widths = _output_widths(net)
        self.rows = [
            (
                i,
                layer_title(layer),
                ("n", width),
                sum(prod(p.shape) for p in params.values()) // (net.population or 1),
            )
            for i, (layer, params, width) in enumerate(
                zip(net.layers, net.params.by_layer, widths, strict=True)
            )
        ]
        self.total = net.n_parameters
        members = f", {counted(net.population, 'member')}" if net.population else ""
        where = f"{net.dtype} on {net.backend.name}"
        self.network = f"loss {net.loss.name}, {where}{members}"

    def __repr__(self) -> str:
        table = [("", "layer", "output", "parameters")]
        table += [
            (str(i), name, f"({', '.join(map(str, shape))})", f"{n:,}")
            for i, name, shape, n in self.rows
        ]
        table.append(("", "total", "", f"{self.total:,}"))
        return "\n".join([*text_table(table, "<<<>"), self.network])


def _output_widths(net: Network) -> list[int | str]:
    """Return the features of each layer's output, "?" where they are not known."""
    width: int | str = net.n_in or "?"
    widths: list[int | str] = []
    for i, layer in enumerate(net.layers):
        if isinstance(layer, Flatten):
            width = prod(layer.shape)
        elif isinstance(layer, Embedding):  # as many as the next layer expects
            later = (getattr(x, "n_in", None) for x in net.layers[i + 1 :])
            width = next((n for n in later if isinstance(n, int)), "?")
        elif isinstance(n_out := getattr(layer, "n_out", None), int):
            width = n_out
        widths.append(width)
    return widths
