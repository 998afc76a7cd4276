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

_STATIC = Path(__file__).with_name("static")
_POLICY = "default-src 'none'; img-src data:; base-uri 'none'; form-action 'none'"
# What only documents with such a key need; a live page may be sent any key later.
_SCRIPTS_OF = {
    "digits": ("draw/", "tabs/draw.js", "tabs/neurons.js", "tabs/mistakes.js"),
    "plane": ("training/", "plane/", "tabs/plane.js"),
    "table": ("tabs/form.js",),
    "members": ("tabs/members.js",),
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
    needless = () if live else tuple(key for key in _SCRIPTS_OF if key not in document)
    style, script = _style(), _script(needless)
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
def _style() -> str:
    names = ["vendor/uPlot.min.css", *_names("*.css")]
    return "\n".join(_compact(_read(name)) for name in names)


@cache
def _script(needless: tuple[str, ...] = ()) -> str:
    """Return all scripts as one: uPlot, the exported runtime, the page's own.

    Those of the document's keys that are `needless` are left out. Each is a block, so
    that its names stay its own.
    """
    left_out = tuple(name for key in needless for name in _SCRIPTS_OF[key])
    names = [n for n in _names("*/**/*.js") if not n.startswith(("vendor/", *left_out))]
    # Tabs last: they use the parts.
    names.sort(key=lambda name: (name.startswith("tabs/"), name))
    sources = [_read("vendor/uPlot.iife.min.js"), js_runtime(), _read("app.js")]
    sources += map(_read, names)
    blocks = [f"{{\n{_compact(source)}\n}}\n" for source in sources]
    return "".join(['"use strict";\n', *blocks, "page.start();\n"])


def _compact(source: str) -> str:
    """Return a script or style without indentation, blank lines and line comments."""
    lines = (line.strip() for line in source.splitlines())
    return "\n".join(line for line in lines if line and not line.startswith("//"))


def _names(pattern: str) -> list[str]:
    """Return the files that match below static/, in order."""
    paths = (path.relative_to(_STATIC).as_posix() for path in _STATIC.glob(pattern))
    return sorted(paths)
