"""What a calibration found beyond the four numbers that the form has fields for."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rmz_acquire.optics import FITTED

if TYPE_CHECKING:
    from rmz_acquire.experiments import OpticsSettings
    from rmz_acquire.optics import Optics

__all__ = ["CALIBRATED", "Calibration"]

CALIBRATED = (*FITTED, "sample_index")
"""Keys of optics, in the file and in the experiment, that nobody types in."""

_SAME = 1e-4


@dataclass(frozen=True, slots=True)
class Calibration:
    """Kept beside the form, and shown in one line.

    Parameters
    ----------
    z_scale, spherical_waves, secondary_spherical_waves, apodisation : float or None
        As in `rmz_acquire.optics.Optics`; None where nothing was told.
    sample_index : float or None
        The same.
    na, immersion_index : float or None
        Of the optics that they belong to; None where not known.
    """

    z_scale: float | None = None
    spherical_waves: float | None = None
    secondary_spherical_waves: float | None = None
    apodisation: float | None = None
    sample_index: float | None = None
    na: float | None = None
    immersion_index: float | None = None

    @classmethod
    def of(cls, optics: Optics | OpticsSettings) -> Calibration:
        """Give what optics from a file, or of an experiment, have of it."""
        found = {name: getattr(optics, name) for name in CALIBRATED}
        if all(value is None for value in found.values()):
            return cls()
        return cls(**found, na=optics.na, immersion_index=optics.immersion_index)

    def values(self) -> dict[str, float | None]:
        """Give the keys that nobody types in."""
        return {name: getattr(self, name) for name in CALIBRATED}

    @property
    def nominal(self) -> bool:
        """Whether it changes nothing, and there is nothing to show."""
        return not self._found and self.sample_index is None

    def misfit(self, na: float | None, immersion_index: float | None) -> str:
        """Say at which other optics it was made; empty where it fits.

        Parameters
        ----------
        na, immersion_index : float or None
            Those in use; None where not known.
        """
        if not self._found:
            return ""
        said = [
            f"{name} {made:.4g}, not {now:.4g}"
            for name, made, now in (
                ("NA", self.na, na),
                ("n", self.immersion_index, immersion_index),
            )
            if made is not None
            and now is not None
            and not math.isclose(made, now, rel_tol=_SAME)
        ]
        return "; ".join(said)

    def words(
        self, na: float | None = None, immersion_index: float | None = None
    ) -> str:
        """Say it in one line; empty where it changes nothing.

        Parameters
        ----------
        na, immersion_index : float or None
            Those in use.
        """
        said = list(self._found)
        if self.sample_index is not None:
            said.append(f"sample index {self.sample_index:.4g}")
        if not said:
            return ""
        how = ""
        if self._found:
            other = self.misfit(na, immersion_index)
            how = f" (calibrated at {other})" if other else " (calibrated)"
        return ", ".join(said) + how

    @property
    def _found(self) -> tuple[str, ...]:
        """What a calibration found that is not nominal, in words."""
        said = []
        if self.z_scale not in (None, 1.0):
            said.append(f"z scale {self.z_scale:.2f}")
        if self.spherical_waves not in (None, 0.0):
            said.append(f"spherical {self.spherical_waves:.2f} waves")
        if self.secondary_spherical_waves not in (None, 0.0):
            said.append(
                f"secondary spherical {self.secondary_spherical_waves:.2f} waves"
            )
        if self.apodisation not in (None, 0.0):
            said.append(f"apodisation {self.apodisation:.2f}")
        return tuple(said)
