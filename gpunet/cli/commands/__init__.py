"""The work of each command, loaded once its options are understood."""
