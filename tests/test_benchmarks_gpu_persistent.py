"""What a GPU is to show of the persistent engine, tried without one."""

import json
import time

import fake_cupy
import pytest
from benchmarks.gpu import persistent
from benchmarks.gpu.persistent import Size, measure
from emulation import compiler

pytestmark = pytest.mark.skipif(compiler() is None, reason="no C++ compiler")
TINY = Size(rows=45, epochs=1, many=2, small=2, compared=3, layouts=2)


def test_everything_is_measured_and_can_be_kept(monkeypatch):
    fake_cupy.install(monkeypatch)
    answer = measure("cuda", TINY, time.monotonic() + 100)
    result = json.loads(json.dumps(answer))["numbers"]
    accuracy = result["accuracy"]  # 45 pictures teach little: either may be
    within = accuracy["apart"] <= 2 * accuracy["standard error"]
    assert accuracy["within"] == within
    assert answer["verdict"] == ("ok" if within else "FAILED")
    for name in ("one", "many", "small", "many, own orders"):
        assert result[name]["engine"] == "PersistentStepper"
        assert result[name]["us a net-step"] > 0
        assert 0 < result[name]["expected us a step"] < 20
    assert result["bits"] == {"equal": True, "tensors": 8}
    assert len(result["layouts"]) == 2 and all(
        row["us"] > 0 for row in result["layouts"]
    )
    apart = abs(accuracy["cuda"]["mean"] - accuracy["cpu"]["mean"])
    assert accuracy["apart"] == apart < 0.05
    assert "one" in answer["what"] and "(target 0.6)" in answer["what"]


def test_what_there_is_no_time_for_is_named(monkeypatch):
    fake_cupy.install(monkeypatch)
    answer = measure("cuda", TINY, time.monotonic() - 1)
    assert answer["numbers"] == {} and answer["what"].startswith("not done: one, bits")


@pytest.mark.parametrize(
    ("equal", "within", "verdict"),
    [(True, True, "ok"), (False, True, "FAILED"), (True, False, "FAILED")],
)
def test_verdict_needs_equal_bits_and_the_accuracy(monkeypatch, equal, within, verdict):
    fake_cupy.install(monkeypatch)
    monkeypatch.setattr(persistent, "_bits", lambda *a: {"equal": equal})
    for name in ("_time", "_layouts", "_accuracy"):
        blank = {"within": within, "seconds": {"median": 1.0}}
        monkeypatch.setattr(persistent, name, lambda *a, _b=blank, **k: _b)
    assert measure("cuda", TINY, time.monotonic() + 9)["verdict"] == verdict
