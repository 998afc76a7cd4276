"""Model files, checkpoints and run folders that survive crashes.

`header` and `codec` turn tensors into sealed bytes, `tensors` reads and writes
them by path, `network` keeps networks, `run_folder` a whole run; `export` writes
networks for other programs.
"""

from .codec import decode, encode
from .history import HistoryFile
from .network import (
    check_tensors,
    load_network,
    network_to_config,
    open_model,
    save_network,
)
from .run_folder import RunFolder
from .tensors import read_state, read_tensors, verify, write_tensors

__all__ = [
    "HistoryFile",
    "RunFolder",
    "check_tensors",
    "decode",
    "encode",
    "load_network",
    "network_to_config",
    "open_model",
    "read_state",
    "read_tensors",
    "save_network",
    "verify",
    "write_tensors",
]
