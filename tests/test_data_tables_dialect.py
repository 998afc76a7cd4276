"""Tables as other programs write them: read alike, or refused with what reads them."""

import gzip
import io

import numpy as np
import pytest

from gpunet.data import Preprocessing, read_for, read_splits, read_table
from gpunet.errors import ConfigError, DataError


def write(tmp_path, content, name="table.csv"):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def error_of(call, *args, **options):
    with pytest.raises((DataError, ConfigError)) as caught:
        call(*args, **options)
    assert len(str(caught.value)) <= 480
    return caught.value


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


def test_model_without_a_header_knows_which_column_lacks(tmp_path):
    rows = [f"{k % 2},{k},{k * k}" for k in range(30)]
    path = write(tmp_path, "\n".join(rows) + "\n")
    made = read_splits(path, "1", header=False, drop=["3"]).table
    made = Preprocessing.from_json(made.to_json(), "here")
    whole = made.features(read_for(made, path))
    bare = "\n".join(row.partition(",")[2] for row in rows) + "\n"
    bare = read_for(made, write(tmp_path, bare, "bare.csv"))
    assert np.array_equal(made.features(bare), whole) and list(bare.columns) == ["2"]
    short = write(tmp_path, "1\n2\n", "short.csv")
    assert "the model expects 3 with the target" in str(error_of(read_for, made, short))


def test_settings_of_reading_are_kept_and_may_be_replaced(tmp_path):
    rows = [f"{k},5;{'-' if k == 3 else k * 2};{'ab'[k % 2]}é" for k in range(20)]
    content = "\n".join(["n;m;kind", *rows]).encode("latin-1")
    how = {"decimal": ",", "encoding": "latin-1", "missing": ["-"], "impute": "mean"}
    made = read_splits(write(tmp_path, content), "kind", **how).table
    made = Preprocessing.from_json(made.to_json(), "here")
    whole = made.features(read_for(made, tmp_path / "table.csv"))
    text = content.decode("latin-1").replace(",", ".").replace(";", "|")
    path = write(tmp_path, text.replace("|-|", "|?|"), "new.csv")
    changes = {"decimal": ".", "encoding": None, "missing": ["?"], "delimiter": "|"}
    assert np.array_equal(made.features(read_for(made, path, **changes)), whole)
    error_of(read_for, made, path)
    old = {k: v for k, v in made.to_json().items() if k not in ("form", "n_columns")}
    old = Preprocessing.from_json(old, "here")  # as in files of earlier versions
    assert old.form.decimal == "."


def test_columns_that_a_model_does_not_read_are_not_judged(tmp_path):
    path = write(tmp_path, "\n".join(["a,b,y", *(f"{k},x,{k % 2}" for k in range(20))]))
    made = read_splits(path, "y", drop=["b"]).table
    new = write(tmp_path, ",a,y,c\n7,1,0,x\n7,2,?,1\n", "new.csv")
    table = read_for(made, new)
    assert list(table.columns) == ["a"] and "y mixes" in table.notes[0]
    one = write(tmp_path, "a\n1\n", "one.csv")
    assert made.features(read_for(made, one)).shape == (1, 1)


MIXED = {
    "one mark": ("a,y\n1,0\n?,1\n2,0\n", {"missing": ["?"]}, "a: '?' is not a number"),
    "marks of two columns": (
        "a,b\n1,NA\n?,1\n2,0\n?,3\n",
        {"missing": ["?", "NA"]},
        "a 2 ('?' 2), b 1 ('NA' 1)",
    ),
    "nan": ("a,b\n1,nan\n2,1\n", {"missing": ["nan"]}, "b: 'nan' is not written"),
    "mark first": ("a,b\n?,1\n1,2\n2,3\n", {"missing": ["?"]}, "a: '1' is a number"),
    "many texts": (
        "a,b\n1,1\nA/2,2\nB,3\nC,4\n7,5\n",
        {"categories": ["a"], "drop": ["a"]},
        "a 2 (numbers 2)",
    ),
    "decimal commas": (
        "a;b\n1,5;2\n2,5;3\n",
        {"decimal": ",", "categories": ["a"]},
        "a 2 ('1,5' 1, '2,5' 1)",
    ),
    "thousands": ("a;b\n1.234,5;2\n", {}, "a: '1.234,5' is not written as a number"),
    "decimal points": ("a;b\n1.5;2\n", {}, "ASCII digits and a decimal comma"),
}


