"""What a training run is told, in one YAML file that travels with its model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from rmz_acquire.errors import InputError
from rmz_acquire.networks import (
    KINDS,
    DiscriminatorConfig,
    NetworkConfig,
    UNet3DConfig,
)
from rmz_acquire.optics import Optics

__all__ = [
    "FilesConfig",
    "LossWeights",
    "OptimiserConfig",
    "SimulationConfig",
    "StackFile",
    "TrainingConfig",
]

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


class StackFile(_Strict):
    """One dense stack.

    Parameters
    ----------
    path : Path
        TIFF, OME-TIFF or OME-Zarr; from where the configuration lies, or absolute.
    specimen : str, optional
        What was imaged: stacks of one specimen stay on one side of the split. By
        default the file's name.
    split : {"train", "validation"}, optional
        Which side; by default drawn.
    pixel_size_um, z_step_um : float, optional
        Voxel size, µm, where the file does not tell.
    """

    path: Path
    specimen: str | None = None
    split: Literal["train", "validation"] | None = None
    pixel_size_um: Annotated[float, Field(gt=0)] | None = None
    z_step_um: Annotated[float, Field(gt=0)] | None = None


class FilesConfig(_Strict):
    """Dense stacks to train on, prepared as in Methods 4.1 of the paper.

    Parameters
    ----------
    stacks : list of StackFile
        Of two specimens or more.
    share : float
        Share of the training specimens that come from files; the others are
        simulated.
    validation_share : float
        Share of the specimens that is validated on; at least one.
    register_planes : bool
        Undo lateral shifts between the planes of a stack.
    rotation : bool
        Undo rotations too.
    noise : float
        Sigma of the noise added to input planes, of the stack's own range; drawn
        uniformly up to it.
    intensity : (float, float)
        Factor on all intensities; uniform.
    """

    stacks: Annotated[list[StackFile], Field(min_length=1)]
    share: Share = 1.0
    validation_share: Annotated[float, Field(gt=0, lt=1)] = 0.2
    register_planes: bool = True
    rotation: bool = False
    noise: Share = 0.02
    intensity: Range = (0.7, 1.4)


class LossWeights(_Strict):
    """Weights of the terms of the paper's loss (eq. 7).

    Parameters
    ----------
    berhu, ms_ssim, gan : float
        By default the paper's; `gan` 0 trains without a discriminator.
    """

    berhu: Annotated[float, Field(ge=0)] = 3.0
    ms_ssim: Annotated[float, Field(ge=0)] = 1.0
    gan: Annotated[float, Field(ge=0)] = 0.5


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
    network : NetworkConfig
        What is trained: Recurrent-MZ, or by its `kind` Deep-Z or the 3D U-Net.
    simulation : SimulationConfig
        On what; with `files` it tells the optics and the z grid of the stacks.
    files : FilesConfig, optional
        Dense stacks to train on.
    start_from : str, optional
        Name or folder of the model whose weights training starts from.
    normalisation : {"live", "edf"}
        How counts become the network's numbers: from the planes at hand, as a scan
        does it, or as in the paper from the extended-depth-of-field image of the
        whole stack.
    planes : (int, int)
        Fewest and most planes of a sequence.
    spacing_um : float, optional
        Distance of neighbouring planes, µm; None draws evenly spread, halving, random
        and bunched ones.
    order : {"any", "sorted", "shuffled", "by-distance"}
        In which order planes come: as drawn, by z, at random, or for every output
        plane from the farthest to the nearest (the paper's schemes).
    targets : int
        Output planes of a sequence; of the 3D U-Net they are neighbours.
    largest_gap_um : float
        Largest distance from an output plane to the nearest plane taken, µm, that the
        model is released for: a scan does not take a small change for an end before.
    loss : {"berhu", "relative", "paper"}
        "berhu" is eq. 8 of the paper; "relative" is the squared plus the absolute
        error, each over the prior's own, so that dim and bright, easy and hard
        specimens count alike; "paper" is eq. 7 with `loss_weights`.
    loss_weights : LossWeights
        Of the terms of "paper".
    discriminator : DiscriminatorConfig
        Of "paper", where the weight of its term is above 0.
    optimiser : OptimiserConfig
        How.
    validate_every : int
        Steps between looks at the validation specimens.
    validation_specimens : int
        How many.
    checkpoint_every : int
        Steps between checkpoints: what a kill can cost.
    patience : int, optional
        Looks at the validation specimens without a gain after which training ends.
    precision : {"32-true", "16-mixed", "bf16-mixed"}
        Of the computation.
    strategy, devices, nodes
        Lightning's, for several GPUs ("ddp") or machines.
    """

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]
    description: str
    seed: Annotated[int, Field(ge=0)] = 1
    network: NetworkConfig
    simulation: SimulationConfig
    files: FilesConfig | None = None
    start_from: str | None = None
    normalisation: Literal["live", "edf"] = "live"
    planes: tuple[Annotated[int, Field(ge=1)], Annotated[int, Field(ge=1)]] = (1, 10)
    spacing_um: Annotated[float, Field(gt=0)] | None = None
    order: Literal["any", "sorted", "shuffled", "by-distance"] = "any"
    targets: Annotated[int, Field(ge=1)] = 8
    largest_gap_um: Annotated[float, Field(gt=0)] = 2.5
    loss: Literal["berhu", "relative", "paper"] = "relative"
    loss_weights: LossWeights = LossWeights()
    discriminator: DiscriminatorConfig = DiscriminatorConfig()
    optimiser: OptimiserConfig
    validate_every: Annotated[int, Field(ge=1)] = 250
    validation_specimens: Annotated[int, Field(ge=1)] = 12
    checkpoint_every: Annotated[int, Field(ge=1)] = 50
    patience: Annotated[int, Field(ge=1)] | None = None
    precision: Literal["32-true", "16-mixed", "bf16-mixed"] = "32-true"
    strategy: str = "auto"
    devices: Annotated[int, Field(ge=1)] | Literal["auto"] = "auto"
    nodes: Annotated[int, Field(ge=1)] = 1

    @property
    def adversarial(self) -> bool:
        """Whether a discriminator is trained too."""
        return self.loss == "paper" and self.loss_weights.gan > 0

    @model_validator(mode="after")
    def _check_planes(self) -> Self:
        (fewest, most), grid = self.planes, self.simulation.grid_planes
        if not fewest <= most <= grid:
            msg = f"planes {fewest} to {most} do not fit a grid of {grid} planes"
            raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _goes_together(self) -> Self:
        high = self.planes[1]
        span = (high - 1) * (self.spacing_um or 0)
        if span > self.simulation.z_range_um:
            msg = f"{high} planes {self.spacing_um:g} µm apart exceed the z range"
            raise ValueError(msg)
        if self.order == "by-distance" and self.network.prior != "none":
            msg = "order by-distance differs by output plane: it needs prior none"
            raise ValueError(msg)
        if isinstance(self.network, UNet3DConfig):
            self._fits_slab(self.network)
        return self

    def _fits_slab(self, network: UNet3DConfig) -> None:
        if self.planes != (network.planes, network.planes):
            m = network.planes
            msg = f"the 3D U-Net has a fixed number of planes: planes must be {m}, {m}"
            raise ValueError(msg)
        grid = self.simulation.grid_planes
        if self.targets != network.slab or network.slab > grid:
            msg = (
                f"targets must be the slab of the 3D U-Net, {network.slab}, and no "
                f"more than the grid's {grid}"
            )
            raise ValueError(msg)

    @classmethod
    def from_yaml(cls, path: Path) -> TrainingConfig:
        """Read and check a configuration.

        A key `extends` names another file beside it, whose keys it then changes: those
        of `network` as a whole, the others one by one.

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
            return cls.model_validate(_read(Path(path))).beside(Path(path).parent)
        except OSError as error:
            msg = f"cannot read the training configuration {path}: {error.strerror}"
            raise InputError(msg) from error
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            msg = f"{path} is not YAML: {' '.join(str(error).split())}"
            raise InputError(msg) from error
        except ValidationError as error:
            first = error.errors()[0]
            # pydantic names the kind of network as a part of the key
            parts = [str(part) for part in first["loc"]]
            key = ".".join(p for p in parts if p not in KINDS)
            what = first["msg"].removeprefix("Value error, ")
            msg = f"{path}: {key + ': ' if key else ''}{what}"
            raise InputError(msg) from error

    def beside(self, folder: Path) -> TrainingConfig:
        """Take the stacks' relative paths from a folder.

        Parameters
        ----------
        folder : Path
            That of the configuration.

        Returns
        -------
        TrainingConfig
            With absolute paths.
        """
        if self.files is None:
            return self
        stacks = [
            stack.model_copy(update={"path": (folder / stack.path).resolve()})
            for stack in self.files.stacks
        ]
        files = self.files.model_copy(update={"stacks": stacks})
        return self.model_copy(update={"files": files})


def _read(path: Path, depth: int = 0) -> Any:
    """Read a file with what it extends."""
    data = yaml.safe_load(path.read_text(encoding="utf-8"))
    if not isinstance(data, dict) or "extends" not in data:
        return data
    if depth > 3:
        msg = f"{path}: extends too many others, or itself"
        raise InputError(msg)
    base = _read(path.parent / str(data.pop("extends")), depth + 1)
    merged = dict(base) if isinstance(base, dict) else {}
    for key, value in data.items():
        before = merged.get(key)
        if key != "network" and isinstance(value, dict) and isinstance(before, dict):
            merged[key] = {**before, **value}
        else:
            merged[key] = value
    return merged
