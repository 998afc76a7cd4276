"""What a page is made of: a run folder, a model file, or a network at hand."""

import os
import pathlib
from dataclasses import dataclass, field
from functools import cached_property

from ..data import Preprocessing, Splits
from ..errors import GpunetError, ModelFileError
from ..io.messages import message
from ..layers import Dense, Embedding
from ..network import Network
from ..runs.config import check_config, data_from_config
from ..runs.listing import Run, read_run
from ..storage import RunFolder
from ..storage.models import choose_member, open_member
from ..storage.network import model_file
from ..training.history import History
from ..training.members.table import MemberTable


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
    def history(self) -> History:
        """The history of the run, of all members."""
        return History() if self.run is None else self.run.history

    @property
    def shown_history(self) -> History:
        """The history of the member that the page shows first."""
        member, size = self.member or 0, self.history.n_members
        return History(
            [
                {
                    name: value[member] if isinstance(value, list) and size else value
                    for name, value in record.items()
                }
                for record in self.history
            ]
        )

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

    Of a run that has not ended the best network so far is used, or the newest. Of a
    population the best member is shown first, unless another one is named.

    Raises
    ------
    ModelFileError
        There is no model, or it is damaged, or it is one of words.
    ConfigError
        There is no such member.
    """
    file = _saved(path)
    net, table = open_member(file, None)
    choose_member(net, member)  # refuses one that there is not
    if isinstance(net.layers[0], Embedding):
        reason = "is a model of words, which a page cannot show"
        remedy = "see it with gpunet.text or `gpunet embed-text`"
        raise ModelFileError(message("model file", file, reason, remedy))
    source = PageSource(net, member, table, _run_of(file), file)
    if source.run is not None and file.name != "model.safetensors":
        has_ended = RunFolder(source.run.path).model.is_file()
        state = "" if has_ended else "the run has not ended: "
        source.notes.append(f"{state}this is its {file.name}")
    if net.population and member is None:
        source.member = _best_member(source.run)
    return source


def _saved(path: str | bytes | os.PathLike) -> pathlib.Path:
    """Return the model file of a path, or what a run has saved before its end."""
    try:
        return model_file(path)
    except ModelFileError:
        folder = RunFolder(path)
        files = [folder.best, *sorted(folder.checkpoints.glob("step-*.safetensors"))]
        if not (saved := [file for file in files if file.is_file()]):
            raise
        return saved[0] if saved[0] == folder.best else saved[-1]


def _run_of(file: pathlib.Path) -> Run | None:
    """Return the run of a folder that has saved a file, if it is one."""
    folder = file.absolute().parent
    if folder.name == "checkpoints":
        folder = folder.parent
    elif file.name not in ("model.safetensors", "best.safetensors"):
        return None
    return read_run(folder) if (folder / "config.json").is_file() else None


def _best_member(run: Run | None) -> int:
    """Return the number of the member that is best by its scores, else 0."""
    rows = None if run is None else run.result.get("members") or run.history.members()
    try:
        return int(MemberTable(rows or []).best_first()[0]["member"])
    except (IndexError, KeyError, TypeError, ValueError):  # a damaged result
        return 0
