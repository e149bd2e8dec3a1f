"""What is done where nobody says otherwise: command line, YAML, script, window."""

from __future__ import annotations

from typing import Final, Literal

__all__ = [
    "AUDIT",
    "EPSILON",
    "FIRST_PLANES",
    "MIN_PLANES",
    "PATIENCE",
    "POLICY",
    "STALE_FRAMES",
    "STOP_RULE",
    "TAU",
    "WORKER_WAIT_S",
    "Overlap",
]

Overlap = Literal["none", "stage", "exposure"]
"""What is done for the next plane while the estimator computes the last: nothing; the
stage moves and settles; or one plane is exposed ahead, too."""

EPSILON = 0.05
"""Relative change of the volume at or below which it is enough."""
POLICY: Final = "bisect"
FIRST_PLANES = 3
"""Planes of equal spacing before gaps are looked for."""
MIN_PLANES = 4
"""No convergence with fewer."""
STOP_RULE: Final = "guarded"
TAU = 0.2
"""Error at which an audit plane may at most have been predicted, relative."""
AUDIT = 0.2
"""Share of planes, after the first ones, whose z is drawn."""
PATIENCE = 1
"""Planes in a row after which it must be enough."""
STALE_FRAMES = 3
"""So many old frames in a row fail a scan."""
WORKER_WAIT_S = 60.0
"""So long a dask scheduler may be without any worker."""
