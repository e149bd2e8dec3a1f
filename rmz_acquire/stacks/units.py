"""Units of length as image files write them: one table for every format."""

from __future__ import annotations

import re
import unicodedata

__all__ = ["is_no_unit", "um_per"]

_INCH = 25_400.0
_PREFIXES = {
    "peta": ("P", 1e21),
    "tera": ("T", 1e18),
    "giga": ("G", 1e15),
    "mega": ("M", 1e12),
    "kilo": ("k", 1e9),
    "hecto": ("h", 1e8),
    "deca": ("da", 1e7),
    "": ("", 1e6),
    "deci": ("d", 1e5),
    "centi": ("c", 1e4),
    "milli": ("m", 1e3),
    "micro": ("\N{GREEK SMALL LETTER MU}", 1.0),
    "nano": ("n", 1e-3),
    "pico": ("p", 1e-6),
    "femto": ("f", 1e-9),
    "atto": ("a", 1e-12),
}
# by symbol: capitals count, Mm is no mm
_SYMBOLS = {f"{symbol}m": um for symbol, um in _PREFIXES.values()} | {
    "\N{LATIN CAPITAL LETTER A WITH RING ABOVE}": 1e-4,
    '"': _INCH,
    "in": _INCH,
    "ft": 12 * _INCH,
    "yd": 36 * _INCH,
    "mi": 63_360 * _INCH,
    "li": _INCH / 12,
    "pt": _INCH / 72,
}
# by name: capitals and a plural do not count
_NAMES = {
    **{f"{name}meter": um for name, (_, um) in _PREFIXES.items()},
    "um": 1.0,
    "micron": 1.0,
    "angstrom": 1e-4,
    "inch": _INCH,
    "inche": _INCH,  # of inches
    "foot": 12 * _INCH,
    "feet": 12 * _INCH,
    "yard": 36 * _INCH,
    "mile": 63_360 * _INCH,
    "thou": _INCH / 1000,
    "mil": _INCH / 1000,
}
_NONE = frozenset({"", "pixel", "px", "voxel", "reference frame", "unknown"})
_ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})")


def um_per(unit: str) -> float | None:
    r"""Give the µm of one unit of length.

    Parameters
    ----------
    unit : str
        Symbol or name in English, such as "µm" with either mu, "\\u00B5m" as ImageJ
        escapes it, "micron", "Angstrom", "inch".

    Returns
    -------
    float or None
        None for what is no unit of length that is known.
    """
    text = _plain(unit)
    if text in _SYMBOLS:
        return _SYMBOLS[text]
    name = text.lower().replace("metre", "meter").replace("\xe5ngstr\xf6m", "angstrom")
    return _NAMES.get(name, _NAMES.get(name.removesuffix("s")))


def is_no_unit(unit: str) -> bool:
    """Whether it says that nobody calibrated: empty, pixel, reference frame."""
    return _plain(unit).lower().removesuffix("s") in _NONE


def _plain(unit: str) -> str:
    """Undo ImageJ's escapes and UTF-8 that was read as Latin-1; one mu, one ring."""
    text = _ESCAPE.sub(lambda match: chr(int(match[1], 16)), unit)
    try:
        text = text.encode("latin-1").decode("utf-8")
    except UnicodeError:
        pass  # it was none
    return unicodedata.normalize("NFKC", text).strip(" \t\r\n\0.")
