"""CSV files of strangers: what is taken exactly, and what is refused where."""

import os
import re
import sys
import time
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpunet.data import read_table as read_csv
from gpunet.errors import DataError


def read(tmp_path, content, **options):
    path = tmp_path / "table.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_csv(path, **options)


def refusal(tmp_path, content, **options):
    with pytest.raises(DataError) as caught:
        read(tmp_path, content, **options)
    line = str(caught.value)
    assert line.startswith("table: ") and len(line) <= 480 and "\n" not in line
    return line


def test_numbers_and_texts_become_columns(tmp_path):
    table = read(tmp_path, 'a,b,"c ""q"", d"\n1,x,-.5e1\n2.,"y\nz",+3\n')
    assert list(table.columns) == ["a", "b", 'c "q", d']
    assert table.columns["a"].tolist() == [1.0, 2.0]
    assert table.columns["b"].tolist() == ["x", "y\nz"]
    assert table.columns['c "q", d'].tolist() == [-5.0, 3.0]
    assert table.lines.tolist() == [2, 3] and len(table) == 2


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("last", [True, False])
def test_byte_order_mark_and_both_line_ends_are_taken(tmp_path, end, mark, last):
    text = end.join(["a,b", "1,é", "3,4x"]) + end * last
    table = read(tmp_path, mark + text.encode())
    assert list(table.columns) == ["a", "b"]
    assert table.columns["a"].tolist() == [1.0, 3.0]
    assert table.columns["b"].tolist() == ["é", "4x"]


def test_missing_cells_are_nan_or_empty(tmp_path):
    content = "a,b,c\n,x,NA\n2,,5\n"
    table = read(tmp_path, content, missing=["NA"])
    assert np.isnan(table.columns["a"][0]) and table.columns["a"][1] == 2
    assert table.columns["b"].tolist() == ["x", ""]
    assert np.isnan(table.columns["c"][0]) and table.columns["c"][1] == 5
    table = read(tmp_path, "a,b\n1,-999\n2,7\n", missing=["-999"])
    assert np.isnan(table.columns["b"][0]) and table.columns["b"][1] == 7
    table = read(tmp_path, "a,b\n,1\n,2\n")
    assert np.isnan(table.columns["a"]).all()


def test_columns_named_as_categories_stay_texts(tmp_path):
    table = read(tmp_path, "a,b\n01,1\nx,2\n", categories=["a"])
    assert table.columns["a"].tolist() == ["01", "x"]


def test_columns_that_begin_late_keep_their_kind(tmp_path):
    blank = ",1\n" * 5000  # more than is read at once
    texts = read(tmp_path, "a,b\n" + blank + "x,1\n").columns["a"]
    assert texts.dtype == object and texts[0] == "" and texts[-1] == "x"
    numbers = read(tmp_path, "a,b\n" + blank + "7,1\n").columns["a"]
    assert np.isnan(numbers[:-1]).all() and numbers[-1] == 7


