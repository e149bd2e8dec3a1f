"""The colours that counts are shown in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyqtgraph as pg
from PyQt6.QtGui import QColor

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["BY_CHANNEL", "COLOUR_MAPS", "lookup", "mark_colour"]

BY_CHANNEL = "By channel"
COLOUR_MAPS = {
    BY_CHANNEL: None,
    "Grey": None,
    "Viridis": "viridis",
    "Cividis": "cividis",
    "Magma": "magma",
}
"""Black to the colour of the channel, grey, and maps that grow evenly in lightness, so
that all colour vision reads them alike."""

_MARK, _OTHER_MARK = "#ff2020", "#00e5ff"
_APART = 170.0


def lookup(name: str, channel_colour: str = "#ffffff") -> NDArray[np.uint8]:
    """Table of a colour map, (256, 3).

    Parameters
    ----------
    name : str
        Of `COLOUR_MAPS`.
    channel_colour : str
        Of the channel that is shown, #rrggbb.
    """
    file = COLOUR_MAPS[name]
    if file is not None:
        table: NDArray[np.uint8] = pg.colormap.get(file).getLookupTable(nPts=256)
        return table[:, :3]
    white = _rgb(channel_colour if name == BY_CHANNEL else "#ffffff")
    ramp = np.linspace(0, 1, 256)[:, None] * white
    return np.round(ramp).astype(np.uint8)


def mark_colour(table: NDArray[np.uint8]) -> str:
    """Red, to mark single pixels with, or cyan where the map has a red of its own."""
    nearest = float(np.linalg.norm(table - _rgb(_MARK), axis=1).min())
    return _MARK if nearest > _APART else _OTHER_MARK


def _rgb(colour: str) -> NDArray[np.float64]:
    code = QColor(colour)
    return np.array([code.red(), code.green(), code.blue()], dtype=float)
