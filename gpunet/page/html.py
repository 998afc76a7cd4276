"""The file of a page: everything inline, and a policy that lets nothing else in.

The policy names the one script and the one style by their SHA-256, so that no name of
a column or path can become either.
"""

import json
from base64 import b64encode
from functools import cache
from hashlib import sha256
from html import escape
from pathlib import Path
from string import Template
from typing import Any

from .. import __version__
from ..io.json_text import finite_json
from ..storage.export.programs import js_runtime
from .compact import compact

_STATIC = Path(__file__).with_name("static")
_POLICY = "default-src 'none'; img-src data:; base-uri 'none'; form-action 'none'"
# Files, or folders of them, that are left out of a page whose document has none of
# these keys. A live page may be sent any key later.
_CHARTS = ("history", "members", "plane")
_ONLY_WITH = {
    "draw.css": ("digits",),
    "draw/": ("digits",),
    "form.css": ("table",),
    "members.css": ("members",),
    "parts/chart.js": _CHARTS,
    "parts/diagram.js": ("overview", "digits"),
    "parts/dots.js": ("members",),
    "parts/field.js": ("plane", "table"),
    "parts/live.js": ("live",),
    "plane.css": ("plane",),
    "plane/": ("plane",),
    "tabs/curves.js": ("history",),
    "tabs/draw.js": ("digits",),
    "tabs/form.js": ("table",),
    "tabs/members.js": ("members",),
    "tabs/mistakes.js": ("digits",),
    "tabs/neurons.js": ("digits",),
    "tabs/overview.js": ("overview",),
    "tabs/plane.js": ("plane",),
    "training/": ("plane",),
    "vendor/": _CHARTS,
}


def page_html(document: dict[str, Any], *, live: bool = False) -> bytes:
    """Return the HTML file of a document; a live one may ask its own server.

    Parameters
    ----------
    document : dict
        What `page_document` returned.
    live : bool
        Whether the policy lets the page connect to where it came from.
    """
    needless = [
        name
        for name, keys in _ONLY_WITH.items()
        if not any(k in document for k in keys)
    ]
    needed = [name for name in _names() if live or not name.startswith(tuple(needless))]
    style, script = _style(tuple(needed)), _script(tuple(needed))
    policy = f"{_POLICY}; style-src {_digest(style)}; script-src {_digest(script)}"
    text = Template(_read("page.html")).substitute(
        policy=policy + ("; connect-src 'self'" if live else ""),
        version=__version__,
        title=escape(document["title"]),
        style=style,
        script=script,
        document=json_text(document),
    )
    return text.encode("utf-8")


def json_text(document: Any) -> str:
    """Return data as JSON for a script element: ASCII, and no tag can begin in it."""
    text = json.dumps(finite_json(document), allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c")


def _digest(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode('utf-8')).digest()).decode()}'"


def _read(name: str) -> str:
    return (_STATIC / name).read_text("utf-8")


@cache
def _style(needed: tuple[str, ...]) -> str:
    names = [name for name in needed if name.endswith(".css")]
    names.sort(key=lambda name: not name.startswith("vendor/"))  # ours overrule it
    styles = map(_read, names)
    return "\n".join(compact(style, ".css") for style in styles)


@cache
def _script(needed: tuple[str, ...]) -> str:
    """Return all scripts as one: the exported runtime, then the page's own.

    Each is a block, so that its names stay its own.
    """
    names = [name for name in needed if name.endswith(".js")]
    # What all use comes first, the tabs last.
    names.sort(key=lambda name: (name.startswith("tabs/"), name.count("/"), name))
    sources = [js_runtime(), *map(_read, names)]
    blocks = [f"{{\n{compact(source, '.js')}\n}}\n" for source in sources]
    return "".join(['"use strict";\n', *blocks, "page.start();\n"])


@cache
def _names() -> list[str]:
    """Return the names of all styles and scripts below static/, in order."""
    paths = (path for path in _STATIC.rglob("*.*s") if path.suffix in (".css", ".js"))
    return sorted(path.relative_to(_STATIC).as_posix() for path in paths)
