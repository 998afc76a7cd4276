"""A history answers for its columns and refuses names that it has not."""

import pickle
import sys

import pytest
from tiny import table

import gpunet
from gpunet import History, mlp
from gpunet.errors import GpunetError, UnknownColumn
from gpunet.training.history import COLUMNS

RECORDS = [{"epoch": 1, "loss": 0.5}, {"epoch": 2, "loss": 0.25, "val_loss": 0.75}]


def test_column_of_some_records_is_none_in_the_others():
    h = History(RECORDS)
    assert h["val_loss"] == [None, 0.75] and h["loss"] == [0.5, 0.25]
    assert h.columns == ["epoch", "loss", "val_loss"]
    assert len(h) == 2 and list(h) == RECORDS


def test_known_column_that_no_epoch_measured_is_none():
    assert History(RECORDS)["accuracy"] == [None, None]
    assert [History()[name] for name in COLUMNS] == [[]] * len(COLUMNS)


def test_in_tells_what_was_measured():
    h = History(RECORDS)
    assert "val_loss" in h and "loss" in h
    assert "accuracy" not in h and "val_los" not in h and "loss" not in History()


def test_column_of_a_callback_is_found():
    h = History([*RECORDS, {"epoch": 3, "mine": 7}])
    assert h["mine"] == [None, None, 7] and "mine" in h


@pytest.mark.parametrize("name", ["validation_loss", "val_lost", "Val_loss"])
def test_misspelled_column_names_the_close_one(name):
    with pytest.raises(KeyError) as caught:
        History(RECORDS)[name]
    assert str(caught.value).startswith(f"history: {name!r} is not a column; ")
    offered = str(caught.value).partition("choose from ")[2]
    assert offered.startswith("epoch, loss, val_loss; did you mean val_loss")
    assert isinstance(caught.value, GpunetError)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("name", ["", None, 0, -1, slice(2)])
def test_what_is_no_name_is_refused_likewise(name):
    for h in (History(RECORDS), History()):
        with pytest.raises(UnknownColumn, match="choose from epoch, "):
            h[name]


def test_error_survives_a_trip_between_processes():
    with pytest.raises(UnknownColumn) as caught:
        History(RECORDS)["nothing"]
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


def test_columns_of_a_run_are_the_known_ones():
    x, t = table()
    h = gpunet.fit(mlp([4, 3]), (x, t), epochs=2, validation=0.25)
    assert set(h.columns) == set(COLUMNS)
    with pytest.raises(KeyError, match=r"did you mean val_accuracy\?"):
        h["validation_accuracy"]


SEVERAL = [
    {"epoch": 1, "step": 4, "seconds": 0.5, "loss": [0.5, 0.25], "mine": [1, 2, 3]},
    {"epoch": 2, "step": 8, "seconds": 0.5, "loss": [0.25, None], "mine": [1, 2, 3]},
]


def test_frame_has_a_row_for_each_epoch_and_member():
    pytest.importorskip("pandas")
    frame = History(SEVERAL).to_frame()
    assert list(frame.columns) == ["epoch", "step", "member", "loss", "seconds", "mine"]
    assert frame["member"].tolist() == [0, 1, 0, 1]
    assert frame["epoch"].tolist() == [1, 1, 2, 2]
    assert frame["loss"].tolist()[:3] == [0.5, 0.25, 0.25]
    assert frame["loss"].isna().tolist() == [False, False, False, True]
    assert frame["loss"].dtype == "float64" and frame["mine"][0] == [1, 2, 3]
    assert frame.groupby("member")["loss"].min().tolist() == [0.25, 0.25]


def test_frame_of_one_network_is_member_0():
    pytest.importorskip("pandas")
    frame = History(RECORDS).to_frame()
    assert frame["member"].tolist() == [0, 0] and frame["loss"].tolist() == [0.5, 0.25]
    assert list(History().to_frame().columns) == ["member"]


def test_frame_without_pandas_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match=r"^history: to_frame: pandas is not inst"):
        History(RECORDS).to_frame()


def test_plot_is_a_figure_of_the_curves():
    pytest.importorskip("matplotlib")
    axes = History(RECORDS).plot().axes
    assert [list(line.get_ydata()) for line in axes[0].get_lines()] == [
        *([0.5, 0.25], [0.75]),
    ]


def test_repr_has_the_last_numbers_and_the_end():
    h = History(RECORDS)
    assert repr(h) == "History(2 epochs, running, loss 0.25, val_loss 0.75)"
    h.outcome = "all epochs done"
    assert repr(h).startswith("History(2 epochs, all epochs done, loss ")
    shown = "History(2 epochs, running, means: loss 0.25, 2 members: 2 active)"
    assert repr(History(SEVERAL)) == shown
    assert repr(History()) == "History(0 epochs, running)"
