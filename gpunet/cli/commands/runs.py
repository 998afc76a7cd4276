"""`gpunet runs`: its work."""

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ...io.messages import counted
from ...runs.listing import Run, comparison, is_run, list_runs
from ..tables import as_json, show


def run(args: argparse.Namespace) -> int:
    """List the runs, or compare two; return 0."""
    runs = list_runs(*args.folders, sort=args.sort and args.sort.replace("-", "_"))
    for problem in runs.problems:
        print(f"gpunet: warning: {problem}", file=sys.stderr)
    folders = [Path(folder).absolute() for folder in args.folders]
    if args.json:
        print(as_json([_document(each) for each in runs]))
    elif len(folders) == len(runs) == 2 and all(map(is_run, folders)):
        for title, columns, rows in comparison(*(runs[str(path)] for path in folders)):
            if rows:
                show(title, columns, rows)
    elif len(runs):
        columns, rows, note = runs.table()
        show(counted(len(runs), "run"), columns, rows, note)
    else:
        print("no runs")
    return 0


def _document(run: Run) -> dict[str, Any]:
    time = datetime.fromtimestamp(run.modified, UTC).isoformat(timespec="seconds")
    document: dict[str, Any] = {"name": run.name, "path": str(run.path)}
    document |= {"state": run.state, "modified": time, "settings": run.settings}
    return document | {"numbers": run.numbers}
