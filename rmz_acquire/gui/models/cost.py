"""What a scan costs: planes, light and seconds, before it has begun."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rmz_acquire.errors import InputError
from rmz_acquire.scanning import fewest_planes

if TYPE_CHECKING:
    from rmz_acquire.gui.models.scan_settings import ScanSettings

__all__ = ["Cost", "cost_of", "duration", "light_words"]


@dataclass(frozen=True, slots=True)
class Cost:
    """What one volume costs, and how many there are.

    Parameters
    ----------
    fewest, most, full : int
        Planes: at least, at most, and of the full stack.
    plane_s : float
        To move, settle and expose one, s.
    think_s : float or None
        To make the volume after one, s; None while it is not known.
    exposure_ms : float
        Light of a plane, ms.
    volumes : int or None
        In the series; None where that is open.
    """

    fewest: int
    most: int
    full: int
    plane_s: float
    think_s: float | None
    exposure_ms: float
    volumes: int | None = 1

    def seconds(self, planes: int) -> float | None:
        """Seconds that a volume of so many planes takes; None while not known."""
        if self.think_s is None:
            return None
        return planes * (self.plane_s + self.think_s)

    @property
    def full_s(self) -> float:
        """Seconds that the full stack takes, where nothing is computed."""
        return self.full * self.plane_s

    @property
    def slow(self) -> bool:
        """Whether even the shortest scan takes longer than the full stack."""
        least = self.seconds(self.fewest)
        return least is not None and least > self.full_s

    def slow_words(self, faster: str | None) -> str:
        """Say that the full stack takes less time, and what would be faster.

        Parameters
        ----------
        faster : str, optional
            Title of the estimator with which a scan is.
        """
        full = duration(self.full_s)
        said = f"Computing takes longer than a full scan would ({full})."
        if faster is not None:
            return f"{said} {faster} would not."
        return said

    def sentence(self) -> str:
        """Say it in one line."""
        light = light_words(self.most * self.exposure_ms)
        least, most = self.seconds(self.fewest), self.seconds(self.most)
        each = "" if self.volumes == 1 else " a volume"
        said = f"At most {self.most} planes and {light} of light{each}"
        if least is not None and most is not None:
            said += f", {_between(least, most)}{each}"
        if self.volumes == 1:
            return f"{said}."
        if self.volumes is None:
            return f"{said}."
        said = f"{said}; {self.volumes} volumes"
        if least is not None and most is not None:
            said += f", {_between(self.volumes * least, self.volumes * most)} in all"
        return f"{said}."


def cost_of(
    settings: ScanSettings,
    *,
    plane_s: float,
    think_s: float | None,
    reach_um: float | None = None,
) -> Cost | None:
    """Count what a scan costs; None while the range is not one.

    Parameters
    ----------
    settings : ScanSettings
        With the series.
    plane_s : float
        To move, settle and expose, s.
    think_s : float, optional
        To make the volume after a plane, s.
    reach_um : float, optional
        The largest gap that the estimator reaches over, µm.
    """
    full, most = settings.full_planes, settings.most_planes
    if full is None or most is None or most < 1:
        return None
    try:
        plan = settings.plan().within_reach(reach_um)
    except InputError:
        return None
    if plan.z_exact_um is not None:
        most = len(plan.z_exact_um)
    return Cost(
        min(fewest_planes(plan), most),
        most,
        full,
        plane_s,
        think_s,
        settings.longest_ms,
        settings.volume_count,
    )


def duration(seconds: float) -> str:
    """Say a time as people do: "4 s", "2 min", "1 h 20 min"."""
    if seconds < 0.95:
        return f"{max(0.1, seconds):.1f} s"
    if seconds < 90:
        return f"{_round(seconds)} s"
    minutes = seconds / 60
    if minutes < 90:
        return f"{_round(minutes)} min"
    hours, rest = divmod(round(minutes / 5) * 5, 60)
    if hours >= 48:
        return f"{hours / 24:.0f} days"
    return f"{hours} h {rest} min" if rest else f"{hours} h"


def light_words(ms: float) -> str:
    """Say a sum of exposures: "200 ms", "3.1 s"."""
    return f"{ms:g} ms" if ms < 1000 else f"{ms / 1000:.3g} s"


def _between(least: float, most: float) -> str:
    low, high = duration(least), duration(most)
    return f"about {low}" if low == high else f"{low} to {high}"


def _round(value: float) -> int:
    """To what such a number is worth: 5 s beyond 20, 10 beyond 60."""
    unit = 1 if value < 20 else 5 if value < 60 else 10
    return unit * round(value / unit)
