"""stub"""

from __future__ import annotations

__all__ = ["replay"]


def replay() -> None:
    """To come."""
