"""Sweeps: several learning rates (momenta, penalties) in one population."""

from typing import Any

from ....errors import ConfigError

SWEPT = ("learning_rate", "momentum", "l2", "l1")  # a value, or one for each member


def with_members(config: dict[str, Any], same_seed: bool = False) -> dict[str, Any]:
    """Return a configuration with one value, and where needed one seed, a member.

    Several values without a population are a population of one member each; a
    larger population trains as many members with each value, one after another.
    With `same_seed` these have seed, seed + 1, ... for each value.
    """
    lists = {key: config[key] for key in SWEPT if isinstance(config[key], list)}
    n_values = max(map(len, lists.values()), default=1)
    if config["population"] is None and n_values > 1:
        config = config | {"population": n_values}
    each, rest = divmod(config["population"] or 1, n_values)
    if not rest:
        spread = {
            key: [value for value in values for _ in range(each)]
            for key, values in lists.items()
            if len(values) == n_values
        }
        config = config | spread
    if not same_seed:
        return config
    if rest or n_values == 1 or isinstance(config["seed"], list):
        raise ConfigError(
            "same_seed: needs one `seed` and several values, such as learning rates, "
            "each for as many members"
        )
    return config | {"seed": [config["seed"] + i for i in range(each)] * n_values}
