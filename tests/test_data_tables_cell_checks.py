"""All cells that cannot become inputs are refused at once."""

from tables import error_of, write

from gpunet.data import read_for, read_splits


def test_all_missing_cells_are_reported_at_once(tmp_path):
    rows = [f"{'' if k % 4 == 0 else k},,{'' if k else 'x'},{k % 2}" for k in range(20)]
    path = write(tmp_path, "\n".join(["a,b,c,y", *rows]))
    error = error_of(read_splits, path, "y")
    assert "44 cells are missing (a 5, b 20, c 19)" in str(error)
    assert error.settings == {"impute": "median", "drop": ["b"]}
    read_splits(path, "y", **error.settings, unknown="zeros")
    error = error_of(read_splits, path, "y", impute="mean")
    assert error.settings == {"drop": ["b"]}


def test_invalid_cells_of_new_rows_are_reported_at_once(tmp_path):
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
