"""`gpunet embed_text` for a checkout: arguments only, no mathematics."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from gpunet.cli import main

raise SystemExit(main(["embed_text", *sys.argv[1:]]))
