"""What the scores of a model mean, in plain words: whether it is worth using."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Verdict", "verdict"]

NOTICEABLE_DB = 0.05
"""What is less is no difference."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a model is worth using.

    Attributes
    ----------
    better : bool
        Than what it started from, and than the optics alone.
    headline : str
        In a few words.
    text : str
        In a sentence with the numbers.
    """

    better: bool
    headline: str
    text: str


def verdict(
    scores: Mapping[str, Mapping[str, Mapping[str, float]]],
    own: str,
    before: str | None = None,
    *,
    released: bool = True,
) -> Verdict:
    """Judge a model by its scores on specimens that it has not seen.

    Parameters
    ----------
    scores : mapping
        specimen -> "M=5" -> estimator -> PSNR, dB.
    own : str
        The estimator that is judged.
    before : str, optional
        The one that it started from.
    released : bool
        Whether there is a range in which it nowhere loses to a linear method.

    Returns
    -------
    Verdict
        By the mean differences over all specimens and numbers of planes.
    """
    rows = [row for by_planes in scores.values() for row in by_planes.values()]
    lead = {
        name: _mean([row[own] - row[name] for row in rows if {own, name} <= set(row)])
        for name in (before or "", "wiener", "linear")
    }
    over_before, over_optics, over_linear = lead.values()
    if over_optics is None and over_before is None:
        return Verdict(False, "No scores", "It was not scored on any stack.")
    parts = []
    if over_before is not None:
        parts.append(f"{_db(over_before)} against {before}, which it started from")
    if over_optics is not None:
        parts.append(f"{_db(over_optics)} against the optics alone (Wiener filter)")
    if over_linear is not None:
        parts.append(f"{_db(over_linear)} against linear interpolation")
    numbers = f"On what it has not seen: {', '.join(parts)}."
    if over_before is not None and over_before < NOTICEABLE_DB:
        said = f"{numbers} Go on with {before}."
        return Verdict(False, "Not better: do not use it", said)
    if over_optics is not None and over_optics < NOTICEABLE_DB:
        said = f"{numbers} The Wiener filter needs no model."
        return Verdict(False, "Not better than the optics alone: do not use it", said)
    if not released:
        said = f"{numbers} Near or far from the planes taken it loses to the optics."
        return Verdict(False, "Not better everywhere: do not use it", said)
    first = over_before if over_before is not None else over_optics
    assert first is not None
    than = "than before" if over_before is not None else "than the optics alone"
    return Verdict(True, f"Better {than} by {first:.1f} dB", numbers)


def _mean(values: list[float]) -> float | None:
    return float(np.mean(values)) if values else None


def _db(value: float) -> str:
    rounded = round(value, 1)
    return "0.0 dB" if rounded == 0 else f"{rounded:+.1f} dB".replace("-", "−")
