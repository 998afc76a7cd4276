"""The benchmark of populations: what it reports; never how fast anything is."""

import json

import numpy as np
import pytest
from benchmarks import main, worker
from benchmarks.population import net_steps, rivals

TINY = ["bench", "--population", "--grid", "quick", "--rivals", "loop"]
TINY += ["--nets", "2-8-8-2", "--steps", "5", "--repeats", "2", "--json", "-"]


def job(**changes):
    rng = np.random.default_rng(1)
    x = rng.standard_normal((60, 6)).astype(np.float32)
    t = rng.integers(0, 3, 60)
    return rivals.PopulationJob(x, t, [6, 5, 3], 10, **{"members": 3} | changes)


@pytest.mark.parametrize("name", rivals.POPULATION_RIVALS)
@pytest.mark.parametrize("adam", [False, True])
@pytest.mark.parametrize("order", ["own", "shared"])
@pytest.mark.parametrize("members", [1, 5])
def test_rivals_of_a_population_do_the_same_work(name, adam, order, members):
    pytest.importorskip({"gpunet": "numba", "loop": "numpy"}.get(name, name))
    task = job(adam=adam, order=order, members=members)
    assert worker.distance_from_loop(name, task) < 1e-5
    rival = rivals.POPULATION_RIVALS[name](task)
    worker.timed(rival)
    moved = zip(rival.weights(), task.initial_parameters(), strict=True)
    assert all(np.ptp(a[0] - b[0]) > 1e-4 for a, b in moved)


def test_a_rival_that_does_less_is_left_out(monkeypatch):
    class LazyPopulation(rivals.LoopPopulation):
        def epoch(self):
            pass

    monkeypatch.setitem(rivals.POPULATION_RIVALS, "lazy", LazyPopulation)
    assert worker.distance_from_loop("loop", job()) == 0
    assert worker.distance_from_loop("lazy", job()) > worker.TOLERANCE


def test_each_cell_says_what_auto_takes_and_costs(capsys):
    pytest.importorskip("numba")
    assert main(TINY) == 0
    (cell,) = json.loads(capsys.readouterr().out)["cells"]
    assert (cell["net"], cell["members"], cell["order"]) == ("2-8-8-2", 100, "own")
    for answer in cell["rivals"].values():
        assert len(answer["rounds"]) == len(answer["cpu_rounds"]) == 2
        assert min(answer["rounds"] + answer["cpu_rounds"]) > 0
    assert cell["auto"] in ("compiled", "loop") and cell["auto_times_better"] >= 1


def test_the_distance_of_auto_is_from_the_better_engine():
    times = {"gpunet": {"us_per_step": 2.0}, "loop": {"us_per_step": 3.0}}
    for auto, ratio in (("compiled", 1.0), ("loop", 1.5)):
        times["loop"]["auto"] = auto
        assert net_steps._choice(times) == {"auto": auto, "auto_times_better": ratio}


def test_the_grid_is_of_all_cells_or_of_six(capsys):
    class Arguments:
        grid, nets, batches = "full", None, None

    cells = net_steps.grid(Arguments)
    assert len(cells) == 10 * 3 * 4 * 2 * 2 * 2
    Arguments.grid = "quick"
    assert len(net_steps.grid(Arguments)) == 6
    assert all(cell in cells for cell in net_steps.grid(Arguments))
    assert main([*TINY[:6], "--nets", "9-9"]) == 2
    assert "no cell" in capsys.readouterr().err
