"""Photobleaching: every exposure leaves less for the next, where the light fell.

First-order: the brightness falls as exp(−rate · ms of light). In wide field all depths
are lit alike whatever the focus, so one figure holds for a whole field.
"""

from __future__ import annotations

import math

__all__ = ["BleachLedger"]


class BleachLedger:
    """Remembers how long every field was lit.

    A field counts as lit by another one where their middles are less than half a
    field apart; overlaps by less are neglected.

    Parameters
    ----------
    rate_per_ms : float
        Part of the brightness lost in a ms of light, for small losses.
    """

    def __init__(self, rate_per_ms: float = 0.0) -> None:
        self.rate_per_ms = rate_per_ms
        self._lit: dict[tuple[float, float], float] = {}

    def dose_ms(
        self, centre_um: tuple[float, float], field_um: tuple[float, float]
    ) -> float:
        """Light that a field has had, ms.

        Parameters
        ----------
        centre_um, field_um : (float, float)
            Middle and size of the field, y and x, µm.

        Returns
        -------
        float
        """
        return sum(
            ms
            for (y, x), ms in self._lit.items()
            if abs(y - centre_um[0]) < field_um[0] / 2
            and abs(x - centre_um[1]) < field_um[1] / 2
        )

    def expose(
        self,
        centre_um: tuple[float, float],
        field_um: tuple[float, float],
        exposure_ms: float,
    ) -> float:
        """Light a field, and say how bright it was meanwhile.

        Parameters
        ----------
        centre_um, field_um : (float, float)
            Middle and size of the field, y and x, µm.
        exposure_ms : float
            Time of light, ms.

        Returns
        -------
        float
            Mean brightness over this exposure; 1 for a fresh specimen without
            bleaching.
        """
        before = self.dose_ms(centre_um, field_um)
        place = (round(centre_um[0], 3), round(centre_um[1], 3))
        self._lit[place] = self._lit.get(place, 0.0) + exposure_ms
        lost = self.rate_per_ms * exposure_ms
        mean = -math.expm1(-lost) / lost if lost > 0 else 1.0
        return math.exp(-self.rate_per_ms * before) * mean

    def forget(self) -> None:
        """Begin with a fresh specimen."""
        self._lit.clear()
