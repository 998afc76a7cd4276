"""What goes into the page: one dict of JSON data, a key for each subject.

Each subject has a function of the `PageSource`, which returns its data, or None where
there is nothing to show. Numbers in bulk are as `values` makes them.
"""

from collections.abc import Callable
from typing import Any

from ..errors import ConfigError
from ..io.messages import printable
from . import form, members, overview, plane
from .source import PageSource
from .values import network_values


def network(source: PageSource) -> dict[str, Any] | None:
    """Return the network that answers in the page, as an exported script has it."""
    try:
        return network_values(source.shown, source.table)
    except ConfigError as error:
        reason = str(error).removeprefix("export: ")
        source.notes.append(f"the network does not answer here: {reason}")
        return None


def history(source: PageSource) -> dict[str, Any] | None:
    """Return the numbers of each epoch by their names, of the member that is shown."""
    records = overview.shown_history(source)
    return {name: records[name] for name in records.columns} or None


# Those of a network are left out while a run has saved none.
OF_A_NETWORK: dict[str, Callable[[PageSource], Any]] = {
    "network": network,
    "members": members.section,
    "plane": plane.section,
    "table": form.section,
}
OF_A_RUN: dict[str, Callable[[PageSource], Any]] = {"history": history}


def page_document(source: PageSource) -> dict[str, Any]:
    """Return the document of a page: JSON data, without keys that have nothing."""
    sections = OF_A_RUN | (OF_A_NETWORK if source.net is not None else {})
    document = {key: section(source) for key, section in sections.items()}
    document["overview"] = overview.section(source)  # it tells what the others left out
    title = {"title": printable(source.title, 120)}
    return title | {k: value for k, value in document.items() if value is not None}
