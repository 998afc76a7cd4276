"""What the page says first: what the network is, and what is left out."""

from typing import Any

from ..runs.listing.runs import comparable
from .source import PageSource


def section(source: PageSource) -> dict[str, Any]:
    """Return tables of two columns with their titles, and the notes."""
    tables: list[tuple[str, list[list[Any]]]] = []
    if source.net is not None:
        rows = [["layers", " ".join(map(repr, source.net.layers))]]
        tables.append(("Network", rows))
    if source.run is not None:
        rows = [[key, str(value)] for key, value in comparable(source.run).items()]
        tables.append(("Settings", rows))
    return {"tables": tables, "notes": source.notes}
