"""A network as a page: one HTML file that shows it, and answers without a server.

`document` says what goes into the page, `html` puts it together from the files of
`static/`: plain scripts and styles, without a build step.
"""

from .document import page_document
from .html import page_html
from .notebook import PageView, page_view
from .plane import playground
from .source import PageSource, open_source

__all__ = [
    "PageSource",
    "PageView",
    "open_source",
    "page_document",
    "page_html",
    "page_view",
    "playground",
]
