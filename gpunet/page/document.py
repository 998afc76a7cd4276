"""What goes into the page: one dict of JSON data, a key for each subject.

Each subject has a function of the `PageSource`, which returns its data, or None where
there is nothing to show. Numbers in bulk are as `values` makes them.
"""

from collections.abc import Callable
from typing import Any

from ..errors import ConfigError
from ..io.messages import printable
from . import digits, form, members, overview, plane
from .html import json_text
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
    records = source.shown_history
    return {name: records[name] for name in records.columns} or None


# Those of a network are left out while a run has saved none.
OF_A_NETWORK: dict[str, Callable[[PageSource], Any]] = {
    "network": network,
    "digits": digits.section,
    "members": members.section,
    "plane": plane.section,
    "table": form.section,
}
OF_A_RUN: dict[str, Callable[[PageSource], Any]] = {"history": history}


_LARGEST = 20_000_000  # bytes; a browser or a mail takes no more with ease


def _shortened(document: dict[str, Any], notes: list[str]) -> dict[str, Any]:
    """Return a document that fits a page, with a note for what is left out."""
    sizes = {key: len(json_text(value)) for key, value in document.items()}
    while sum(sizes.values()) > _LARGEST:
        key = max(sizes, key=sizes.__getitem__)
        notes.append(
            f"{key}: {sizes.pop(key):,} bytes; a page has at most {_LARGEST:,}"
        )
    return {key: document[key] for key in sizes}


def page_document(source: PageSource) -> dict[str, Any]:
    """Return the document of a page: JSON data, without keys that have nothing."""
    sections = OF_A_RUN | (OF_A_NETWORK if source.net is not None else {})
    contents = {key: section(source) for key, section in sections.items()}
    document = {key: value for key, value in contents.items() if value is not None}
    document = _shortened(document, source.notes)
    # The overview tells what the others left out, so it is made last.
    title = {"title": printable(source.title, 120)}
    return title | {"overview": overview.section(source)} | document
