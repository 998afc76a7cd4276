"""npy and npz files of strangers: nothing is believed, nothing is unpickled."""

import io
import os
import pickle
import sys
import time
import tracemalloc
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpunet.errors import DataError
from gpunet.io import arrays
from gpunet.io.arrays import read_npy, read_npz


def npy(array, **more):
    file = io.BytesIO()
    np.save(file, array, **more)
    return file.getvalue()


def header(text, body=b"", version=1):
    text = text.encode("latin-1").ljust(117) + b"\n"
    size = len(text).to_bytes(2, "little")
    return b"\x93NUMPY" + bytes([version, 0]) + size + text + body


def zipped(members, method=zipfile.ZIP_STORED):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return file.getvalue()


def lean_refusal(read, path):
    """Return the one line with which a file is refused, at once and in no memory."""
    tracemalloc.start()
    started = time.process_time()
    with pytest.raises(DataError) as caught:
        read(path)
    seconds, peak = time.process_time() - started, tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert seconds < 2 and peak < 64 * 2**20 + 3 * os.path.getsize(path)
    assert len(str(caught.value)) <= 480
    return str(caught.value)


X = np.arange(12.0).reshape(4, 3)
GOOD = {
    **{name: X.astype(name) for name in ("f2", "f4", "f8", "i1", "u2", "i8", "u8")},
    "big-endian": X.astype(">f4"),
    "big-endian whole": X.astype(">i2"),
    "bool": X > 5,
    "Fortran": np.asfortranarray(X),
    "texts": np.array(["a", "bc"]),
    "texts, big-endian": np.array(["a", "bc"]).astype(">U2"),
}


@pytest.mark.parametrize("name", GOOD)
def test_arrays_convert_exactly(tmp_path, name):
    path = tmp_path / "x.npy"
    np.save(path, GOOD[name])
    found = read_npy(path)
    assert found.dtype == GOOD[name].dtype.newbyteorder("=") and found.dtype.isnative
    assert np.array_equal(found, GOOD[name])
    np.savez_compressed(tmp_path / "x.npz", x=GOOD[name])
    assert np.array_equal(read_npz(tmp_path / "x.npz")["x"], GOOD[name])


STRANGE = {
    "complex": X.astype(complex),
    "structured": np.zeros(3, [("a", "f4"), ("b", "i4")]),
    "datetime": np.zeros(3, "M8[s]"),
    "bytes": np.array([b"a", b"b"]),
    "void": np.zeros(3, "V4"),
    "empty texts": np.zeros(3, "U0"),
    **({"f128": X.astype("g")} if np.dtype("g").itemsize > 8 else {}),
}


@pytest.mark.parametrize("name", STRANGE)
def test_other_types_are_refused(tmp_path, name):
    path = tmp_path / "x.npy"
    content = npy(STRANGE[name])
    if name == "empty texts":  # NumPy itself writes <U1
        content = header("{'descr': '<U0', 'fortran_order': False, 'shape': (3,)}")
    path.write_bytes(content)
    assert "and numbers up to 64 bits or texts are read" in lean_refusal(read_npy, path)
    path.write_bytes(zipped([("x.npy", content)]))
    assert "numbers up to 64 bits" in lean_refusal(read_npz, path)


def test_objects_are_refused_without_unpickling(tmp_path):
    class Trap:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "sprung"),)

    events = []
    heard = [True]
    sys.addaudithook(lambda name, _: heard[0] and events.append(name))
    trap = np.array([Trap()], object)
    contents = [npy(trap, allow_pickle=True), pickle.dumps(Trap())]
    for k, content in enumerate(contents):
        path = tmp_path / f"{k}.npy"
        path.write_bytes(content)
        lean_refusal(read_npy, path)
        path.write_bytes(zipped([("x.npy", content)]))
        lean_refusal(read_npz, path)
    heard[0] = False
    assert "pickle.find_class" not in events and "open" in events
    assert not (tmp_path / "sprung").exists()


HUGE = ["(65536, 65536)", "(4294967296, 4294967296)", "(9223372036854775807, 3)"]
LIES = [
    *(f"{{'descr': '<f8', 'fortran_order': False, 'shape': {s}}}" for s in HUGE),
    "{'descr': '<f8', 'fortran_order': False, 'shape': (-1, 3)}",
    "{'descr': '<f8', 'fortran_order': False, 'shape': (3, 1)}",
    "{'descr': '<f8', 'fortran_order': False, 'shape': 3}",
    "{'descr': 'nothing', 'fortran_order': False, 'shape': (1,)}",
    "{'descr': '<f8', 'shape': (1,)}",
    "{'descr': '<f8', 'fortran_order': 1, 'shape': (1,)}",
    "__import__('os').getcwd()",
    "(" * 100,
    "",
]


