"""``rmz-acquire models``: what is released, and what each was trained for."""

from __future__ import annotations

__all__ = ["models"]


def models() -> None:
    """List the released models and the optics that each was trained for."""
