"""Runs: a configuration in a folder, from its presets to its report."""
