"""What is simulated to train on, and what is random about it."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from rmz_acquire.optics import Optics, OpticsRange
from rmz_acquire.settings_file import Strict

__all__ = ["SimulationConfig"]

Share = Annotated[float, Field(ge=0, le=1)]
Range = tuple[float, float]


class SimulationConfig(Strict):
    """Simulated specimens and what is random about them.

    Parameters
    ----------
    optics : Optics
        The microscope that the model is for.
    z_range_um : float
        Length of the z range, µm.
    z_step_um : float
        Step of the output grid, µm.
    optics_error : float
        Sigma of the relative error of NA and wavelength between what the prior is
        told and what is simulated.
    aberration_waves : float
        Sigma of the primary spherical aberration, waves RMS.
    wide_optics : float
        Share of specimens seen through another objective, drawn at random, with the
        z range scaled to the same blur in pixels.
    wide_range : OpticsRange
        What those other objectives are drawn from.
    families : dict of str to float
        Weight of each kind of specimen.
    volumes : tuple of str
        Files of sharp stacks, the objects of the family "volumes", in the folder of
        real stacks (``RMZ_ACQUIRE_DATA``).
    thickness : (float, float)
        Factor on the z range and step, log-uniform: specimens thicker and thinner, and
        other spacings, in units of blur.
    photons : (float, float)
        Electrons at the brightest spot; log-uniform.
    haze : (float, float)
        Even background over the brightest spot; uniform.
    crop_px : int
        Side of a training picture, pixels.
    field_px : int
        Side of the simulated field that crops are taken from, pixels.
    margin_px : int
        Simulated beyond the field on every side, pixels.
    sequences : int
        Training sequences taken from each specimen.
    """

    optics: Optics
    z_range_um: Annotated[float, Field(gt=0)]
    z_step_um: Annotated[float, Field(gt=0)]
    optics_error: Annotated[float, Field(ge=0, le=0.2)] = 0.02
    aberration_waves: Annotated[float, Field(ge=0, le=0.5)] = 0.04
    wide_optics: Share = 0.0
    wide_range: OpticsRange = OpticsRange()
    families: dict[Literal["beads", "nuclei", "filaments", "volumes"], float]
    volumes: tuple[str, ...] = ()
    thickness: Range = (1.0, 1.0)
    photons: Range = (100.0, 10000.0)
    haze: Range = (0.0, 0.4)
    crop_px: Annotated[int, Field(ge=32)] = 96
    field_px: Annotated[int, Field(ge=32)] = 192
    margin_px: Annotated[int, Field(ge=0)] = 56
    sequences: Annotated[int, Field(ge=1)] = 16

    @property
    def grid_planes(self) -> int:
        """Planes of the output grid."""
        return round(self.z_range_um / self.z_step_um) + 1

    @model_validator(mode="after")
    def _check(self) -> Self:
        msg = ""
        if self.crop_px > self.field_px:
            msg = f"crop_px {self.crop_px} is larger than field_px {self.field_px}"
        elif self.grid_planes < 2:
            msg = f"z_step_um {self.z_step_um:g} is longer than the z range"
        elif min(self.families.values(), default=0) < 0 or not any(
            self.families.values()
        ):
            msg = "families need weights of 0 or more, one of them above 0"
        elif self.families.get("volumes") and not self.volumes:
            msg = "the family volumes needs files: name them under volumes"
        elif not 0 < self.thickness[0] <= self.thickness[1]:
            msg = f"thickness {self.thickness} is no range above 0"
        elif not 0 < self.photons[0] <= self.photons[1]:
            msg = f"photons {self.photons} are no range above 0"
        elif not 0 <= self.haze[0] <= self.haze[1]:
            msg = f"haze {self.haze} is no range from 0"
        if msg:
            raise ValueError(msg)
        return self
