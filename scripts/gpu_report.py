"""The command `gpu_report`, without installing anything but numpy."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks import main

if __name__ == "__main__":
    raise SystemExit(main(["gpu_report", *sys.argv[1:]]))
