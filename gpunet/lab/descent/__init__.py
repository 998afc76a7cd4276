"""Downhill in one, two and 13,002 dimensions."""
