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
        if "scripts/" in line
    }
    | set(re.findall(r"`(python scripts/[^`]+)`", README + RESULTS))
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
    words = shlex.split(re.split(r"&&|#|\|", command.partition("scripts/")[2])[0])
    script, options = words[0], [w for w in words if w.startswith("--")]
    action = words[1:2] if script == "embed_text.py" else []  # its options are its own
    run = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / script), *action, "--help"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert run.returncode == 0, run.stderr
    for option in options:
        assert re.search(rf"{option}\b", run.stdout), f"{script} has no {option}"
