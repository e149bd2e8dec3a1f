"""What a stop rule looked at, in words: for the report, the window and the commands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rmz_acquire.scanning import Decision

__all__ = ["ToldTerm", "met_last", "told_terms"]

_AT_MOST, _AT_LEAST = "≤", "≥"
_BUT = {_AT_MOST: ">", _AT_LEAST: "<", "": "limit"}
"""What is said where it is not met."""

_KNOWN = {
    "change": ("δ", _AT_MOST, "of the volume by the last plane"),
    "planes": ("planes", _AT_LEAST, "taken so far"),
    "distance to the nearest plane": (
        "new z",
        _AT_LEAST,
        "a z seen before carries no information",
    ),
    "frame": ("frame", _AT_MOST, "not blank, and not an old frame"),
    "innovation": ("innov.", _AT_MOST, "error at which the last plane was predicted"),
    "audit innovation": (
        "audit",
        _AT_MOST,
        "error at which planes drawn at random were predicted",
    ),
    "largest gap": ("gap", _AT_MOST, "from any z of the grid to the nearest plane"),
    "planes in a row": ("row", _AT_LEAST, "for which all conditions hold"),
    "audit NRMSE": (
        "audit NRMSE",
        _AT_MOST,
        "error of planes drawn at random, over the volume's spread",
    ),
    "predicted NRMSE": (
        "pred.",
        _AT_MOST,
        "predicted error of the planes not taken, over the volume's spread",
    ),
    "tested error": (
        "tested",
        _AT_MOST,
        "tested NRMSE and late change, three parts to one",
    ),
    "tested NRMSE": (
        "NRMSE",
        _AT_MOST,
        "predicted error of the planes not taken, by planes left out",
    ),
    "late change": ("late δ", _AT_MOST, "of the volume by the last 3 planes"),
    "planes unexplained": (
        "fit",
        _AT_MOST,
        "light of the planes left unexplained",
    ),
    "error over interpolation": (
        "over linear",
        _AT_MOST,
        "error of predicted planes over that of linear interpolation",
    ),
    "misprediction": (
        "mispred.",
        _AT_MOST,
        "of the last 5 planes, over the volume's spread",
    ),
}
"""Short name, how value and limit compare, and what it is, by the name of a term."""


@dataclass(frozen=True, slots=True)
class ToldTerm:
    """A term as people read it.

    Parameters
    ----------
    name, short : str
        What it is called, at length and where there is little room.
    meaning : str
        What it is; empty for a rule of somebody else's.
    value, limit : str
        The number, and what it is compared with, such as "≤ 0.05", or "> 0.05" where
        it is not met; empty where there is none.
    unit : str
        Of both; empty where they have none.
    met : bool
        Whether it is as it must be.
    """

    name: str
    short: str
    meaning: str
    value: str
    limit: str
    unit: str
    met: bool

    @property
    def numbers(self) -> str:
        """Value and limit: "1.2 ≤ 3 µm"; "– ≤ 0.2" where it is not known yet."""
        if not self.limit:
            return f"{self.value} {self.unit}".strip()
        return f"{self.value or '–'} {self.limit} {self.unit}".strip()

    def __str__(self) -> str:
        """As "change 0.0321 ≤ 0.05"."""
        return f"{self.name} {self.numbers}".strip()


def told_terms(terms: Sequence[Mapping[str, Any]]) -> list[ToldTerm]:
    """Say what a rule looked at.

    Parameters
    ----------
    terms : sequence of mapping
        As `Decision.terms` has them: name, value, limit and met.
    """
    return [_told(term) for term in terms]


def met_last(decisions: Sequence[Decision]) -> list[str]:
    """Name the terms for which the scan went on until its last plane.

    Parameters
    ----------
    decisions : sequence of Decision
        Of a volume whose rule was met in the end.

    Returns
    -------
    list of str
        Those that were not met at the plane before; of old runs, nothing.
    """
    told = [decision.terms for decision in decisions if decision.terms]
    if len(told) < 2:
        return []
    before = {term["name"]: term["met"] for term in told[-2]}
    return [
        _named(term["name"])[0]
        for term in told[-1]
        if term["met"] and not before.get(term["name"], False)
    ]


def _named(name: str) -> tuple[str, str]:
    """A name and the unit that stands behind it."""
    base, _, unit = name.partition(", ")
    return base, unit


def _told(term: Mapping[str, Any]) -> ToldTerm:
    name, unit = _named(term["name"])
    value, limit, met = term["value"], term["limit"], term["met"]
    short, sign, meaning = _KNOWN.get(name, (name, "", ""))
    if not sign and value is not None and limit is not None:
        sign = _AT_MOST if (value <= limit) == met else _AT_LEAST
    if not (met or value is None):
        sign = _BUT[sign]
    return ToldTerm(
        name,
        short,
        meaning,
        "" if value is None else f"{value:.3g}",
        "" if limit is None else f"{sign or 'limit'} {limit:.3g}",
        unit,
        met,
    )
