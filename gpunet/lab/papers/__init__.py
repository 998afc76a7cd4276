"""Experiments of published papers, in small."""
