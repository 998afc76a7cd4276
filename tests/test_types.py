"""What type checkers and editors see: the door's names as what they are."""

import ast
import os
import re
import subprocess
import sys

import pytest
from helpers import ROOT

import gpunet

DOOR = ast.parse((ROOT / "gpunet" / "__init__.py").read_text("utf-8"))

# A line that a type checker must refuse ends with the code of the error.
USER = """
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

import gpunet

net: gpunet.Network = gpunet.mlp([4, 3, 2], "tanh", seed=1)
history: gpunet.History = gpunet.fit(net, (np.zeros((3, 4)), np.zeros(3)), epochs=2)
loss: gpunet.Loss = gpunet.loss("hinge")
grads: dict[str, Any] = net.backward([], 1)
optimizer: gpunet.Optimizer = gpunet.SGD(momentum=0.9)
gpunet.SGD(momentun=0.9)  # call-arg
gpunet.mlp("4")  # arg-type
gpunet.fit(net)  # call-arg
gpunet.Dense("4", 3)  # arg-type
gpunet.nothing  # attr-defined
net.predictt(3)  # attr-defined
wrong: gpunet.SGD = gpunet.optimizer("sgd")  # assignment


@dataclass
class Lion(gpunet.Optimizer):
    beta: float = 0.9
    slot_names: ClassVar[tuple[str, ...]] = ("mean",)

    def update(self, name: str, p: Any, g: Any, rate: Any, *slots: Any) -> None:
        (m,) = slots
        m *= self.beta


@dataclass(frozen=True)
class Scale(gpunet.Layer):
    tensors: ClassVar[tuple[str, ...]] = ("scale",)
    n: int = 3

    def init(self, rng: np.random.Generator) -> dict[str, Any]:
        return {"scale": rng.standard_normal(self.n)}


class Rate(gpunet.Callback):
    def on_epoch(self, trainer: Any, record: dict[str, Any]) -> None:
        trainer.stop("enough")


gpunet.fit(net, (1, 2), optimizer=Lion(beta=0.5), callbacks=[Rate()])
gpunet.Network([Scale(), Scale(n="3")])  # arg-type
"""


def test_mypy_sees_the_door_as_it_is(tmp_path):
    pytest.importorskip("mypy")
    (tmp_path / "user.py").write_text(USER)
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--config-file=", "user.py"],
        cwd=tmp_path,
        env={**os.environ, "MYPYPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    reported = re.findall(r"^user\.py:(\d+): error: .*\[([a-z-]+)\]", done.stdout, re.M)
    expected = [
        (str(number), code)
        for number, line in enumerate(USER.splitlines(), 1)
        for code in re.findall(r"  # ([a-z-]+)$", line)
    ]
    assert reported == expected, done.stdout + done.stderr


def test_checkers_and_python_find_the_same_names():
    (imports,) = (
        node
        for node in DOOR.body
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
    )
    seen = {
        item.asname or item.name: (node.module or item.name, item.name)
        for node in imports.body
        for item in node.names
    }
    homes = {
        name: (home, gpunet._FULL_NAMES.get(name, name))
        for name, home in gpunet._HOME.items()
    }
    assert seen == homes
    assert sorted(gpunet.__all__) == sorted(homes)


def test_package_says_that_it_is_typed():
    assert (ROOT / "gpunet" / "py.typed").exists()