@pytest.mark.parametrize("name", MIXED)
def test_mixed_columns_are_counted_and_cured(tmp_path, name):
    content, settings, why = MIXED[name]
    path = write(tmp_path, content)
    given = {"decimal": ","} if name == "decimal points" else {}
    error = error_of(read_table, path, **given)
    assert why in str(error) and error.settings == settings
    for key, value in settings.items():  # each cures, alone
        table = read_table(path, **given, **{key: value})
        assert len(table) == content.count("\n") - 1
        assert repr(value) in str(error)


def test_numeric_mark_of_missing_is_found_with_blanks_around(tmp_path):
    table = read_table(write(tmp_path, "a,b\n1,-9 \n2,-9 \n3,4\n"), missing=["-9"])
    assert np.isnan(table.columns["b"][:2]).all() and table.columns["b"][2] == 4


def test_rows_without_a_target_are_left_out_when_asked(tmp_path):
    rows = [f"{k},{'' if k in (3, 7) else k % 2}" for k in range(30)]
    path = write(tmp_path, "\n".join(["a,y", *rows]))
    error = error_of(read_splits, path, "y")
    assert ":5:2: the target is missing in 2 of 30 rows" in str(error)
    assert error.settings == {"missing_target": "drop"}
    splits = read_splits(path, "y", missing_target="drop", validation=0.1)
    parts = (splits.train, splits.validation, splits.test)
    assert sum(map(len, parts)) == 28
    assert splits.notes == ("2 of 30 rows have no target: left out",)
    splits = read_splits(path, "y", missing_target="drop", test=path)
    assert len(splits.test) == 28 and len(splits.notes) == 2
    x = np.array([[k, np.nan if k == 4 else k % 3, k % 2] for k in range(30)])
    x[9, 2] = np.nan
    np.save(tmp_path / "x.npy", x)
    error = error_of(read_splits, tmp_path / "x.npy", "2", missing_target="drop")
    assert "x.npy[4, 1]: 1 cell is missing (1 1)" in str(error)
    path = write(tmp_path, "a,y\n1,\n2,\n")
    error_of(read_splits, path, "y", missing_target="drop")


def test_all_missing_cells_are_said_at_once(tmp_path):
    rows = [f"{'' if k % 4 == 0 else k},,{'' if k else 'x'},{k % 2}" for k in range(20)]
    path = write(tmp_path, "\n".join(["a,b,c,y", *rows]))
    error = error_of(read_splits, path, "y")
    assert "44 cells are missing (a 5, b 20, c 19)" in str(error)
    assert error.settings == {"impute": "median", "drop": ["b"]}
    read_splits(path, "y", **error.settings, unknown="zeros")
    error = error_of(read_splits, path, "y", impute="mean")
    assert error.settings == {"drop": ["b"]}


def test_columns_of_too_many_texts_are_said_at_once(tmp_path):
    rows = [f"p{k},{k},q{k},{k % 2}" for k in range(2000)]
    path = write(tmp_path, "\n".join(["a,n,b,y", *rows]))
    error = error_of(read_splits, path, "y")
    assert error.settings == {"drop": ["a", "b"]}
    assert read_splits(path, "y", **error.settings).table.inputs == ["n"]


def test_unfit_cells_of_new_rows_are_said_at_once(tmp_path):
    rows = [f"{k},{k % 3},{'rgb'[k % 3]},{'uv'[k % 2]},{k % 2}" for k in range(30)]
    path = write(tmp_path, "\n".join(["a,b,c,d,y", *rows]))
    made = read_splits(path, "y").table
    new = write(tmp_path, "a,b,c,d\nbig,1,r,w\nbig,,pink,u\nhuge,2,pink,\n", "new.csv")
    text = str(error_of(made.features, read_for(made, new)))
    assert "3 cells are not a number (a: 'big' 2, 'huge' 1)" in text
    assert "2 cells are missing (b 1, d 1)" in text
    assert (
        "3 cells are of categories not seen in training (c: 'pink' 2, d: 'w' 1)" in text
    )


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


def test_arrays_take_no_settings_of_texts(tmp_path):
    np.save(tmp_path / "x.npy", np.zeros((3, 3)))
    assert "is not a text file" in str(
        error_of(read_table, tmp_path / "x.npy", delimiter=";")
    )


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


def test_categories_of_earlier_models_may_have_blanks(tmp_path):
    rows = [f"{k},{'uv'[k % 2]},{k % 2}" for k in range(20)]
    path = write(tmp_path, "\n".join(["a,c,y", *rows]))
    made = read_splits(path, "y").table
    data = made.to_json()
    data["categories"] = {"c": [" u", " v"]}
    old = Preprocessing.from_json(data, "here")
    assert np.array_equal(
        old.features(read_for(old, path)), made.features(read_for(made, path))
    )
