"""Whether the model of the microscope explains the planes: its limit, and what follows.

An estimator that reckons with optics tells two numbers of the planes so far (`Misfit`):
what the object that it found leaves of them once it is blurred again, and by how much
it predicted planes better, before they were taken, than interpolation did. Where the
microscope is not what it is believed to be, neither is small. Their limits come from
scans of simulated specimens under true optics.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Self

from rmz_acquire.scanning.verdicts import Term

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["JUDGED", "LIMITS", "FitCheck", "FitLimit", "Misfit"]

JUDGED = (4, 8)
"""From how many planes to how many it is judged: on these the limits were found."""

_LEAST_PREDICTED = 2
"""Planes that must have been predicted: one can mislead."""


class FitLimit(NamedTuple):
    """Up to where planes are explained; both without a unit."""

    unexplained: float
    over_interpolation: float


LIMITS: dict[str, FitLimit] = {
    "richardson-lucy": FitLimit(0.179, 1.014),
    "wiener": FitLimit(0.096, 1.014),
}
"""By the model of the microscope. At most one scan in twenty of a specimen under true
optics passes one of them: split conformal on 96 simulated ones, eight families under
four microscopes (`scripts/model_misfit.py calibrate 3`, seeds 40 000 to 40 002). Both
compare the prediction of the Wiener filter, so both have one limit, the higher."""


@dataclass(frozen=True, slots=True)
class Misfit:
    """What a model of the microscope leaves of planes; sums, so that parts add up.

    Parameters
    ----------
    model : str
        Which model: a key of `LIMITS`.
    unexplained : float
        Squares of what the object found leaves of the planes taken, blurred again and
        averaged over 4 × 4 pixels, beyond the noise; squared counts.
    structure : float
        Variance of the planes, squared counts.
    missed : float
        Squared errors of the model at planes between others before they were taken,
        beyond the noise; squared counts.
    interpolated : float
        The same of linear interpolation along z, the noise in it.
    predicted : int
        How many planes these are.
    """

    model: str
    unexplained: float
    structure: float
    missed: float = 0.0
    interpolated: float = 0.0
    predicted: int = 0

    @property
    def unexplained_part(self) -> float | None:
        """RMS of what is not explained over the planes' contrast; None without any."""
        return _root(self.unexplained, self.structure)

    @property
    def over_interpolation(self) -> float | None:
        """RMS error of the model over that of interpolation; None before it is told."""
        if self.predicted < _LEAST_PREDICTED:
            return None
        return _root(self.missed, self.interpolated)

    @classmethod
    def together(cls, parts: Sequence[Misfit | None]) -> Self | None:
        """Add up the parts of a picture; None where one of them does not tell."""
        known = [part for part in parts if part is not None]
        if not known or len(known) < len(parts):
            return None
        return cls(
            known[0].model,
            sum(part.unexplained for part in known),
            sum(part.structure for part in known),
            sum(part.missed for part in known),
            sum(part.interpolated for part in known),
            min(part.predicted for part in known),
        )


class FitCheck:
    """Compares the misfit with its limits after every plane; what it found stays.

    Attributes
    ----------
    said : str or None
        That the model does not explain the planes, in one line with the numbers; None
        while it does, or nothing can be told.
    """

    def __init__(self) -> None:
        self.said: str | None = None

    def look(self, misfit: Misfit | None, planes: int) -> tuple[tuple[Term, ...], bool]:
        """Look at the planes so far.

        Parameters
        ----------
        misfit : Misfit or None
            With the last of them; None where nothing is known.
        planes : int
            How many count.

        Returns
        -------
        terms : tuple of Term
            Each number with its limit; none where nothing is known of them.
        new : bool
            Whether a limit was passed for the first time.
        """
        limit = None if misfit is None else LIMITS.get(misfit.model)
        if misfit is None or limit is None:
            return (), False
        terms = tuple(
            Term(name, value, most, value <= most)
            for name, value, most in (
                (_UNEXPLAINED, misfit.unexplained_part, limit.unexplained),
                (_OVER, misfit.over_interpolation, limit.over_interpolation),
            )
            if value is not None
        )
        above = [term for term in terms if not term.met]
        low, high = JUDGED
        if self.said is not None or not above or not low <= planes <= high:
            return terms, False
        told = " and ".join(
            f"{_WORDS[term.name]} {term.value:.3g} (limit {term.limit:.3g})"
            for term in above
        )
        self.said = (
            f"the planes are not what these optics give: {told}: check objective, "
            "indices, wavelength and pixel size, or take the full stack"
        )
        return terms, True


_UNEXPLAINED, _OVER = "planes unexplained", "error over interpolation"
_WORDS = {
    _UNEXPLAINED: "part of them that is not explained",
    _OVER: "error of their prediction over that of interpolation",
}


def _root(part: float, whole: float) -> float | None:
    return math.sqrt(max(part, 0.0) / whole) if whole > 0 else None
