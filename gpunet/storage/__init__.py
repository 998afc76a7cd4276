"""Model files, checkpoints and run folders that survive crashes.

From the bottom up: `atomic` replaces a file wholly or not at all, `header` and
`codec` turn tensors into sealed bytes, `files` reads and writes them by path,
`model` keeps networks, `history` the diary, and `folder` is the whole of a run.
"""

from gpunet.io.messages import one_line, readable
from gpunet.io.writing import probe_writable, remove_leftovers, write_atomically
from gpunet.storage.codec import decode, encode, finite_json
from gpunet.storage.export import FORMATS, Port, export_network, exported
from gpunet.storage.history import HistoryFile
from gpunet.storage.network import (
    check_fit,
    describe,
    fill,
    load_network,
    open_model,
    save_network,
)
from gpunet.storage.run_folder import RunFolder, write_json
from gpunet.storage.tensors import read_tensors, verify, write_tensors

__all__ = [
    "FORMATS",
    "HistoryFile",
    "Port",
    "RunFolder",
    "check_fit",
    "decode",
    "describe",
    "encode",
    "export_network",
    "exported",
    "fill",
    "finite_json",
    "load_network",
    "one_line",
    "open_model",
    "probe_writable",
    "read_tensors",
    "readable",
    "remove_leftovers",
    "save_network",
    "verify",
    "write_atomically",
    "write_json",
    "write_tensors",
]
