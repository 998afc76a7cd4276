"""The options of each benchmark command, read before NumPy is imported."""
