"""Diagnosis: common training problems, the number that shows each, and one remedy.

`diagnose` is for a person who asks; `not_learned` is what `fit` warns of at its end,
with bounds that short and difficult runs keep clear of. Nothing acts on either.
"""

from .diagnose import Diagnosis, diagnose
from .problems import FAULTS, Problem
from .warning import not_learned

__all__ = ["FAULTS", "Diagnosis", "Problem", "diagnose", "not_learned"]
