"""`gpunet compile` from a clone, to be run once after installing."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from gpunet.cli import main

if __name__ == "__main__":
    raise SystemExit(main(["compile", *sys.argv[1:]]))
