"""The page of a network, for a notebook; what makes it is on an upper floor."""

from typing import Any

from .._lazy import load
from ..data import Splits
from ..io.messages import Path
from ..network import Network
from ..training.history import History


def page(
    model: Network | Path,
    data: Splits | None = None,
    history: History | None = None,
) -> Any:
    """Return a page that shows a network and lets you try it; a notebook displays it.

    Parameters
    ----------
    model : Network, or path of a run folder or model file
    data : Splits, optional
        What it was trained on, by default that of the run. Of digits the page shows
        some, and the mistakes.
    history : History, optional
        What `fit` returned, by default that of the run: its curves.

    Returns
    -------
    view : PageView
        ``view.save("page.html")`` writes it as a file, which needs no server.

    Raises
    ------
    ModelFileError
        The file is missing or damaged.
    ConfigError
        Another type of data or history.

    Examples
    --------
    >>> import gpunet
    >>> view = page(gpunet.mlp([2, 8, 2]))
    >>> view.html[:15]
    b'<!DOCTYPE html>'
    """
    return load("page.notebook").page_view(model, data, history)
