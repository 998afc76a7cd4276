"""Tables as other programs write them: read alike, or refused with what reads them."""

import gzip
import io

import pytest
from tables import error_of, write

from gpunet.data import read_splits, read_table

LIKE = {"size": [1.5, -2.0, 3.0], "kind": ["x", "é y", "x"]}
ROWS = [(1.5, "x"), (-2, "é y"), (3, "x")]


def lines(mark=",", *, head="size{}kind", quote="", comma=False, end="\n"):
    cells = [f"{size}{mark}{quote}{kind}{quote}" for size, kind in ROWS]
    if comma:
        cells = [cell.replace(".", ",") for cell in cells]
    return end.join([head.format(mark), *cells]) + end


ALIKE = {
    "plain": (lines(), {}),
    "semicolons": (lines(";"), {}),
    "tabs": (lines("\t"), {}),
    "pipes": (lines("|"), {}),
    "another character": (lines("^"), {"delimiter": "^"}),
    "spaces": (lines(" ", quote='"'), {"delimiter": "space"}),
    "aligned spaces": (lines("   ", quote='"'), {"delimiter": " "}),
    "blanks around cells": (lines(" , "), {}),
    "blanks and quotes": (lines(" , ", quote='"'), {}),
    "Windows line ends": (lines(end="\r\n"), {}),
    "empty lines at the end": (lines() + "\n\n", {}),
    "decimal commas": (lines(";", comma=True), {"decimal": ","}),
    "byte order mark": (b"\xef\xbb\xbf" + lines().encode(), {}),
    "byte order mark overrules": (
        b"\xef\xbb\xbf" + lines().encode(),
        {"encoding": "latin-1"},
    ),
    "Latin-1": (lines().encode("latin-1"), {"encoding": "latin-1"}),
    "Windows-1252": (lines().encode("cp1252"), {"encoding": "cp1252"}),
    "UTF-16": (lines("\t").encode("utf-16"), {"encoding": "utf-16"}),
    "gzip": (gzip.compress(lines().encode()), {}),
    "row numbers": (",size,kind\n0,1.5,x\n1,-2,é y\n2,3,x\n", {}),
    "row numbers from 1": ('"",size,kind\n"1",1.5,x\n"2",-2,é y\n"3",3,x\n', {}),
    "row names without a name": ("size,kind\na 1,1.5,x\nb,-2,é y\nc,3,x\n", {}),
    "last column empty": ("size,kind,\n1.5,x,\n-2,é y,\n3,x,\n", {}),
    "nameless column dropped": (
        ",size,kind\n7,1.5,x\n7,-2,é y\n7,3,x\n",
        {"drop": [""]},
    ),
    "dropped by number": (",size,kind\n7,1.5,x\n7,-2,é y\n7,3,x\n", {"drop": ["1"]}),
    "dropped by name": (
        "size,mixed,kind\n1.5,1,x\n-2,A/1,é y\n3,,x\n",
        {"drop": ["mixed"]},
    ),
    "first line named by force": (lines(head="size{}kind"), {"header": True}),
}


@pytest.mark.parametrize("name", ALIKE)
def test_forms_of_a_table_are_read_alike(tmp_path, name):
    content, options = ALIKE[name]
    table = read_table(write(tmp_path, content), **options)
    assert {k: v.tolist() for k, v in table.columns.items()} == LIKE
    left_out = {"row numbers", "row numbers from 1", "row names without a name"}
    assert len(table.notes) == (name in left_out | {"last column empty"})


def test_fields_are_those_of_the_file_where_columns_are_left_out(tmp_path):
    path = write(tmp_path, ",a,b,y\n0,,1,0\n1,2,3,1\n2,2,9,0\n")
    error = error_of(read_splits, path, "y", test_size=0, validation=0)
    assert ":2:2: 1 cell is missing (a 1)" in str(error)


