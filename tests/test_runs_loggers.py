"""The recipes of the runs' README for loggers, with modules that note their calls."""

import contextlib
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest
from helpers import ROOT
from tiny import table

import gpunet

README = (ROOT / "gpunet" / "runs" / "README.md").read_text("utf-8")
RECIPES = re.findall(r"```py\n(.*?)```", README, re.S)


class Calls(list):
    """Notes the calls of stand-in modules, whose signatures are the true ones'."""

    def modules(self):
        board, flow, wandb = map(ModuleType, ("tensorboard", "mlflow", "wandb"))
        board.SummaryWriter = lambda log_dir=None: Writer(self, log_dir)
        for name in ("log_metrics", "log_params", "log_artifacts"):
            setattr(flow, name, getattr(self, name))
        flow.start_run, wandb.init = self.start_run, self.init
        names = {"torch": ModuleType("torch"), "torch.utils": ModuleType("utils")}
        names |= {"torch.utils.tensorboard": board, "mlflow": flow, "wandb": wandb}
        return names

    def log_metrics(self, metrics, step=None):
        assert all(type(value) in (int, float) for value in metrics.values())
        self.append(("metrics", metrics, step))

    def log_params(self, params):
        self.append(("params", params))

    def log_artifacts(self, local_dir, artifact_path=None):
        names = sorted(path.name for path in Path(local_dir).iterdir())
        self.append(("artifacts", names))

    @contextlib.contextmanager
    def start_run(self, run_id=None, experiment_id=None, run_name=None):
        yield
        self.append(("ended", run_name))

    @contextlib.contextmanager
    def init(self, project=None, config=None):
        yield self
        self.append(("ended", project))

    def log(self, data, step=None):
        self.log_metrics(data, step)


class Writer:
    def __init__(self, calls, log_dir):
        self.calls, self.log_dir, self.open = calls, log_dir, True

    def add_scalar(self, tag, scalar_value, global_step=None, walltime=None):
        assert self.open and type(scalar_value) in (int, float)
        self.calls.append((tag, scalar_value, global_step))

    def close(self):
        self.open = False
        self.calls.append(("ended", self.log_dir))


@pytest.fixture(params=[None, 3])
def calls(request, monkeypatch, tmp_path):
    """Carry the recipes out one after the other; return the calls of each."""
    seen = Calls()
    for name, module in seen.modules().items():
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.chdir(tmp_path)
    x, t = table()
    names, by_recipe = {"data": (x, t), "gpunet": gpunet}, []
    for recipe in RECIPES:
        assert recipe.count("\n") <= 30
        names["net"] = gpunet.mlp([4, 5, 3], population=request.param)
        exec(compile(recipe, "README.md", "exec"), names)
        by_recipe.append(list(seen))
        seen.clear()
    return by_recipe


def test_recipes_log_each_epoch_once_and_end(calls):
    board, flow, wandb = calls
    losses = [(value, epoch) for tag, value, epoch in board[:-1] if tag == "loss"]
    assert [epoch for _, epoch in losses] == [1, 2, 3, 4, 5]
    assert losses[0][0] > losses[-1][0] and board[-1] == ("ended", "logs/first")
    steps = [call[2] for call in flow if call[0] == "metrics"]
    assert steps == [1, 2, 3, 4, 5] and flow[-1] == ("ended", "first")
    assert flow[0][1]["loss"] == losses[0][0]
    (params,) = [call[1] for call in flow if call[0] == "params"]
    assert params["epochs"] == 5 and params["optimizer"] == "adam"
    (files,) = [call[1] for call in flow if call[0] == "artifacts"]
    assert {"config.json", "model.safetensors"} <= set(files)
    assert [call[1]["epoch"] for call in wandb[:-1]] == [1, 2, 3, 4, 5]
    assert wandb[-1] == ("ended", "digits")
