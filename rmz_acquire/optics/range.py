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
            A phrase each, in the units of this microscope: "NA 0.35 to 0.93 in your
            immersion; yours is …". Empty where it lies inside.
        """
        n, na = optics.immersion_index, optics.na
        quarter = optics.wavelength_um / (4 * na)
        nm = 1000 * optics.wavelength_um
        made = {
            "NA {} in your immersion; yours is NA {}": (na, self.na_over_index, n),
            "emission of {} nm; yours is {} nm": (nm, self.wavelength_um, 1000.0),
            "pixels of {} µm with your objective; yours are {} µm": (
                optics.pixel_size_um,
                self.sampling,
                quarter,
            ),
        }
        return [
            phrase.format(f"{low * unit:.3g} to {high * unit:.3g}", f"{value:.3g}")
            for phrase, (value, (low, high), unit) in made.items()
            if not low <= value / unit <= high
        ]