def test_tsv_prefers_tabs_where_two_delimiters_fit(tmp_path):
    content = "a, b\tc\n1,5\t2\n"
    table = read_table(write(tmp_path, content, "t.tsv"), categories=["a, b"])
    assert list(table.columns) == ["a, b", "c"]
    error = error_of(read_table, write(tmp_path, content))
    assert "fits: comma (2 columns), tab (2 columns)" in str(error)
    assert error.settings == {"delimiter": "comma"}


def test_wide_table_has_its_delimiter_found(tmp_path):
    names = ";".join(f"a rather long name {k}" for k in range(9000))  # > 64 KiB
    row = ";".join(["1"] * 9000)
    table = read_table(write(tmp_path, f"{names}\n{row}\n{row}\n"))
    assert len(table.columns) == 9000


def test_table_without_a_header_is_numbered(tmp_path):
    content = "5.1,3.5,setosa\n4.9,3.0,other\n"
    path = write(tmp_path, content)
    error = error_of(read_table, path)
    assert error.settings == {"header": False} and "looks like data" in str(error)
    table = read_table(path, header=False)
    assert list(table.columns) == ["1", "2", "3"] and table.lines.tolist() == [1, 2]
    assert table.target("-1")[1] == "3"
    error = error_of(read_table, write(tmp_path, "a,b\n1,x\n2,y\n"), header=False)
    assert "looks like a header: use header=True" in str(error)
    for head, years in (("x,2019,2020", True), ("x,2020,2019", False)):
        path = write(tmp_path, f"{head}\na,1,2\nb,3,4\n")
        if years:
            assert list(read_table(path).columns) == head.split(",")
        else:
            error_of(read_table, path)


REFUSED = [
    ({"delimiter": "ab"}, "delimiter: must be one character"),
    ({"delimiter": '"'}, "delimiter: must be"),
    ({"encoding": "utf-99"}, "encoding: 'utf-99'"),
    ({"encoding": "rot13"}, "encoding: 'rot13'"),
    ({"decimal": ";"}, "decimal: must be"),
    ({"header": 3}, "header: must be"),
    ({"drop": ["9"]}, "drop: '9': no such column"),
    ({"encoding": "ascii"}, ":3:2: is not ascii"),
]


@pytest.mark.parametrize(("options", "why"), REFUSED, ids=range(len(REFUSED)))
def test_settings_of_reading_that_cannot_work_are_refused(tmp_path, options, why):
    path = write(tmp_path, lines())
    assert why in str(error_of(read_table, path, **options))


ENCODED = {
    "latin-1": "a,b\n1,caf\xe9\n".encode("latin-1"),
    "cp1252": "a,b\n1,\u201cx\u201d\n".encode("cp1252"),
    "utf-16": "a,b\n1,x\n".encode("utf-16"),
    "utf-32": "a,b\n1,x\n".encode("utf-32"),
}


@pytest.mark.parametrize("encoding", ENCODED)
def test_encoding_that_the_message_names_reads_the_file(tmp_path, encoding):
    path = write(tmp_path, ENCODED[encoding])
    assert error_of(read_table, path).settings == {"encoding": encoding}
    assert len(read_table(path, encoding=encoding).columns["b"][0]) in (1, 3, 4)


def test_gzip_is_bounded_and_whole(tmp_path):
    whole = gzip.compress(lines().encode())
    for content, why in (
        (whole[:-9], "is truncated"),
        (whole + b"x", "extra bytes"),
        (lines().encode(), "does not start as gzip"),
        (gzip.compress(b"a,b\n" + b"1" * 2**27), "inflates to more than"),
    ):
        path = write(tmp_path, content, "t.csv.gz")
        assert why in str(error_of(read_table, path))


def test_standard_input_is_read_once_and_named(monkeypatch):
    text = io.TextIOWrapper(io.BytesIO(lines(";").encode()))
    monkeypatch.setattr("sys.stdin", text)
    assert list(read_table("-").columns) == ["size", "kind"]
    assert "standard input: is empty" in str(error_of(read_table, "-"))
    assert "test: standard input" in str(error_of(read_splits, "-", "kind", test="-"))
    monkeypatch.setattr("sys.stdin", None)
    assert "standard input: cannot be read" in str(error_of(read_table, "-"))
