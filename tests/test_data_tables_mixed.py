"""Columns that mix numbers and texts are counted, with what reads them."""

import numpy as np
import pytest
from tables import error_of, write

from gpunet.data import read_table

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
def test_mixed_columns_are_counted_with_what_reads_them(tmp_path, name):
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
