"""The report on a GPU: `report.py` runs the sections, each in its own process."""
