"""Read the header of a gpunet file: trust nothing, allocate nothing.

The header is checked before a byte of the body is read or an array made, so
that a file that lies about its sizes costs no memory. Whatever is not exactly
what `encode` writes is refused: unknown keys, gaps or overlaps between
tensors, other dtypes, and numbers that only look right.
"""

import contextlib
import hashlib
import json
import math
from typing import NamedTuple

from gpunet.errors import ModelFileError
from gpunet.io.messages import one_line, readable

METADATA_KEY = "gpunet"
VERSION = 1
DTYPES = {
    "BOOL": "|b1",
    "U8": "|u1",
    "I8": "|i1",
    "U16": "<u2",
    "I16": "<i2",
    "U32": "<u4",
    "I32": "<i4",
    "U64": "<u8",
    "I64": "<i8",
    "F16": "<f2",
    "F32": "<f4",
    "F64": "<f8",
}
_WIDTHS = {code: int(little[-1]) for code, little in DTYPES.items()}
_MAX_DIMENSIONS = 32
_MAX_SIZE = 2**48  # an empty array may claim any other side for nothing
# JSON of empty lists takes 27 times its length in memory: 2 MiB stay below 64.
MAX_HEADER = 2 * 2**20
_RESTORE = "restore it from a copy, or train again"
_OURS = "give a file that gpunet has written"


class Entry(NamedTuple):
    """One tensor of the file: dtype code, shape, place and digest."""

    code: str
    shape: tuple
    begin: int  # bytes from the start of the file
    end: int
    digest: str


class Header(NamedTuple):
    """The tensors of a file by name, and the state saved with them."""

    entries: dict
    state: dict


class Refused(ValueError):
    """A file that is refused with a cure of its own."""

    def __init__(self, why, cure):
        super().__init__(why)
        self.cure = cure


@contextlib.contextmanager
def refusing(where):
    """Turn every way in which bytes can be wrong into one `ModelFileError`.

    Parameters
    ----------
    where : str
        What the message calls the file.
    """
    try:
        yield
    except RecursionError as error:
        line = one_line("model file", where, "is nested too deeply", _RESTORE)
        raise ModelFileError(line) from error
    except (json.JSONDecodeError, UnicodeError) as error:
        line = one_line("model file", where, f"is damaged ({error})", _RESTORE)
        raise ModelFileError(line) from error
    except ValueError as error:
        cure = getattr(error, "cure", _RESTORE)
        raise ModelFileError(one_line("model file", where, str(error), cure)) from error


def check_name(name, error):
    """Raise `error` unless `name` can be the name of a tensor.

    Control characters have two spellings in JSON, so a flipped bit could go
    unseen. Names are never used as paths; those that try are refused anyway.

    Parameters
    ----------
    name : str
    error : type
        The exception class to raise.
    """
    if not isinstance(name, str):
        raise error(f"a tensor's name is {name!r:.60}, not a text")
    has_surrogate = any("\ud800" <= c <= "\udfff" for c in name)
    is_path = name.startswith("/") or "\\" in name or ".." in name.split("/")
    is_bad = not name or name == "__metadata__" or min(name) < " "
    if is_bad or has_surrogate or is_path:
        raise error(f"{readable(name, 60)!r} cannot be the name of a tensor")


def header_end(first, total):
    """Return where the header ends, from the first eight bytes of the file.

    Parameters
    ----------
    first : bytes-like
        At least the first eight bytes, or the whole of a shorter file.
    total : int
        Length of the whole file, bytes.

    Returns
    -------
    int, bytes from the start of the file

    Raises
    ------
    ValueError
        The length cannot be that of a header in this file.
    """
    if len(first) < 8:
        raise ValueError(f"has only {total} bytes, so it is cut short or no model")
    end = 8 + int.from_bytes(first[:8], "little")
    if end > total:
        raise ValueError("is cut short or is no gpunet file")
    if end > 8 + MAX_HEADER:
        why = f"has a header of {end - 8:,} bytes, more than the {MAX_HEADER:,} allowed"
        raise Refused(why, _OURS)
    return end


