"""The bench command: what it reports; never how fast anything is."""

import json

import numpy as np
import pytest
from benchmarks import bench, commands, main, populations, processes, steps
from benchmarks.options.bench import NETS, sizes_of
from helpers import ROOT, run_python

from gpunet import cli
from gpunet.errors import ConfigError

TINY = ["bench", "--nets", "6-5-3", "--batches", "1", "4", "--threads", "1"]
TINY += ["--rivals", "gpunet", "numpy", "--repeats", "2", "--steps", "6"]


@pytest.fixture(scope="module")
def raw(tmp_path_factory):
    path = tmp_path_factory.mktemp("bench") / "raw.json"
    assert main([*TINY, "--json", str(path)]) == 0
    return json.loads(path.read_text())


def test_json_carries_what_a_number_needs(raw):
    for key in ("date", "commit", "cpu", "cores", "threads", "blas", "versions"):
        assert key in raw
    assert raw["threads"] == 1
    assert raw["versions"]["numpy"] == np.__version__


def test_each_cell_has_all_rounds_of_all_rivals(raw):
    assert [(c["net"], c["batch"]) for c in raw["cells"]] == [
        ("6-5-3", 1),
        ("6-5-3", 4),
    ]
    for cell in raw["cells"]:
        assert list(cell["rivals"]) == ["gpunet", "numpy"]
        for result in cell["rivals"].values():
            assert "error" not in result
            assert len(result["rounds"]) == 2 and min(result["rounds"]) > 0
            assert result["us_per_step"] == pytest.approx(np.median(result["rounds"]))
            assert result["first_epoch_s"] > 0
        assert cell["rivals"]["gpunet"]["times_gpunet"] == 1


def test_costs_are_cells_of_their_own_and_who_cannot_is_named(capsys):
    pytest.importorskip("sklearn")
    arguments = [*TINY, "--costs", "softmax", "quadratic", "--batches", "4"]
    arguments[arguments.index("numpy")] = "sklearn"
    assert main([*arguments, "--markdown"]) == 0
    text = capsys.readouterr().out
    assert "| 6-5-3 | softmax | 4 | 6 |" in text
    assert "| 6-5-3 | quadratic | 4 | sklearn | ConfigError: MLPClassifier" in text


def test_markdown_and_table_show_the_cells(capsys):
    assert main([*TINY, "--markdown"]) == 0
    text = capsys.readouterr().out
    assert "| Network | cost | batch | steps | gpunet | numpy |" in text
    assert main(TINY) == 0
    assert "gpunet / numpy" in capsys.readouterr().out


def test_rival_that_fails_is_reported_and_the_others_go_on(capsys, monkeypatch):
    monkeypatch.setitem(steps.PACKAGES, "torch", ("numpy",))
    monkeypatch.setattr(
        processes.RivalProcess, "ask", lambda self, **job: ANSWERS[self.name][job["do"]]
    )
    arguments = [*TINY, "--batches", "2", "--json", "-"]
    arguments[arguments.index("numpy")] = "torch"
    assert main(arguments) == 0
    result = json.loads(capsys.readouterr().out)["cells"][0]["rivals"]
    assert result["torch"]["error"] == "ValueError: no"
    assert result["gpunet"]["us_per_step"] == pytest.approx(1e6 * 0.5 / 6)


ANSWERS = {
    "gpunet": {
        "setup": {"first_epoch_s": 1.0},
        "run": {"seconds": 0.5, "cpu_seconds": 0.5},
    },
    "torch": {
        "setup": {"error": "ValueError: no"},
        "run": {"seconds": 1.0, "cpu_seconds": 1.0},
    },
}


def test_predict_times_every_rival_and_names_the_missing(capsys, monkeypatch):
    monkeypatch.setattr(bench, "PREDICTORS", {"net.predict": 0, "no-such": 0})
    monkeypatch.setitem(steps.PACKAGES, "no-such", ())
    arguments = ["bench", "--predict", "--nets", "6-5-3", "--batches", "1", "4"]
    assert main([*arguments, "--repeats", "1", "--steps", "3", "--markdown"]) == 0
    text = capsys.readouterr().out
    assert "Microseconds a call" in text and "| 6-5-3 | softmax | 4 | 3 |" in text
    assert "| 6-5-3 | softmax | 1 | no-such | KeyError" in text


