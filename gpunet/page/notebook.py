"""A page inside a notebook: in a frame of its own, which runs its scripts apart."""

from html import escape

from ..data import Splits
from ..errors import ConfigError
from ..io.messages import Path
from ..io.writing import write_atomically
from ..network import Network
from ..training.history import History
from .document import page_document
from .html import page_html
from .source import PageSource, open_source

_HEIGHT = 760  # pixels


class PageView:
    """A page; a notebook displays it, `save` writes its file.

    Attributes
    ----------
    html : bytes
        The whole file.
    """

    def __init__(self, html: bytes):
        self.html = html

    def save(self, path: Path) -> None:
        """Write the HTML file, wholly or not at all (WriteError)."""
        write_atomically(path, self.html)

    def __repr__(self) -> str:
        return f"PageView({len(self.html):,} bytes; .save(path) writes the file)"

    def _repr_html_(self) -> str:
        # Scripts, but not the notebook's origin: they cannot reach the notebook.
        return (
            '<iframe title="A page of a network" loading="lazy" '
            'sandbox="allow-scripts allow-downloads" '
            f'style="width: 100%; height: {_HEIGHT}px; border: 0" '
            f'srcdoc="{escape(self.html.decode())}"></iframe>'
        )


def page_view(
    model: Network | Path, data: Splits | None, history: History | None
) -> PageView:
    """Return the page of a model; see `gpunet.show.page`."""
    source = PageSource(model) if isinstance(model, Network) else open_source(model)
    if not isinstance(data, Splits | None):
        kind = type(data).__name__
        raise ConfigError(f"data: must be a gpunet.Splits, got {kind}")
    if not isinstance(history, History | None):
        kind = type(history).__name__
        raise ConfigError(f"history: must be what `fit` returned, got {kind}")
    if data is not None:
        source.data, source.table = data, source.table or data.table
    if history is not None:
        source.history = history
    return PageView(page_html(page_document(source)))
