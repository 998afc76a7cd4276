"""Scripts and styles made shorter, so that a page stays small.

Only what cannot matter goes: indentation, blank lines, comments at the end of a line,
and spaces around marks in lines without texts other than "...".
"""

import re

_COMMENTS = {
    ".js": re.compile(r""" // [^"'`]*$"""),
    ".css": re.compile(r"/\*.*?\*/"),
}
_TEXT = re.compile(r'("(?:[^"\\]|\\.)*")')
# Between such texts of a line that is made shorter: no other text, no regular
# expression and no comment.
_PLAIN = re.compile(r"(?:[^`'/]| / )*")
_SPACES = {
    ".js": re.compile(r" ?([{}()\[\];,:?<>=&|*%]+|/) ?"),
    ".css": re.compile(r" ?([{};,]) ?"),  # others separate selectors
}
_LONGEST = 200  # characters of a line that somebody wrote


def compact(source: str, kind: str) -> str:
    """Return a source of the kind ".js" or ".css", made shorter."""
    kept, inside = [], False  # a `text` of several lines, whose spaces count
    for line in source.splitlines():
        begins_inside, inside = inside, inside ^ bool(line.count("`") % 2)
        if not begins_inside and not inside:
            line = _tight(_COMMENTS[kind].sub("", line).strip(), _SPACES[kind])
        if begins_inside or (line and not line.startswith("//")):
            kept.append(line)
    return "\n".join(kept)


def _tight(line: str, spaces: re.Pattern[str]) -> str:
    parts = _TEXT.split(line)
    if len(line) > _LONGEST or not all(map(_PLAIN.fullmatch, parts[::2])):
        return line
    parts[::2] = [spaces.sub(r"\1", part) for part in parts[::2]]
    return "".join(parts)
