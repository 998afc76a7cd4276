"""What the tests of the lab ask of an experiment's result."""

import json

import pytest

from gpunet.show.style import to_png


def missed(result):
    """Return the checks that failed, by name."""
    return [check["what"] for check in result["checks"] if not check["ok"]]


def public(result):
    """Return what JSON shows of a result; JSON must be able to hold it."""
    shown = {name: value for name, value in result.items() if name[0] != "_"}
    json.dumps(shown, allow_nan=False)
    return shown


def holds(result):
    """Return the result after its checks and its JSON."""
    failed = [check for check in result["checks"] if not check["ok"]]
    assert not failed, failed
    public(result)
    return result


def assert_pictures(draw, result):
    """Draw a result and assert that every picture is a PNG of some size."""
    pytest.importorskip("matplotlib")
    figures = draw(result)
    assert figures
    for name, figure in figures.items():
        data = to_png(figure)
        assert data[:8] == b"\x89PNG\r\n\x1a\n" and len(data) > 4000, name
