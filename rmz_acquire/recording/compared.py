"""How the candidates for a volume did, and the words that say it everywhere."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, Self

from rmz_acquire.scanning import winner_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = [
    "Compared",
    "Comparison",
    "best_of",
    "candidates_of",
    "made_of",
    "scale_in_words",
    "with_shares",
    "z_scale_of",
]

_REFERENCE = "wiener"
_LEAST_TOLD = 0.005


class Compared(Protocol):
    """What is known of the candidates after a plane, as a `Decision` has it."""

    @property
    def predictions(self) -> Mapping[str, float] | None:
        """Relative error of the plane as each candidate predicted it."""
        ...

    @property
    def shares(self) -> Mapping[str, float] | None:
        """Share of each candidate in the volume."""
        ...

    @property
    def z_scale(self) -> float | None:
        """Steps of the focus over steps of the stage."""
        ...

    @property
    def winner(self) -> str | None:
        """The candidate that predicted the plane best."""
        ...


@dataclass(frozen=True, slots=True)
class Comparison:
    """The same by itself.

    Parameters
    ----------
    predictions, shares, z_scale, winner, winner_gain_db
        As in `Decision`.
    """

    predictions: Mapping[str, float] | None
    shares: Mapping[str, float] | None
    z_scale: float | None
    winner: str | None
    winner_gain_db: float | None

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Self:
        """Take it from what an estimator tells: predictions, shares and z_scale."""
        predictions, shares, z_scale = (told.get(name) for name in cls.__slots__[:3])
        return cls(predictions, shares, z_scale, *winner_of(predictions))

    @classmethod
    def of_line(cls, line: Mapping[str, Any]) -> Self:
        """Take it from a line of ``decisions.jsonl``; older ones tell nothing."""
        return cls(*(line.get(name) for name in cls.__slots__))


def candidates_of(planes: Sequence[Compared]) -> dict[str, dict[str, float]] | None:
    """Sum up how the candidates for a volume did.

    Parameters
    ----------
    planes : sequence of Compared
        What is known after each plane of one scan, such as its decisions.

    Returns
    -------
    dict or None
        As `Summary.candidates`; None where nothing was compared.
    """
    compared = [each.predictions for each in planes if each.predictions]
    shares = next((each.shares for each in reversed(planes) if each.shares), None) or {}
    if not compared:
        return None
    names = dict.fromkeys(name for each in compared for name in each)
    # one that joined late is compared over the same planes as the others
    common = [each for each in compared if len(each) == len(names)]
    if not common:
        return None
    return {
        name: {
            "rms_error": math.sqrt(sum(e[name] ** 2 for e in common) / len(common)),
            "wins": sum(each.winner == name for each in planes),
            "share": shares.get(name, 0.0),
        }
        for name in names
    }


def with_shares(
    candidates: Mapping[str, Mapping[str, float]] | None,
    shares: Mapping[str, float] | None,
) -> dict[str, dict[str, float]] | None:
    """Give each candidate its share in a volume that was rendered after the scan.

    Parameters
    ----------
    candidates : mapping or None
        As `candidates_of` gives it, of the regions that decided.
    shares : mapping or None
        Of each candidate in the whole volume; None where that is not rendered.

    Returns
    -------
    dict or None
        One that was only rendered with predicted no planes: no `rms_error`.
    """
    if candidates is None:
        return None
    if shares is None:
        return {name: dict(each) for name, each in candidates.items()}
    unseen = {"wins": 0.0}
    return {
        name: {**candidates.get(name, unseen), "share": shares.get(name, 0.0)}
        for name in dict.fromkeys((*candidates, *shares))
    }


def z_scale_of(planes: Sequence[Compared]) -> float | None:
    """Give the last known scale of z; None where it was not looked for."""
    return next((each.z_scale for each in reversed(planes) if each.z_scale), None)


def made_of(candidates: Mapping[str, Mapping[str, float]]) -> str:
    """Say what a volume is made of: "72 % richardson-lucy, 28 % wiener".

    Parameters
    ----------
    candidates : mapping
        As `candidates_of` gives it.

    Returns
    -------
    str
        The largest share first; empty where none is known.
    """
    shares = {name: each["share"] for name, each in candidates.items()}
    told = [name for name in shares if shares[name] >= _LEAST_TOLD]
    told.sort(key=lambda name: -shares[name])
    return ", ".join(f"{100 * shares[name]:.0f} % {name}" for name in told)


def best_of(candidates: Mapping[str, Mapping[str, float]]) -> str:
    """Say what predicted planes best: "richardson-lucy, 1.3 dB over wiener".

    Parameters
    ----------
    candidates : mapping
        As `candidates_of` gives it.
    """
    errors = {
        name: each["rms_error"]
        for name, each in candidates.items()
        if "rms_error" in each
    }
    best = min(errors, key=lambda name: errors[name])
    reference = errors.get(_REFERENCE, 0.0)
    if best == _REFERENCE or reference <= 0 or errors[best] <= 0:
        return best
    gain_db = 20 * math.log10(reference / errors[best])
    return f"{best}, {gain_db:.1f} dB over {_REFERENCE}"


def scale_in_words(z_scale: float | None) -> str:
    """Write the scale of z; empty where it is not known, or 1."""
    if z_scale is None or abs(z_scale - 1) < _LEAST_TOLD:
        return ""
    return f"{z_scale:.2f}"
