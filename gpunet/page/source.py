"""What a page is made of: a run folder, a model file, or a network at hand."""

import os
import pathlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from ..data import Preprocessing, Splits
from ..errors import GpunetError
from ..layers import Dense
from ..network import Network
from ..runs.config import check_config, data_from_config
from ..runs.listing import Run, is_run, read_run
from ..storage.models import choose_member, open_member
from ..storage.network import model_file


@dataclass
class PageSource:
    """A network and all that is known of it.

    Attributes
    ----------
    net : Network or None
        Of a run of many networks the population. None: the run has saved none yet.
    member : int or None
        The member that the page shows first.
    table : Preprocessing or None
        How the cells of its table became its inputs.
    run : Run or None
        Its run folder.
    path : Path or None
        Where it was read.
    notes : list of str
        What the page leaves out, and why; the overview shows them.
    """

    net: Network | None
    member: int | None = None
    table: Preprocessing | None = None
    run: Run | None = None
    path: pathlib.Path | None = None
    notes: list[str] = field(default_factory=list)

    @property
    def shown(self) -> Network:
        """The network that the page shows first."""
        assert self.net is not None
        if not self.net.population:
            return self.net
        return self.net.member(self.member or 0)

    @property
    def title(self) -> str:
        """The name of the run or file, with the sizes of the layers."""
        if self.run is not None:
            name = self.run.name
        else:
            name = "network" if self.path is None else self.path.stem
        if self.net is None:
            return name
        dense = [layer for layer in self.net.layers if isinstance(layer, Dense)]
        sizes = [*(layer.n_in for layer in dense[:1]), *(d.n_out for d in dense)]
        return f"{name}: {'-'.join(map(str, sizes))}"

    @cached_property
    def data(self) -> Splits | None:
        """The data of the run, None where they cannot be had."""
        if self.run is None or "layers" in self.run.settings:  # given in Python
            return None
        try:
            return data_from_config(check_config(self.run.settings))
        except (GpunetError, OSError) as error:
            self.notes.append(f"the data are not shown: {error}")
            return None


def open_source(
    path: str | bytes | os.PathLike, member: int | None = None
) -> PageSource:
    """Return what a page of a run folder, model file or checkpoint is made of.

    Raises
    ------
    ModelFileError
        There is no model, or it is damaged.
    ConfigError
        There is no such member.
    """
    file = model_file(path)
    net, table = open_member(file, None)
    choose_member(net, member)  # refuses one that there is not
    folder = next(_folders(file), None)
    run = None if folder is None else read_run(folder)
    return PageSource(net, member, table, run, file)


def _folders(file: pathlib.Path) -> Iterator[pathlib.Path]:
    """Yield the run folder that a file lies in, or in whose checkpoints it lies."""
    return (folder for folder in file.absolute().parents[:2] if is_run(folder))
