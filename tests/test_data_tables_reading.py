"""New tables are read as the one that a model was trained on."""

import numpy as np
from tables import error_of, write

from gpunet.data import Preprocessing, read_for, read_splits, read_table


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


def test_columns_that_a_model_does_not_read_are_not_checked(tmp_path):
    path = write(tmp_path, "\n".join(["a,b,y", *(f"{k},x,{k % 2}" for k in range(20))]))
    made = read_splits(path, "y", drop=["b"]).table
    new = write(tmp_path, ",a,y,c\n7,1,0,x\n7,2,?,1\n", "new.csv")
    table = read_for(made, new)
    assert list(table.columns) == ["a"] and "y mixes" in table.notes[0]
    one = write(tmp_path, "a\n1\n", "one.csv")
    assert made.features(read_for(made, one)).shape == (1, 1)


def test_arrays_take_no_settings_of_texts(tmp_path):
    np.save(tmp_path / "x.npy", np.zeros((3, 3)))
    assert "is not a text file" in str(
        error_of(read_table, tmp_path / "x.npy", delimiter=";")
    )


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
