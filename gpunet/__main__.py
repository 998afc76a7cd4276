"""`python -m gpunet COMMAND`, the same as the `gpunet` command."""

from .cli import main

raise SystemExit(main())
