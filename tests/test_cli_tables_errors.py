"""Tables from outside: what goes wrong, with its place and a remedy."""

import numpy as np
import pytest
from helpers import run_python
from table_runs import rows, write
from tiny import error_line


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    return write(tmp_path_factory.mktemp("data") / "table.csv", rows())


STRANGER = [
    (["--target", "kinds"], 2, "choose from size, weight, color, kind, price"),
    ([], 2, "target must be the column"),
    (["--target", "kind", "--task", "guess"], 2, "--task"),
    (["--target", "kind", "--task", "regress"], 3, "is a text; classify it"),
    (["--target", "price", "--task", "classify"], 3, "is not a whole number"),
    (["--target", "kind", "--drop", "x"], 2, "drop: 'x'"),
    (["--target", "kind", "--test", "none.csv"], 3, "none.csv"),
    (["--target", "kind", "--test", "none.txt"], 2, "none.txt"),
    (["--target", "kind", "--test-size", "90"], 2, "90"),
    (["--test-size", "9", "--test", "t.csv"], 2, "argument --test: not allowed with"),
    (["--target", "kind", "--test-size", "1.5"], 2, "--test-size"),
    (["--target", "kind", "--validation", "nielsen"], 2, "no Nielsen split"),
    (["--target", "kind", "--impute", "zero"], 2, "--impute"),
    (["--target", "kind", "--unknown", "x"], 2, "--unknown"),
    (["--target", "kind", "--hidden", "0"], 2, "--hidden"),
    (["--target", "kind", "--drop", "price", "--sizes", "5-3"], 2, "sizes with 2"),
    (["--target", "kind", "--data-dir", "x"], 2, "no --data-dir"),
    (["--target", "price", "--loss", "softmax_cross_entropy"], 2, "single output"),
    (["--target", "price", "--class-weight", "balanced"], 2, "not labels"),
    (["--target", "kind", "--data", "x.txt"], 2, "is not a .csv, .tsv, .csv.gz"),
    (["--target", "kind", "--data", "none.csv"], 3, "No such file"),
    (["--target", "kind", "--data", "."], 2, "is not a .csv"),
]


@pytest.mark.parametrize(("args", "code", "why"), STRANGER, ids=range(len(STRANGER)))
def test_stranger_is_told_what_to_do(table, tmp_path, args, code, why):
    words = ["--data", str(table), "--out", str(tmp_path / "run"), "--device", "cpu"]
    process = run_python(
        "import sys; from gpunet.cli import main\n"
        f"sys.exit(main(['train', *{words!r}, *{args!r}]))",
        OPENBLAS_NUM_THREADS="1",
    )
    line = error_line(process, code)
    assert why in line and process.stdout == ""
    assert not (tmp_path / "run" / "config.json").exists()


@pytest.mark.parametrize("option, value", [("--target", "x"), ("--impute", "mean")])
def test_option_of_a_table_without_one_is_refused(option, value, tmp_path):
    words = ["train", option, value, "--out", str(tmp_path / "r")]
    process = run_python(
        f"import sys; from gpunet.cli import main\nsys.exit(main({words!r}))"
    )
    assert f"{option} is for a table" in error_line(process, 2)


@pytest.mark.parametrize("name", ["predict", "export"])
def test_help_needs_no_numpy(name):
    process = run_python(
        "import sys; from gpunet.cli import main\n"
        f"code = main([{name!r}, '--help'])\n"
        "sys.exit(code or len({'numpy', 'rich', 'onnx'} & set(sys.modules)))"
    )
    assert process.returncode == 0 and "--member" in process.stdout


def test_files_that_lie_leave_with_3_and_nothing_trained(tmp_path):
    head = b"{'descr': '<f8', 'fortran_order': False, 'shape': (65536, 65536)}"
    lie = b"\x93NUMPY\x01\x00" + (118).to_bytes(2, "little") + head.ljust(117) + b"\n"
    np.savez_compressed(tmp_path / "bomb.npz", x=np.zeros((10**6, 10)), t=np.zeros(3))
    np.save(tmp_path / "object.npy", np.array([[{}]], object), allow_pickle=True)
    files = {
        "lie.npy": (lie, "claims 34,359,738,368 bytes"),
        "lie.npz": (lie, "is not a sound npz"),
        "bomb.npz": (None, "inflates to 80,000"),
        "object.npy": (None, "objects are never unpickled"),
        "wide.csv": ("a,y\n1,2\n".encode("utf-16"), ":1:1: begins as UTF-16"),
        "empty.csv": (b"", "is empty (0 bytes)"),
    }
    for name, (content, why) in files.items():
        path = tmp_path / name
        if content is not None:
            path.write_bytes(content)
        words = ["--data", str(path), "--target", "t", "--out", str(tmp_path / "run")]
        process = run_python(
            "import sys; from gpunet.cli import main\n"
            f"sys.exit(main(['train', '--device', 'cpu', *{words!r}]))",
        )
        assert why in error_line(process, 3), name
        assert not (tmp_path / "run" / "config.json").exists()
