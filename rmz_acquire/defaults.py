"""What a scan does where nobody says otherwise: command line, YAML, script, window."""

from __future__ import annotations

from typing import Final

__all__ = ["EPSILON", "FIRST_PLANES", "MIN_PLANES", "POLICY", "STALE_FRAMES"]

EPSILON = 0.05
"""Relative change of the volume at or below which it is enough."""
POLICY: Final = "bisect"
FIRST_PLANES = 3
"""Planes of equal spacing before gaps are looked for."""
MIN_PLANES = 4
"""No convergence with fewer."""
STALE_FRAMES = 3
"""So many old frames in a row fail a scan."""
