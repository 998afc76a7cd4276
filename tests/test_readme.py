"""The examples of each README run and print what it says; its commands exist."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
READMES = [ROOT / "README.md", *sorted((ROOT / "gpunet").rglob("README.md"))]
README = "\n".join(path.read_text(encoding="utf-8") for path in READMES)
RESULTS = (ROOT / "scripts/benchmarks/RESULTS.md").read_text(encoding="utf-8")
PYTHON = re.findall(r"```python\n(.*?)```(?:\s*```text\n(.*?)```)?", README, re.S)
COMMANDS = sorted(
    {
        line.strip()
        for block in re.findall(r"```sh\n(.*?)```", README, re.S)
        for line in block.splitlines()
        if re.search(r"(^| )(python scripts/|gpunet [a-z])", line)
    }
    | set(re.findall(r"`((?:python scripts/|gpunet [a-z])[^`]+)`", README + RESULTS))
)


@pytest.mark.parametrize("code, printed", PYTHON)
def test_readme_block_prints_what_it_says(code, printed):
    """Catches an example that drifted from the code."""
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout == printed


def test_readme_has_examples_and_commands():
    assert len(PYTHON) >= 2
    assert len(COMMANDS) >= 8


@pytest.mark.parametrize("command", COMMANDS)
def test_readme_command_has_only_known_options(command):
    """Every option in the README is one its command's help speaks of."""
    called = re.search(r"(?:python scripts/|(?:^| )gpunet )(.*)", command)[1]
    name, *words = shlex.split(re.split(r"&&|#|\|", called)[0])
    options = [w for w in words if w.startswith("--")]
    # The options of an action are its own.
    action = [word for word in words[:1] if not word.startswith("--")]
    action = action if name.startswith(("embed", "bench")) else []
    start = [str(ROOT / "scripts" / name)] if ".py" in name else ["-m", "gpunet", name]
    run = subprocess.run(
        [sys.executable, *start, *action, "--help"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert run.returncode == 0, run.stderr
    for option in options:
        assert re.search(rf"{option}\b", run.stdout), f"{name} has no {option}"
