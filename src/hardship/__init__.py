"""Exact, explained scoring and ranking of households for social assistance."""

__version__ = "0.1.0"
