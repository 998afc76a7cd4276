"""`gpunet page` for a checkout: arguments only, no mathematics."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from gpunet.cli import main

raise SystemExit(main(["page", *sys.argv[1:]]))