REFUSED = {
    "ragged": ("a,b\n1,2\n3\n", "3:2: has 1 cell, the header 2"),
    "too long": ("a,b\n1,2,3\n", "2:3: has 3 cells, the header 2"),
    "short last row": ("a,b\n1,2\n3", "3:2: has 1 cell"),
    "empty line": ("a,b\n1,2\n\n3,4\n", "3:1: is an empty line"),
    "empty lines": ("a,b\n1,2\n\n\n3,4\n", "3:1: is an empty line"),
    "empty first line": ("\na,b\n1,2\n", "1:1: is an empty line"),
    "unclosed quote": ('a,b\n1,2\n3,"4\n5,6\n', "3:1: the row that begins here"),
    "text after a quote": ('a,b\n1,"2"x\n', "2:1: the row that begins here"),
    "huge field": (f"a,b\n1,{'x' * 200_000}\n", "2:1: the row that begins here"),
    "NUL": (b"a,b\n1,2\n3,\x004\n", "3:2: contains a NUL byte"),
    "lone CR": (b"a,b\r1,2\r", "1:2: contains a lone carriage return"),
    "UTF-16": ("a,b\n1,2\n".encode("utf-16"), "1:1: begins as UTF-16"),
    "UTF-16, other end": ("\ufeffa,b\n".encode("utf-16-be"), "1:1: begins as UTF-16"),
    "UTF-16 without a mark": ("a,b\n1,2\n".encode("utf-16-le"), "1:1: contains a NUL"),
    "Latin-1": (b"a,b\n1,x\n2,caf\xe9\n", "3:2: byte 0xe9 is not UTF-8"),
    "two delimiters fit": ("a,b;c,d\n1,b;c,2\n", ":1: more than one delimiter fits"),
    "no delimiter fits": ("a,b;c\n1,2;3;4\n5;6\n", ":1: its rows are uneven by each"),
    "one column": ("a\n1\n", "1:1: the header has one column, 'a'"),
    "header missing": ("1,2\n3,4\n", "1:1: the first line contains numbers only"),
    "duplicate header": ("a,b,a\n1,2,3\n", "1:3: column 1 is called 'a' too"),
    "nameless column": (",b\n1,2\n1,3\n", "1:1: column 1 has no name"),
    "nameless later": ("a,,b\n1,5,2\n", "1:2: column 2 has no name"),
    "extra delimiter": ("a,b\n1,2,\n2,3,\n", "1:3: each row has an empty cell"),
    "cell without name": ("a,b\n1,2,3\n1,3,4\n", "has no name (the header has 2"),
    "comment first": ("# made by\na,b\n", "1:1: begins with a comment"),
    "header like data": ("5.1,x\n4.9,y\n", "1:1: the first line looks like data"),
    "comment with commas": ("#a,b\n1,2\n", "1:1: begins with a comment"),
    "comment later": ("a,b\n1,2\n# 3,4\n", "3:1: a: '# 3' is not a number, line 2 has"),
    "0 bytes": ("", "is empty (0 bytes)"),
    "header only": ("a,b\n", "contains a header and no rows"),
    "text among numbers": (
        "a,b\n1,2\nx,3\n",
        "3:1: a: 'x' is not a number, line 2 has",
    ),
    "number among texts": ("a,b\nx,2\n1,3\n", "3:1: a: '1' is a number, line 2 has"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_odd_file_is_refused_with_line_and_column(tmp_path, name):
    content, why = REFUSED[name]
    assert why in refusal(tmp_path, content)


NOT_ASCII_DIGITS = ["1_000", "\u0665", "5\u00a0", "inf", "nan", "-Infinity"]


@pytest.mark.parametrize("cell", NOT_ASCII_DIGITS)
@pytest.mark.parametrize("rows", [["1", "?"], ["?", "1"], ["?", "?"]])
def test_number_that_only_python_takes_is_refused(tmp_path, cell, rows):
    rows = [cell if row == "?" else row for row in rows]
    line = 2 + rows.index(cell)
    why = refusal(tmp_path, "b,a\n" + "".join(f"0,{row}\n" for row in rows))
    assert f":{line}:2: a: " in why and "not written as a number in ASCII" in why


def test_number_beyond_float64_is_refused(tmp_path):
    assert ":3:1: a: '1e400' is beyond" in refusal(tmp_path, "a,b\n1,2\n1e400,3\n")


def test_number_with_a_line_end_inside_is_refused(tmp_path):
    assert ":2:1: a: '5\\n' is not" in refusal(tmp_path, 'a,b\n"5\n",1\n')


_DECIMAL = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_LIKELY = st.text("0123456789+-.eE_ naifINFx\u0665\u00a0", min_size=1, max_size=9)


@given(st.one_of(_LIKELY, st.floats().map(repr), st.text(min_size=1, max_size=6)))
def test_numbers_are_ascii_decimals_and_nothing_else(tmp_path_factory, cell):
    if set(cell) & set('\r\n",\0') or not cell.isprintable():
        return
    path = tmp_path_factory.getbasetemp() / "one.csv"
    path.write_text(f"a,b\n1,2\n{cell},3\n", encoding="utf-8", newline="")
    good = _DECIMAL.fullmatch(cell) and np.isfinite(float(cell))
    try:
        values = read_csv(path).columns["a"]
    except DataError as error:
        assert not good and ":3:1: " in str(error)
    else:
        assert good and values.tolist() == [1.0, float(cell)]


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "bytes.csv"
    path.write_bytes(content)
    try:
        read_csv(path)
    except DataError as error:
        assert len(str(error)) <= 480


def test_places_count_lines_inside_quotes(tmp_path):
    content = 'a,b\n"x\ny",1\nz,oops\n'
    assert ":4:2: b: 'oops' is not a number, line 2 has" in refusal(tmp_path, content)


def test_large_table_is_read_quickly_and_lean(tmp_path):
    rng = np.random.Generator(np.random.PCG64(0))
    x = np.round(rng.standard_normal((10_000, 50)), 4)
    rows = "\n".join(",".join(map(repr, row)) for row in x.tolist())
    path = tmp_path / "large.csv"
    path.write_text(",".join(f"c{k}" for k in range(50)) + "\n" + rows)
    started = time.process_time()
    table = read_csv(path)
    assert time.process_time() - started < 3  # 0.25 s of a core
    assert np.array_equal(np.stack(list(table.columns.values()), 1), x)
    tracemalloc.start()
    read_csv(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 6 * x.nbytes + 2**25


def test_paths_that_are_no_files_are_refused(tmp_path):
    for path in (tmp_path, tmp_path / "none.csv"):
        with pytest.raises(DataError):
            read_csv(path)


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX only")
def test_what_is_no_small_regular_file_is_refused_unread(tmp_path):
    (tmp_path / "zero.csv").symlink_to("/dev/zero")
    (tmp_path / "loop.csv").symlink_to("loop.csv")
    os.mkfifo(tmp_path / "pipe.csv")
    with open(tmp_path / "sparse.csv", "wb") as file:
        file.truncate(2**40)
    tracemalloc.start()
    for name in ("zero", "loop", "pipe", "sparse"):
        with pytest.raises(DataError):
            read_csv(tmp_path / f"{name}.csv")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2**20
