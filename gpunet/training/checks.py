"""What a run is checked for before it starts."""

from ..errors import ConfigError
from ..layers import Activation, Dense
from ..network import Network
from ..random import ORDERS


def largest_matrix(net: Network) -> int:
    """Return how many weights the largest Dense layer has."""
    return max(x.n_in * x.n_out for x in net.layers if isinstance(x, Dense))


def check_trainable(net: Network) -> None:
    """Refuse a network through which no gradient passes (ConfigError)."""
    for layer in net.layers:
        if isinstance(layer, Activation) and layer.f.untrainable:
            raise ConfigError(layer.f.untrainable)


def check_settings(
    epochs: int,
    batch_size: int | None,
    order: str,
    max_steps: int | None = None,
    order_seed: int | None = None,
) -> None:
    """Refuse counts below 1, unknown orders and seeds of no order (ConfigError)."""
    if order not in ORDERS:
        raise ConfigError(f"order: {order!r}: choose from {', '.join(ORDERS)}")
    if order_seed is not None:
        whole = isinstance(order_seed, int) and not isinstance(order_seed, bool)
        if not whole or order_seed < 0:
            raise ConfigError(
                f"order_seed: expected a whole number >= 0, got {order_seed!r}"
            )
        if order != "shared":
            raise ConfigError(
                f"order_seed: order {order!r} has no shared seed; give order='shared', "
                "or leave it out"
            )
    counts = {"epochs": epochs, "batch_size": batch_size, "max_steps": max_steps}
    for name, n in counts.items():
        if n is None and name != "epochs":
            continue
        if isinstance(n, bool) or not isinstance(n, int) or n < 1:
            raise ConfigError(f"{name}: expected a whole number >= 1, got {n!r}")
