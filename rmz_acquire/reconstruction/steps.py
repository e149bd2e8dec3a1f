"""How many steps richardson-lucy makes at most; they end where planes are explained."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rmz_acquire.reconstruction.likelihood import Steps

__all__ = ["AT_ONCE", "FEW", "FRESH", "GOING_ON", "steps_of"]

_FROM_NOTHING: Steps = ((4, 150), (2, 80), (1, 15))
GOING_ON: Steps = ((4, 50), (2, 25), (1, 6))
FEW: Steps = ((4, 40), (2, 8))

FRESH = 5
"""Up to so many planes, each makes the layers anew: what goes on from fewer has its
light in the wrong layers. With more, going on is as good."""

AT_ONCE = 8
"""Planes from which layers are made at once where as many come; further ones go on
from these. At 20x/0.75, eight planes at once are 0.1 (filaments) to 0.35 dB (nuclei)
better than five and three that go on; twelve would be 0.1 to 0.2 dB worse."""

_FURTHER: Steps = ((4, 0), (2, 12), (1, 3))
"""Steps from nothing for each plane beyond `FRESH`: half of what going on takes."""


def steps_of(planes: int) -> Steps:
    """Steps for layers of so many planes at once."""
    more = max(0, planes - FRESH)
    both = zip(_FROM_NOTHING, _FURTHER, strict=True)
    return tuple((binning, n + more * each) for (binning, n), (_, each) in both)
