"""Checks of a network: its gradients by nudges, its derivatives factor by factor."""

from .explain import explain, votes
from .gradcheck import GradientCheck, check_gradients

__all__ = ["GradientCheck", "check_gradients", "explain", "votes"]
