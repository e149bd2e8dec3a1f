"""``rmz-acquire train``: a model from a configuration."""

from __future__ import annotations

__all__ = ["train"]


def train() -> None:
    """Train a model on simulated specimens."""
