"""`gpunet compile`: its options."""

import argparse

HELP = "Compile everything that numba compiles now, so that no run has to wait for it."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `compile`."""
    parser.description = (
        f"{HELP} Takes about a minute on one core; what is compiled already is "
        "loaded instead. Needs the extra `fast`. The code is kept where numba keeps "
        "its own: beside the package, or in the folder NUMBA_CACHE_DIR names."
    )
