"""Runs the lab's notebooks; `python tests/notebooks.py` stores their outputs anew.

With two paths it reads one notebook and writes it, executed, to the other.
"""

import os
import sys
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient

ROOT = Path(__file__).parent.parent
NOTEBOOKS = sorted((ROOT / "gpunet" / "lab" / "notebooks").glob("*.ipynb"))


def execute(source, target):
    """Run a notebook in an empty folder, by nobody's settings, and write the result."""
    notebook = nbformat.read(source, as_version=4)
    with tempfile.TemporaryDirectory() as folder:
        paths = [str(ROOT), os.environ.get("PYTHONPATH", "")]
        settings = {"IPYTHONDIR": folder, "PYTHONPATH": os.pathsep.join(paths)}
        place = {"metadata": {"path": folder}}
        client = NotebookClient(
            notebook, timeout=300, kernel_name="python3", resources=place
        )
        client.record_timing = False
        client.execute(env=os.environ | settings)
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    language = {"name": "python"}
    notebook.metadata = {"kernelspec": kernel, "language_info": language}
    Path(target).write_text(nbformat.writes(notebook), "utf-8", newline="\n")


if __name__ == "__main__":
    for paths in [sys.argv[1:3]] if sys.argv[1:] else [(p, p) for p in NOTEBOOKS]:
        execute(*paths)
