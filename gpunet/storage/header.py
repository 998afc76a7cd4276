"""Read the header of a gpunet file: trust nothing, allocate nothing.

The header is checked before a byte of the body is read, so that a file that lies
about its sizes costs no memory. Whatever `encode` does not write is refused:
unknown keys, gaps or overlaps, other dtypes, numbers that only look right.
"""

import hashlib
import math
from typing import Any, NamedTuple

from ..io.json_text import parse_json
from ..io.messages import FileFault, printable

METADATA_KEY = "gpunet"
VERSION = 1
DTYPES = {  # from the last to the first in a file
    "BOOL": "|b1",
    "U8": "|u1",
    "I8": "|i1",
    "I16": "<i2",
    "U16": "<u2",
    "F16": "<f2",
    "I32": "<i4",
    "U32": "<u4",
    "F32": "<f4",
    "F64": "<f8",
    "I64": "<i8",
    "U64": "<u8",
}
_WIDTHS = {code: int(little[-1]) for code, little in DTYPES.items()}
_DOCUMENT = {"format": str, "version": int, "state": dict, "digests": dict}
_MAX_DIMENSIONS = 32
_MAX_SIZE = 2**48  # an empty array may claim any other side for nothing
# JSON of empty lists takes 27 times its length in memory: 2 MiB stay below 64.
MAX_HEADER = 2 * 2**20
RESTORE = "restore it from a copy, or train again"
_NOT_OURS = ("is not a gpunet file", "give a file that gpunet has written")


class Entry(NamedTuple):
    """One tensor of the file."""

    code: str  # of the dtype
    shape: tuple[int, ...]
    begin: int  # bytes from the start of the file
    end: int
    digest: str


class Header(NamedTuple):
    """The tensors of a file by name, and the state saved with them."""

    entries: dict[str, Entry]
    state: dict[str, Any]


def check_name(name: Any, error: type[ValueError]) -> None:
    """Raise `error` unless `name` can be the name of a tensor.

    Control characters have two spellings in JSON, so a flipped bit could go
    unseen. Names are never used as paths; those that try are refused anyway.
    """
    if not isinstance(name, str):
        raise error(f"a tensor's name is {name!r:.60}, not a text")
    is_text = name and all(c >= " " and not "\ud800" <= c <= "\udfff" for c in name)
    is_path = name.startswith("/") or "\\" in name or ".." in name.split("/")
    if not is_text or is_path or name == "__metadata__":
        raise error(f"{printable(name, 60)!r} cannot be the name of a tensor")


def header_end(first: bytes | memoryview, total: int) -> int:
    """Return where the header of a file of `total` bytes ends, or a ValueError.

    `first` has at least the first eight bytes, or the whole of a shorter file.
    """
    if len(first) < 8:
        raise ValueError(f"has only {total} bytes, so it is cut short or not a model")
    end = 8 + int.from_bytes(first[:8], "little")
    if end > total:
        raise ValueError("is cut short or is not a gpunet file")
    if end > 8 + MAX_HEADER:
        size = f"has a header of {end - 8:,} bytes"
        raise FileFault(f"{size}, more than the {MAX_HEADER:,} allowed", _NOT_OURS[1])
    return end


def parse_header(head: bytes | memoryview, total: int) -> Header:
    """Return the checked header of a file of `total` bytes, from its first bytes.

    A ValueError or RecursionError says what `encode` would not have written.
    """
    start = header_end(head, total)
    if bytes(head[8:9]) != b"{":
        raise FileFault(*_NOT_OURS)
    fields = _parse_object(bytes(head[8:start]).decode("utf-8"))
    document = _open_seal(fields.pop("__metadata__", None))
    digests = document["digests"]
    if digests.keys() != fields.keys():
        raise ValueError("contains other tensors than its list of digests")
    entries = {}
    for name, field in fields.items():
        check_name(name, ValueError)
        entries[name] = _entry(name, field, start, digests[name])
    expected = start
    for entry in sorted(entries.values(), key=lambda entry: (entry.begin, entry.end)):
        if entry.begin != expected:
            raise ValueError("has tensors that overlap or leave a gap")
        expected = entry.end
    if expected != total:
        raise ValueError(f"has {total:,} bytes where its header asks for {expected:,}")
    return Header(entries, document["state"])


def _open_seal(metadata: Any) -> dict[str, Any]:
    """Return the document of the metadata, after checking its digest."""
    value = metadata.get(METADATA_KEY) if isinstance(metadata, dict) else None
    if not isinstance(value, str) or len(metadata) != 1:
        raise FileFault(*_NOT_OURS)
    seal, text = value[:64], value[64:]
    if hashlib.sha256(text.encode("utf-8")).hexdigest() != seal:
        raise ValueError("was changed: its description does not match its digest")
    document = _parse_object(text)
    version, is_ours = document.get("version"), document.get("format") == "gpunet"
    if is_ours and type(version) is int and version > VERSION:
        versions = f"file version {version}, this one reads {VERSION}"
        raise FileFault(f"was written by a later gpunet ({versions})", "update gpunet")
    types = {key: type(value) for key, value in document.items()}
    if not is_ours or version != VERSION or types != _DOCUMENT:
        raise ValueError("has a description that gpunet does not write")
    return document


def _entry(name: str, field: Any, start: int, digest: str) -> Entry:
    where = f"the tensor {printable(name, 60)}"
    keys = {"dtype", "shape", "data_offsets"}
    if not isinstance(field, dict) or field.keys() != keys:
        raise ValueError(f"{where} is not described as in a gpunet file")
    code, shape, offsets = field["dtype"], field["shape"], field["data_offsets"]
    if not isinstance(code, str) or code not in DTYPES:
        dtype = f"{code!r:.40}, which gpunet never saves"
        raise ValueError(f"{where} has the dtype {dtype}")
    if not _are_sizes(shape) or len(shape) > _MAX_DIMENSIONS:
        raise ValueError(f"{where} has an impossible shape")
    if not _are_sizes(offsets) or len(offsets) != 2:
        raise ValueError(f"{where} has impossible offsets")
    begin, end = offsets
    if end - begin != math.prod(shape) * _WIDTHS[code]:
        raise ValueError(f"{where} has offsets that do not fit its shape")
    return Entry(code, tuple(shape), start + begin, start + end, digest)


def _are_sizes(value: Any) -> bool:
    # `type(...) is int`: true would pass isinstance and be taken for 1.
    return isinstance(value, list) and all(
        type(n) is int and 0 <= n <= _MAX_SIZE for n in value
    )


def _parse_object(text: str) -> dict[str, Any]:
    value = parse_json(text)
    if not isinstance(value, dict):
        raise FileFault(*_NOT_OURS)
    return value
