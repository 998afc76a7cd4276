"""The command `bench_sklearn`, with scikit-learn installed."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks import main

if __name__ == "__main__":
    raise SystemExit(main(["bench_sklearn", *sys.argv[1:]]))
