"""Microscopes from one to another: what a model for any objective was trained on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

if TYPE_CHECKING:
    from rmz_acquire.optics.microscope import Optics

__all__ = ["OpticsRange"]

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Range = tuple[Positive, Positive]


class OpticsRange(BaseModel):
    """Ranges of what a network on blur in pixels can tell apart.

    Parameters
    ----------
    na_over_index : (float, float)
        NA over immersion index: the angle of the cone.
    wavelength_um : (float, float)
        Emission, µm.
    sampling : (float, float)
        Pixel size over λ/(4 NA).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    na_over_index: Range = (0.3, 0.93)
    wavelength_um: Range = (0.45, 0.68)
    sampling: Range = (0.7, 2.6)

    @model_validator(mode="after")
    def _check(self) -> Self:
        for name, (low, high) in self.model_dump().items():
            if low > high:
                msg = f"{name} {low:g} to {high:g} is no range"
                raise ValueError(msg)
        return self

    def outside(self, optics: Optics) -> list[str]:
        """Say what of a microscope lies outside.

        Parameters
        ----------
        optics : Optics
            The microscope.

        Returns
        -------
        list of str
            A phrase each; empty where it lies inside.
        """
        here = {
            "NA over immersion index": (
                optics.na / optics.immersion_index,
                self.na_over_index,
            ),
            "wavelength, µm,": (optics.wavelength_um, self.wavelength_um),
            "pixel size over λ/(4 NA)": (
                4 * optics.na * optics.pixel_size_um / optics.wavelength_um,
                self.sampling,
            ),
        }
        return [
            f"{what} {low:.3g} to {high:.3g}, here it is {value:.3g}"
            for what, (value, (low, high)) in here.items()
            if not low <= value <= high
        ]
