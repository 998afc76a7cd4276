"""Putting gpunet's classes in the place of scikit-learn's, and back."""

import sys

import sklearn.neural_network

from .estimators import MLPClassifier, MLPRegressor

_SWAPS = {
    sklearn.neural_network.MLPClassifier: MLPClassifier,
    sklearn.neural_network.MLPRegressor: MLPRegressor,
}
# where objects made before would no longer pickle
_LEFT = ("sklearn.neural_network._multilayer_perceptron", "gpunet")
_swapped: list[tuple[dict, str, type]] = []


def patch() -> None:
    """Let scripts that name scikit-learn's MLPs use gpunet's.

    `sklearn.neural_network` gives gpunet's classes from now on, and modules that
    have imported scikit-learn's already get them too, under whatever name. Objects
    made before stay what they are. A second call does nothing more.

    Examples
    --------
    >>> patch()
    >>> from sklearn.neural_network import MLPClassifier
    >>> MLPClassifier.__module__.partition(".")[0]
    'gpunet'
    >>> unpatch()
    """
    for name, module in list(sys.modules.items()):
        if name.startswith(_LEFT) or not isinstance(module, type(sys)):
            continue
        for key, value in list(vars(module).items()):
            # by identity: some libraries' values warn when asked what they are
            if any(value is original for original in _SWAPS):
                _swapped.append((vars(module), key, value))
                vars(module)[key] = _SWAPS[value]


def unpatch() -> None:
    """Undo `patch`: the names it changed mean scikit-learn's classes again."""
    while _swapped:
        names, key, original = _swapped.pop()
        if names.get(key) is _SWAPS[original]:
            names[key] = original
