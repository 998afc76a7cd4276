"""Replacing scikit-learn's MLPs by gpunet's in modules already imported, and back."""

import sys
from typing import Any

import sklearn.neural_network

from ..errors import ConfigError
from ..io.messages import choices
from .estimators import MLPClassifier, MLPRegressor

_REPLACEMENTS: dict[type, type] = {
    sklearn.neural_network.MLPClassifier: MLPClassifier,
    sklearn.neural_network.MLPRegressor: MLPRegressor,
}
# where objects made before would no longer pickle
_UNTOUCHED = ("sklearn.neural_network._multilayer_perceptron", "gpunet")
_patched: list[tuple[dict, str, type]] = []
_defaults: dict[type, dict] = {}  # of the estimators before a patch changed them


def patch(**defaults: Any) -> None:
    """Make scripts that name scikit-learn's MLPs use gpunet's.

    `sklearn.neural_network` has gpunet's classes from now on, and so have modules
    that imported scikit-learn's before, under whatever name. Objects made before
    stay what they are. A second call changes nothing more than the defaults.

    Parameters
    ----------
    **defaults
        Of parameters that both estimators have, such as device="cuda", for code that
        does not name them.

    Raises
    ------
    ConfigError
        The estimators have no such parameter.

    Examples
    --------
    >>> patch()
    >>> from sklearn.neural_network import MLPClassifier
    >>> MLPClassifier.__module__.partition(".")[0]
    'gpunet'
    >>> unpatch()
    """
    for estimator in _REPLACEMENTS.values():
        known = _keyword_defaults(estimator)
        for key in defaults:
            if key not in known:
                raise ConfigError(f"patch: no parameter {key!r}; {choices(key, known)}")
        _defaults.setdefault(estimator, dict(known))
        known.update(_defaults[estimator] | defaults)
    for name, module in list(sys.modules.items()):
        if name.startswith(_UNTOUCHED) or not isinstance(module, type(sys)):
            continue
        for key, value in list(vars(module).items()):
            # by identity: some libraries' values warn when they are compared
            if any(value is original for original in _REPLACEMENTS):
                _patched.append((vars(module), key, value))
                vars(module)[key] = _REPLACEMENTS[value]


def unpatch() -> None:
    """Undo `patch`: the names it changed mean scikit-learn's classes again."""
    while _defaults:
        estimator, before = _defaults.popitem()
        _keyword_defaults(estimator).update(before)
    while _patched:
        names, key, original = _patched.pop()
        if names.get(key) is _REPLACEMENTS[original]:
            names[key] = original


def _keyword_defaults(estimator: Any) -> dict[str, Any]:
    return estimator.__init__.__kwdefaults__
