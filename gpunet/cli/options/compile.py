"""`gpunet compile`: its options."""

import argparse

from ..arguments import add_json

HELP = "Compile everything that numba compiles now, so that no run has to wait for it."
EXAMPLES = ("", "--json", "--debug")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `compile`."""
    parser.description = (
        f"{HELP} Takes about a minute on one core; compiled code is cached on disk "
        "by numba, beside the package or in the folder NUMBA_CACHE_DIR names, and "
        "loaded from there. Needs the extra `fast`."
    )
    add_json(parser)