def test_steps_fit_the_data_and_shrink_with_the_work():
    assert steps.steps_for([784, 16, 16, 10], 1024, 60_000) <= 58
    few, many = (
        steps.steps_for(s, 10, 60_000) for s in ([784, 512, 10], [784, 16, 10])
    )
    assert 20 <= few < many


def test_population_reports_own_and_shared_orders(capsys, monkeypatch):
    monkeypatch.setattr(populations, "MEMBERS", 3)
    arguments = ["bench", "--population", "--data", "random", "--steps", "5"]
    assert main([*arguments, "--repeats", "1", "--json", "-"]) == 0
    result = json.loads(capsys.readouterr().out)
    kinds = ["single", "own", "shared"]
    assert [c["kind"] for c in result["cells"]] == kinds * 2
    assert [c["track"] for c in result["cells"]] == [True] * 3 + [False] * 3
    assert [c["members"] for c in result["cells"]] == [1, 3, 3] * 2
    assert all(c["us_per_net_step"] > 0 for c in result["cells"])


def test_population_scales_the_compiled_engine_over_the_cores(capsys, monkeypatch):
    pytest.importorskip("numba")
    monkeypatch.setattr(populations, "MEMBERS", 3)
    arguments = ["bench", "--population", "--data", "random", "--steps", "5"]
    arguments += ["--threads", "2", "--repeats", "1", "--json", "-"]
    assert main(arguments) == 0
    cells = json.loads(capsys.readouterr().out)["scaling"]
    assert [(c["members"], c["threads"]) for c in cells] == [(1, 1), (3, 1), (3, 2)]
    assert cells[1]["speedup"] == 1
    for cell in cells:
        expected = cells[1]["us_per_net_step"] / cell["us_per_net_step"]
        assert cell["speedup"] == pytest.approx(expected)


def test_startup_reports_imports(capsys, monkeypatch):
    monkeypatch.setattr(commands, "startup", lambda n: TIMES)
    assert main(["bench", "--startup"]) == 0
    text = capsys.readouterr().out
    assert "import gpunet" in text and "0.50" in text


TIMES = {"import numpy": {"seconds": 0.1}, "import gpunet": {"seconds": 0.05}}


def test_installed_command_names_the_script(capsys):
    for name in ("bench", "gpu_report"):
        assert cli.main([name, "--help"]) == 2
        assert f"run `python scripts/{name}.py`" in capsys.readouterr().err


def test_help_answers_before_numpy_is_imported():
    names = ["bench", "bench sklearn", "bench words", "gpu_report"]
    code = (
        "import sys; from benchmarks import main\n"
        f"codes = [main([*name.split(), '--help']) for name in {names}]\n"
        "print(codes, 'numpy' in sys.modules)\n"
    )
    process = run_python(code, path=[ROOT / "scripts"])
    assert process.stdout.endswith("[0, 0, 0, 0] False\n"), process.stderr


def test_names_of_networks_are_sizes():
    assert [sizes_of(text)[0] for text in NETS] == [784] * 4
    for text in ("784", "784-x", "784--10", "784-0", ""):
        with pytest.raises(ConfigError, match="nets"):
            sizes_of(text)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--nets", "7"], 2),
        (["--batches", "0"], 2),
        (["--rivals", "x"], 2),
        (["--nets", "784-10", "--batches", "100000"], 2),
        (["--json", "/no/such/folder/x.json"], 8),
    ],
)
def test_bad_arguments_return_their_code(capsys, arguments, code):
    assert main([*TINY, *arguments]) == code
    assert "gpunet: error: " in capsys.readouterr().err


def test_busy_times_commands_alone_and_beside_a_loop_for_each_core(monkeypatch, capsys):
    loops, asked = [], []

    class Loop:
        def __init__(self, words):
            loops.append(self)

        def kill(self):
            loops.remove(self)

        def wait(self):
            pass

    def seconds(command):
        asked.append((command, len(loops)))
        return 1.0 + len(loops)

    monkeypatch.setattr(commands, "Popen", Loop)
    monkeypatch.setattr(commands, "_seconds", seconds)
    monkeypatch.setattr(commands, "usable_cores", lambda: 2)
    command = "train.py --engine loop"
    monkeypatch.setattr(commands, "BUSY_COMMANDS", [command])
    assert main(["bench", "--busy", "--repeats", "2"]) == 0
    assert asked == [(command, 0), *[(command, 0), (command, 2)] * 2]
    shown = capsys.readouterr().out
    assert command in shown and "3.00" in shown