@pytest.mark.parametrize("text", LIES, ids=range(len(LIES)))
def test_header_that_lies_costs_nothing(tmp_path, text):
    path = tmp_path / "x.npy"
    path.write_bytes(header(text, b"\0" * 16))
    lean_refusal(read_npy, path)
    path.write_bytes(zipped([("x.npy", header(text, b"\0" * 16))]))
    lean_refusal(read_npz, path)


def test_every_truncation_and_addition_is_refused(tmp_path):
    path, whole = tmp_path / "x.npy", npy(X.astype("f4"))
    for n in range(len(whole)):
        path.write_bytes(whole[:n])
        with pytest.raises(DataError):
            read_npy(path)
    path.write_bytes(whole + b"\0")
    assert "claims 48 bytes of shape (4, 3) float32 and has 49" in lean_refusal(
        read_npy, path
    )


def test_booleans_are_0_and_1(tmp_path):
    path = tmp_path / "x.npy"
    content = bytearray(npy(np.array([True, False])))
    for byte in (2, 255):
        content[-1] = byte
        path.write_bytes(content)
        assert "booleans other than 0 and 1" in lean_refusal(read_npy, path)


def test_zip_that_inflates_beyond_measure_is_refused(tmp_path):
    path = tmp_path / "x.npz"
    zeros = npy(np.zeros(10_000_000))  # 80 MB, 80 kB on disk
    path.write_bytes(zipped([("x.npy", zeros)], zipfile.ZIP_DEFLATED))
    assert "and inflates to 80,000,128" in lean_refusal(read_npz, path)
    small = npy(np.zeros(1_000_000))
    path.write_bytes(zipped([("x.npy", small)], zipfile.ZIP_DEFLATED))
    assert len(read_npz(path)["x"]) == 1_000_000


def test_damaged_zip_is_refused(tmp_path):
    path = tmp_path / "x.npz"
    whole = zipped([("x.npy", npy(X))], zipfile.ZIP_DEFLATED)
    flipped = bytearray(whole)
    flipped[60] ^= 4
    bad = [b"", b"PK", whole[:-5], bytes(flipped), npy(X), b"PK\x05\x06" + b"\0" * 18]
    bad += [zipped([("x.txt", b"1")]), zipped([("x.npy", b"not npy")])]
    encrypted = bytearray(whole)
    encrypted[whole.index(b"PK\x01\x02") + 8] |= 1
    encrypted[6] |= 1
    with pytest.warns(UserWarning, match="Duplicate"):
        twice = zipped([("x.npy", npy(X)), ("x.npy", npy(X))])
    for content in [*bad, bytes(encrypted), twice]:
        path.write_bytes(content)
        lean_refusal(read_npz, path)


@given(st.integers(0, 10_000), st.integers(1, 255))
def test_npz_with_a_changed_byte_is_the_same_or_refused(tmp_path_factory, at, change):
    path = tmp_path_factory.getbasetemp() / "flip.npz"
    content = bytearray(zipped([("x.npy", npy(X))], zipfile.ZIP_DEFLATED))
    content[at % len(content)] ^= change
    path.write_bytes(content)
    try:
        found = read_npz(path)
    except DataError:
        return
    assert all(np.array_equal(array, X) for array in found.values())


def test_large_npy_is_mapped_and_equal(tmp_path, monkeypatch):
    monkeypatch.setattr(arrays, "IN_MEMORY", 100)
    for x in (X, np.asfortranarray(X), X.astype(">i2")):
        np.save(tmp_path / "x.npy", x)
        matrix = read_npy(tmp_path / "x.npy")
        assert isinstance(matrix, np.memmap) and np.array_equal(matrix, x)
    np.save(tmp_path / "x.npy", X > 3)
    monkeypatch.setattr(arrays, "IN_MEMORY", 10)
    assert "such as uint8" in lean_refusal(read_npy, tmp_path / "x.npy")
    (tmp_path / "x.npy").write_bytes(npy(X)[:-1])
    assert "claims 96 bytes" in lean_refusal(read_npy, tmp_path / "x.npy")


def test_paths_that_are_no_files_are_refused(tmp_path):
    for path in (tmp_path / "none.npy", tmp_path):
        with pytest.raises(DataError):
            read_npy(path)
        with pytest.raises(DataError):
            read_npz(path)


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX only")
def test_pipe_does_not_hang(tmp_path):
    os.mkfifo(tmp_path / "x.npy")
    with pytest.raises(DataError):
        read_npy(tmp_path / "x.npy")
