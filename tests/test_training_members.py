"""The table of members: what each was trained with, its result and how it ended."""

import pickle

import pytest
from tiny import carry, settings, stopped, table, write_set

import gpunet
from gpunet import SGD, Adam, History, mlp
from gpunet.training.members.table import MemberTable

X, T = table()
HELD_OUT = table(20, seed=1)
BIG = 1e38  # a rate that float32 does not survive


def learn(population=None, **more):
    net = mlp([4, 8, 3], "tanh", population=population, seed=5)
    return net, gpunet.fit(net, (X, T), **{"batch_size": 10, "epochs": 3, **more})


def test_rows_tell_seed_rate_and_what_differs():
    sgd = SGD([0.1, 0.2], l2=[0.0, 0.5], l1=0.25, momentum=0.5)
    _, h = learn(2, optimizer=sgd, validation=HELD_OUT)
    for i, row in enumerate(h.members()):
        wanted = {"member": i, "seed": 5 + i, "learning_rate": (0.1, 0.2)[i]}
        wanted |= {"l2": (0.0, 0.5)[i], "epoch": 3}
        for name in ("loss", "accuracy", "val_loss", "val_accuracy"):
            wanted[name] = h[name][-1][i]
        assert row == wanted | {"state": "active"} and list(row)[-1] == "state"
    assert pickle.loads(pickle.dumps(h)).members() == h.members()


def test_single_network_is_one_row_without_a_member():
    _, h = learn(optimizer=Adam(0.02), schedule="one_cycle")
    assert h.members() == [
        {"seed": 5, "learning_rate": 0.02, "epoch": 3, "loss": h["loss"][-1]}
        | {"accuracy": h["accuracy"][-1], "state": "active"}
    ]
    assert "member" not in f"{h!r}{h.members()!r}"
    assert repr(h).startswith("History(3 epochs, all epochs done, loss ")
    assert repr(learn(epochs=1)[1]).startswith("History(1 epoch, all epochs done, ")
    more = {"early_stopping": 1, "validation": HELD_OUT, "optimizer": SGD(2.0)}
    _, h = learn(epochs=60, **more)
    assert repr(h).startswith(f"History({len(h)} epochs, early stopping, loss ")


@pytest.mark.parametrize("engine", ["loop", "compiled"])
def test_member_that_diverged_is_named_with_its_rate(engine):
    if engine == "compiled":
        pytest.importorskip("numba")
    _, h = learn(4, optimizer=SGD([0.1, 0.3, BIG, 0.2]), engine=engine)
    row = h.members()[2]
    assert row["state"] == h.stopped[2].partition(":")[0]
    assert row["state"].startswith("diverged at epoch 1, step ")
    assert (row["learning_rate"], row["epoch"], row["loss"]) == (BIG, None, None)
    assert repr(h).endswith(", 4 members: 3 active, 1 diverged (member 2))")
    lines = repr(h.members()).splitlines()
    assert lines[4].split()[:3] == ["2", "7", "1e+38"] and row["state"] in lines[4]
    assert "accuracy of 3 of 4 members: mean" in lines[5] and lines[6] in repr(h)
    for one in (0, 1, 3):
        assert h.members()[one]["state"] == "active"


@pytest.mark.parametrize("restore", [True, False])
def test_results_are_those_of_the_weights_that_members_have(restore):
    rule = gpunet.EarlyStopping(2, restore_best=restore)
    more = {"epochs": 60, "early_stopping": rule, "validation": HELD_OUT}
    net, h = learn(5, optimizer=SGD([0.1, 3.0, 1.0, 2.0, 0.5]), **more)
    now = gpunet.evaluate(net, HELD_OUT)
    rows = h.members()
    assert any(row["state"].startswith("stopped early after epoch") for row in rows)
    assert [row["val_loss"] for row in rows] == pytest.approx(now["loss"], rel=1e-5)
    assert [row["val_accuracy"] for row in rows] == pytest.approx(now["accuracy"])
    for row in filter(lambda row: row["state"] != "active", rows):
        end = int(row["state"].split()[-1])
        assert row["epoch"] == (end - 2 if restore else end)


def test_table_shows_the_best_first_and_says_how_many_more():
    rows = [
        {"member": i, "seed": i, "val_loss": 1.0, "val_accuracy": i / 16}
        | {"state": "active"}
        for i in range(14)
    ]
    rows[13]["state"] = "diverged at epoch 1, step 2"
    rows[12]["val_accuracy"] = None
    lines = repr(MemberTable(rows)).splitlines()
    assert " ".join(lines[0].split()) == "member seed val loss val accuracy state"
    assert [int(line.split()[0]) for line in lines[1:11]] == list(range(11, 1, -1))
    assert lines[11] == "... and 4 more members"
    assert lines[12].startswith("val accuracy of 12 of 14 members: mean 0.3438, sd ")
    assert lines[12].endswith("median 0.3438, min 0.0000, max 0.6875")
    assert lines[13] == "14 members: 13 active, 1 diverged (member 13)"
    del rows[11:]
    assert "... and 1 more member\n" in repr(MemberTable(rows))
    loss = [{"loss": v, "state": "active"} for v in (0.5, 0.25)]
    assert MemberTable(loss).best_first()[0]["loss"] == 0.25
    assert "min 0.25, max 0.5" in repr(MemberTable(loss))
    assert repr(MemberTable()) == "" and History().members() == []


def test_large_table_is_read_a_few_times_only():
    class Counted(MemberTable):
        n_reads = 0

        def __iter__(self):
            Counted.n_reads += 1
            return super().__iter__()

    settings = [{"member": i, "learning_rate": 1.0 + i // 50} for i in range(100)]
    table = Counted(row | {"val_loss": 0.5, "state": "active"} for row in settings)
    assert "100 members: 100 active" in repr(table)
    assert Counted.n_reads < 30


def test_resumed_run_knows_its_members(tmp_path):
    data = write_set(tmp_path / "data")
    changes = {"population": 3, "learning_rate": [0.01, 0.02, 0.03]}
    config = stopped(data, tmp_path / "run", **changes)
    resumed = carry(config, tmp_path / "run", resume="auto")[1]
    whole = carry(settings(data, **changes), tmp_path / "whole")[1]
    assert resumed.members() == whole.members() and len(whole.members()) == 3