def parse_header(head, total):
    """Return the checked header of a file of `total` bytes.

    Parameters
    ----------
    head : memoryview
        The file's bytes, at least as far as its header reaches.
    total : int
        Length of the whole file, bytes.

    Returns
    -------
    Header

    Raises
    ------
    ValueError
        The header is not one that `encode` writes.
    RecursionError
        Its JSON is nested too deeply.
    """
    start = header_end(head, total)
    if bytes(head[8:9]) != b"{":
        raise Refused("is no gpunet file", _OURS)
    fields = _loads(bytes(head[8:start]).decode("utf-8"))
    document = _open_seal(fields.pop("__metadata__", None))
    digests = document["digests"]
    if digests.keys() != fields.keys():
        raise ValueError("holds other tensors than its list of digests")
    entries = {}
    for name, field in fields.items():
        check_name(name, ValueError)
        entries[name] = _entry(name, field, start, digests[name])
    _check_tiling(entries.values(), start, total)
    return Header(entries, document["state"])


def _open_seal(metadata):
    value = metadata.get(METADATA_KEY) if isinstance(metadata, dict) else None
    if not isinstance(value, str) or len(metadata) != 1:
        raise Refused("is no gpunet file", _OURS)
    seal, text = value[:64], value[64:]
    if hashlib.sha256(text.encode("utf-8")).hexdigest() != seal:
        raise ValueError("was changed: its description does not match its digest")
    document = _loads(text)
    version = document.get("version")
    if document.get("format") != "gpunet" or type(version) is not int or version < 1:
        raise ValueError("has a description that gpunet does not write")
    if version > VERSION:
        raise Refused(
            f"was written by a later gpunet (file version {version}, this one reads "
            f"{VERSION})",
            "update gpunet",
        )
    parts = {"format": str, "version": int, "state": dict, "digests": dict}
    if document.keys() != parts.keys() or not all(
        isinstance(document[key], kind) for key, kind in parts.items()
    ):
        raise ValueError("has a description that gpunet does not write")
    return document


def _entry(name, field, start, digest):
    where = f"the tensor {readable(name, 60)}"
    keys = {"dtype", "shape", "data_offsets"}
    if not isinstance(field, dict) or field.keys() != keys:
        raise ValueError(f"{where} is not described as in a gpunet file")
    code, shape, offsets = field["dtype"], field["shape"], field["data_offsets"]
    if not isinstance(code, str) or code not in DTYPES:
        raise ValueError(
            f"{where} has the dtype {code!r:.40}, which gpunet never saves"
        )
    if not _are_sizes(shape) or len(shape) > _MAX_DIMENSIONS:
        raise ValueError(f"{where} has an impossible shape")
    if not _are_sizes(offsets) or len(offsets) != 2:
        raise ValueError(f"{where} has an impossible place")
    begin, end = offsets
    if end - begin != math.prod(shape) * _WIDTHS[code]:
        raise ValueError(f"{where} has a place that does not fit its shape")
    return Entry(code, tuple(shape), start + begin, start + end, digest)


def _are_sizes(value):
    # `type(...) is int`: true would pass isinstance and be taken for 1.
    return isinstance(value, list) and all(
        type(n) is int and 0 <= n <= _MAX_SIZE for n in value
    )


def _check_tiling(entries, start, total):
    expected = start
    for entry in sorted(entries, key=lambda entry: (entry.begin, entry.end)):
        if entry.begin != expected:
            raise ValueError("has tensors that overlap or leave a gap")
        expected = entry.end
    if expected != total:
        raise ValueError(f"has {total:,} bytes where its header asks for {expected:,}")


def _loads(text):
    value = json.loads(
        text,
        object_pairs_hook=_without_duplicates,
        parse_constant=_finite,
        parse_float=_finite,
    )
    if not isinstance(value, dict):
        raise Refused("is no gpunet file", _OURS)
    return value


def _without_duplicates(pairs):
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("has a header that names a key twice")
    return result


def _finite(text):
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("has a header with a number that is not finite")
    return number
