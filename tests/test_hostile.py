"""Files of strangers run nothing: every loader, every hostile file, one audit hook."""

import gzip
import io
import json
import os
import pickle
import sys
import zipfile

import numpy as np
import pytest

from gpunet.data import read_idx, read_table
from gpunet.errors import GpunetError
from gpunet.runs.config import load_config
from gpunet.storage import HistoryFile, load_network, verify, write_tensors
from gpunet.storage.published import load_published
from gpunet.text import load_vectors, read_corpus

FORBIDDEN = ("pickle.", "exec", "import", "subprocess.", "os.", "socket.", "shutil.")


class Trap:
    """What unpickles to a call."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return os.mkdir, (self.path,)


def hostile(path):
    """Yield bytes that would make the folder `path`, if anything ran them."""
    trap, call = Trap(path), f"__import__('os').mkdir({str(path)!r})"
    for protocol in (0, 2, pickle.HIGHEST_PROTOCOL):
        yield pickle.dumps(trap, protocol)
    array = io.BytesIO()
    np.save(array, np.array([trap], object), allow_pickle=True)
    yield array.getvalue()
    header = f"{{'descr': {call}, 'fortran_order': False, 'shape': (1,)}}\n".encode()
    yield b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header
    yield call.encode()
    yield f"x,y\n{call},=cmd|' /C calc'!A0\n1,2\n".encode()
    yield f"!!python/object/apply:os.mkdir ['{path}']".encode()
    for text in (
        {"__class__": "os.mkdir", "__reduce__": [str(path)]},
        {"data": call, "activation": call, "weights": call, "loss": "os.mkdir"},
        {"weights": [[[call]]], "biases": [[call]], "cost": "os.mkdir"},
        {"step": 1, "py/object": "os.mkdir", "py/reduce": [str(path)]},
    ):
        yield json.dumps(text).encode()
    yield b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"
    yield b"<!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><x>&e;</x>"


def wrapped(content):
    """Yield a content as it is, zipped (also outwards) and compressed."""
    yield content
    yield gzip.compress(content, mtime=0)
    for name in ("x.npy", "../../slip.npy", "data.pkl"):
        memory = io.BytesIO()
        with zipfile.ZipFile(memory, "w") as archive:
            archive.writestr(zipfile.ZipInfo(name), content)
        yield memory.getvalue()


LOADERS = {
    "load_network": (load_network, "model.safetensors"),
    "verify": (verify, "model.safetensors"),
    "load_published json": (load_published, "w.json"),
    "load_published npz": (load_published, "w.npz"),
    "read_idx": (read_idx, "x-idx1-ubyte.gz"),
    "read_table csv": (read_table, "x.csv"),
    "read_table npz": (read_table, "x.npz"),
    "read_table npy": (read_table, "x.npy"),
    "load_config": (load_config, "config.json"),
    "history": (lambda path: HistoryFile(path).read(), "history.jsonl"),
    "load_vectors": (load_vectors, "vectors.safetensors"),
    "load_vectors text": (load_vectors, "vectors.txt"),
    "read_corpus": (lambda path: list(read_corpus([path])), "corpus.txt"),
}


@pytest.fixture(scope="module")
def hear():
    """Return a function that calls and gives the audited events of the call."""
    events, heard = [], [False]
    sys.addaudithook(lambda name, args: heard[0] and events.append((name, args)))

    def during(call, *args):
        events.clear()
        heard[0] = True
        try:
            call(*args)
        except GpunetError:
            pass
        finally:
            heard[0] = False
        return list(events)

    return during


def check_harmless(events, path):
    """Refuse whatever is more than opening `path` and reading it."""
    assert "open" in [event for event, _ in events]
    for event, args in events:
        assert not event.startswith(FORBIDDEN), (event, args)
        if event == "open" and not isinstance(args[0], int):  # else a descriptor
            assert str(args[0]) == str(path), args


@pytest.mark.parametrize("name", LOADERS)
def test_loading_runs_nothing(tmp_path, hear, name):
    load, file = LOADERS[name]
    path, sprung = tmp_path / file, tmp_path / "sprung"
    contents = [w for content in hostile(sprung) for w in wrapped(content)]
    assert len(contents) >= 30
    for listening in (False, True):  # the first round imports what messages need
        for content in contents:
            path.write_bytes(content)
            events = hear(load, path)
            if listening:
                check_harmless(events, path)
    assert not sprung.exists() and sorted(os.listdir(tmp_path)) == [file]


NAMES = ["os.mkdir", "__import__", "gpunet.cli", "../../slip", "builtins:exec"]


@pytest.mark.parametrize("name", NAMES)
def test_names_in_a_model_file_import_nothing(tmp_path, hear, name):
    path = tmp_path / "model.safetensors"
    dense = {"layer": "Dense", "n_in": 2, "n_out": 1}
    described = {"layers": [dense], "loss": "huber", "population": None}
    described |= {"seeds": [0], "dtype": "float32"}
    function = {"layer": "Activation", "function": name}
    tensors = {"0.W": np.zeros((2, 1), "float32"), "0.b": np.zeros(1, "float32")}
    for change in (
        {"layers": [{**dense, "layer": name}]},
        {"layers": [dense, function]},
        {"layers": [{**dense, "weights": name}]},
        {"loss": name},
        {"dtype": name},
    ):
        write_tensors(path, tensors, {"kind": "model", "network": described | change})
        with pytest.raises(GpunetError):
            load_network(path)  # the first time imports what messages need
        check_harmless(hear(load_network, path), path)


def test_hook_hears_what_is_forbidden(tmp_path, hear):
    content = pickle.dumps(Trap(tmp_path / "sprung"))
    heard = {event for event, _ in hear(pickle.loads, content)}
    assert {"pickle.find_class", "os.mkdir"} <= heard
