"""What a training run is told, in one YAML file that travels with its model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from rmz_acquire.errors import InputError
from rmz_acquire.networks.recurrent_mz import RecurrentMZConfig
from rmz_acquire.optics import Optics

__all__ = ["OptimiserConfig", "SimulationConfig", "TrainingConfig"]

Share = Annotated[float, Field(ge=0, le=1)]
Range = tuple[float, float]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SimulationConfig(_Strict):
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
    families : dict of str to float
        Weight of each kind of specimen.
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
    families: dict[Literal["beads", "nuclei", "filaments"], float]
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
        elif not 0 < self.photons[0] <= self.photons[1]:
            msg = f"photons {self.photons} are no range above 0"
        elif not 0 <= self.haze[0] <= self.haze[1]:
            msg = f"haze {self.haze} is no range from 0"
        if msg:
            raise ValueError(msg)
        return self


class OptimiserConfig(_Strict):
    """How the weights are found.

    Parameters
    ----------
    steps : int
        Steps of the optimiser.
    learning_rate : float
        Of Adam, at its highest.
    warmup : float
        Share of the steps in which it rises; afterwards it falls as a cosine to a
        hundredth.
    accumulate : int
        Sequences a step.
    average_decay : float
        Of the running mean of the weights, which is what is released.
    clip : float
        Largest norm of the gradient.
    """

    steps: Annotated[int, Field(ge=1)]
    learning_rate: Annotated[float, Field(gt=0)] = 1e-3
    warmup: Share = 0.03
    accumulate: Annotated[int, Field(ge=1)] = 2
    average_decay: Share = 0.998
    clip: Annotated[float, Field(gt=0)] = 1.0


class TrainingConfig(_Strict):
    """A training run.

    Parameters
    ----------
    name, description : str
        Of the model.
    seed : int
        Of everything random; validation specimens take seeds of their own.
    network : RecurrentMZConfig
        What is trained.
    simulation : SimulationConfig
        On what.
    planes : (int, int)
        Fewest and most planes of a sequence.
    targets : int
        Output planes of a sequence.
    largest_gap_um : float
        Largest distance from an output plane to the nearest plane taken, µm, that the
        model is released for: a scan does not take a small change for an end before.
    loss : {"berhu", "relative"}
        "berhu" is eq. 8 of the paper; "relative" is the squared plus the absolute
        error, each over the prior's own, so that dim and bright, easy and hard
        specimens count alike.
    optimiser : OptimiserConfig
        How.
    validate_every : int
        Steps between looks at the validation specimens.
    validation_specimens : int
        How many.
    """

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]
    description: str
    seed: Annotated[int, Field(ge=0)] = 1
    network: RecurrentMZConfig
    simulation: SimulationConfig
    planes: tuple[Annotated[int, Field(ge=1)], Annotated[int, Field(ge=1)]] = (1, 10)
    targets: Annotated[int, Field(ge=1)] = 8
    largest_gap_um: Annotated[float, Field(gt=0)] = 2.5
    loss: Literal["berhu", "relative"] = "relative"
    optimiser: OptimiserConfig
    validate_every: Annotated[int, Field(ge=1)] = 250
    validation_specimens: Annotated[int, Field(ge=1)] = 12

    @model_validator(mode="after")
    def _check_planes(self) -> Self:
        (fewest, most), grid = self.planes, self.simulation.grid_planes
        if not fewest <= most <= grid:
            msg = f"planes {fewest} to {most} do not fit a grid of {grid} planes"
            raise ValueError(msg)
        return self

    @classmethod
    def from_yaml(cls, path: Path) -> TrainingConfig:
        """Read and check a configuration.

        Parameters
        ----------
        path : Path
            The YAML file.

        Returns
        -------
        TrainingConfig

        Raises
        ------
        InputError
            Where the file is missing or a key is wrong; names the key.
        """
        try:
            data = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
            return cls.model_validate(data)
        except OSError as error:
            msg = f"cannot read the training configuration {path}: {error.strerror}"
            raise InputError(msg) from error
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            msg = f"{path} is not YAML: {' '.join(str(error).split())}"
            raise InputError(msg) from error
        except ValidationError as error:
            first = error.errors()[0]
            key = ".".join(str(part) for part in first["loc"])
            what = first["msg"].removeprefix("Value error, ")
            msg = f"{path}: {key + ': ' if key else ''}{what}"
            raise InputError(msg) from error
