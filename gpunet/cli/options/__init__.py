"""The options of each command: argparse alone, so that `--help` answers at once."""
