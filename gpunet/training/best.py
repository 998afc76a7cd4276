"""The best weights so far, and when to stop looking for better ones."""

from ..backend import Params
from ..network import Network
from .callbacks import EarlyStopping
from .steppers import expand_mask, member_mask


class Best:
    """Keeps each member's best weights by validation loss.

    Parameters
    ----------
    net : Network
    rule : EarlyStopping or None
        None keeps the best and never stops.

    Attributes
    ----------
    state : dict
        loss, epoch and bad (epochs since) of each member's best.
    params : dict of str to array
        Copies of the weights; empty until there is a best.
    restores : bool
        Whether the best weights come back at the end.
    restored : bool
        Whether they have come back.
    """

    def __init__(self, net: Network, rule: EarlyStopping | None):
        n = net.population or 1
        self._net, self._rule, self.restored = net, rule, False
        self.restores = bool(rule and rule.restore_best)
        self.params: Params = {}
        self.state: dict[str, list] = {"loss": [None] * n, "epoch": [0] * n}
        self.state["bad"] = [0] * n

    def update(self, losses: list[float], epoch: int, active: list[bool]) -> list[int]:
        """Judge by an epoch's validation losses; return the members to stop.

        NaN is never a new best and never hides a later one.
        """
        state, rule = self.state, self._rule
        margin = rule.min_delta if rule else 0.0
        better, stopped = [False] * len(losses), []
        for i, value in enumerate(losses):
            if not active[i]:
                continue
            old = state["loss"][i]
            better[i] = value < (float("inf") if old is None else old - margin)
            if better[i]:
                state["loss"][i], state["epoch"][i], state["bad"][i] = value, epoch, 0
                continue
            state["bad"][i] += 1
            if rule and state["bad"][i] >= rule.patience:
                stopped.append(i)
        if any(better):
            self._copy(better)
        return stopped

    def start_copies(self) -> None:
        """Begin to keep weights, with copies of the present ones."""
        xp = self._net.backend.xp
        self.params = {
            name: xp.asarray(p, copy=True) for name, p in self._net.params.items()
        }

    def restore(self) -> None:
        """Give the network its best weights back, if the rule says so."""
        if self.restores:
            self.restored = True
            for name, p in self.params.items():
                self._net.params[name][...] = p

    def _copy(self, better: list[bool]) -> None:
        if not self.params:
            self.start_copies()
            return
        xp, mask = self._net.backend.xp, member_mask(self._net, better)
        for name, p in self._net.params.items():
            old = self.params[name]
            old[...] = xp.where(expand_mask(mask, p), p, old)
