"""The numbers on an objective and a camera, and the scales that follow from them."""

from __future__ import annotations

import math
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from rmz_acquire.errors import InputError

__all__ = ["FITTED", "Apodisation", "Optics", "Waves", "ZScale"]

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
ZScale = Annotated[float, Field(ge=0.3, le=3, allow_inf_nan=False)]
Waves = Annotated[float, Field(ge=-2, le=2, allow_inf_nan=False)]
Apodisation = Annotated[float, Field(ge=-1, le=3, allow_inf_nan=False)]

FITTED = ("z_scale", "spherical_waves", "secondary_spherical_waves", "apodisation")
"""Keys that only a calibration tells; without one they have their default."""


class Optics(BaseModel):
    """The optics of a wide-field fluorescence microscope.

    Parameters
    ----------
    na : float
        Numerical aperture; below the immersion index. The part of it above the sample
        index passes no light.
    immersion_index : float
        Refractive index of the immersion medium.
    wavelength_um : float
        Emission wavelength in vacuum, µm.
    pixel_size_um : float
        Pixel size at the sample, µm.
    sample_index : float, optional
        Refractive index of the mounting medium; None means that of the immersion.
    z_scale : float, optional
        Ratio of steps of the focus to steps of the stage: not 1 where indices differ.
        All z and dz in the program are those of the stage.
    spherical_waves : float, optional
        Primary spherical aberration (Noll 11), waves RMS: makes the blur above the
        focus differ from that below it.
    secondary_spherical_waves : float, optional
        Secondary spherical aberration (Noll 22), waves RMS.
    apodisation : float, optional
        Amplitude over the pupil is exp(-apodisation · ρ²), ρ = 1 at the rim: above 0
        the rim is dimmer than the middle, below 0 brighter.

    Raises
    ------
    pydantic.ValidationError
        On a value that is not positive and finite, or NA not below the immersion.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    na: Positive
    immersion_index: Positive
    wavelength_um: Positive
    pixel_size_um: Positive
    sample_index: Positive | None = None
    z_scale: ZScale = 1.0
    spherical_waves: Waves = 0.0
    secondary_spherical_waves: Waves = 0.0
    apodisation: Apodisation = 0.0

    @model_validator(mode="after")
    def _check_aperture(self) -> Self:
        if self.na >= self.immersion_index:
            msg = (
                f"NA {self.na:g} is not below the immersion index "
                f"{self.immersion_index:g}: check both"
            )
            raise ValueError(msg)
        if self.wavelength_um > 3 or self.wavelength_um < 0.1:
            msg = (
                f"wavelength {self.wavelength_um:g} µm is outside 0.1 to 3 µm: "
                "give it in µm (0.52 for 520 nm)"
            )
            raise ValueError(msg)
        return self

    @classmethod
    def from_camera(
        cls,
        *,
        na: float,
        immersion_index: float,
        wavelength_um: float,
        camera_pixel_um: float,
        magnification: float,
        sample_index: float | None = None,
    ) -> Optics:
        """Optics from the camera's pixel and the total magnification.

        Parameters
        ----------
        na, immersion_index, wavelength_um, sample_index : float
            As for `Optics`.
        camera_pixel_um : float
            Pixel pitch of the sensor times binning, µm.
        magnification : float
            From sample to sensor, tube lens included.

        Returns
        -------
        Optics

        Raises
        ------
        InputError
            On a camera pixel or a magnification that is not positive and finite.
        pydantic.ValidationError
            As for `Optics`.
        """
        for what, value in (
            ("camera_pixel_um", camera_pixel_um),
            ("magnification", magnification),
        ):
            if not (value > 0 and math.isfinite(value)):
                msg = f"{what} is {value:g}: give a number above 0"
                raise InputError(msg)
        return cls(
            na=na,
            immersion_index=immersion_index,
            wavelength_um=wavelength_um,
            pixel_size_um=camera_pixel_um / magnification,
            sample_index=sample_index,
        )

    @property
    def depth_of_field_um(self) -> float:
        """Depth of field, µm of the stage: λn/NA² + n·pixel/NA (wave, pixel term)."""
        n, na = self.immersion_index, self.na
        focus_um = self.wavelength_um * n / na**2 + n * self.pixel_size_um / na
        return focus_um / self.z_scale

    @property
    def airy_radius_um(self) -> float:
        """Radius of the first dark ring in focus, µm: 0.61 λ / NA."""
        return 0.6098 * self.wavelength_um / self.na

    @property
    def rim_na(self) -> float:
        """Largest NA that passes light: the sample's index where it is the smaller."""
        sample = self.sample_index or self.immersion_index
        return min(self.na, 0.999 * sample)

    @property
    def even_in_focus(self) -> bool:
        """Whether blur above the focus is that below it."""
        return self.spherical_waves == self.secondary_spherical_waves == 0

    @property
    def fitted(self) -> dict[str, float]:
        """What only a calibration tells, by the names in `FITTED`."""
        return {name: getattr(self, name) for name in FITTED}

    @property
    def blur_radius_px_per_um(self) -> float:
        """Geometric blur radius for 1 µm, pixels: tan(asin(NA/n))/pixel."""
        sine = self.na / self.immersion_index
        return self.z_scale * sine / math.sqrt(1 - sine**2) / self.pixel_size_um

    def blur_radius_px(self, dz_um: float) -> float:
        """Signed geometric blur radius at a defocus, pixels.

        Parameters
        ----------
        dz_um : float
            Defocus, µm of the stage.

        Returns
        -------
        float
            Radius of the cone's section, pixels, with the sign of `dz_um`.
        """
        return dz_um * self.blur_radius_px_per_um
