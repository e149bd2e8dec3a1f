"""What a training run is told, in one YAML file that travels with its model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from rmz_acquire.networks import (
    KINDS,
    DiscriminatorConfig,
    NetworkConfig,
    OnLayersConfig,
    UNet3DConfig,
)
from rmz_acquire.settings_file import Strict, read_settings
from rmz_acquire.training.files_config import FilesConfig
from rmz_acquire.training.simulation_config import SimulationConfig

__all__ = ["CacheConfig", "LossWeights", "OptimiserConfig", "TrainingConfig"]

Share = Annotated[float, Field(ge=0, le=1)]


class LossWeights(Strict):
    """Weights of the terms of the paper's loss (eq. 7).

    Parameters
    ----------
    berhu, ms_ssim, gan : float
        By default the paper's; `gan` 0 trains without a discriminator.
    """

    berhu: Annotated[float, Field(ge=0)] = 3.0
    ms_ssim: Annotated[float, Field(ge=0)] = 1.0
    gan: Annotated[float, Field(ge=0)] = 0.5


class OptimiserConfig(Strict):
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


class CacheConfig(Strict):
    """Specimens whose richardson-lucy volumes are computed once and kept.

    Parameters
    ----------
    specimens : int
        How many.
    uses : int
        Sequences after which a new one comes, until all have.
    z_scaled : float
        Share of specimens under which steps of the stage are not steps of the focus.
    z_scale : (float, float)
        Steps of the focus over steps of the stage, of these; uniform.
    """

    specimens: Annotated[int, Field(ge=1)] = 300
    uses: Annotated[int, Field(ge=1)] = 6
    z_scaled: Share = 0.4
    z_scale: tuple[Annotated[float, Field(ge=0.5)], Annotated[float, Field(le=1.2)]] = (
        0.6,
        1.0,
    )


class TrainingConfig(Strict):
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
    cache : CacheConfig, optional
        Of the network on the richardson-lucy prior, which needs it.
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
    min_gain_db : float or None
        Least gain over the better of wiener and linear, dB, anywhere in the range that
        the model is released for, which is cut down to where it holds. None releases
        it whatever it gains, to be compared with only.
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
    cache: CacheConfig | None = None
    start_from: str | None = None
    normalisation: Literal["live", "edf"] = "live"
    planes: tuple[Annotated[int, Field(ge=1)], Annotated[int, Field(ge=1)]] = (1, 10)
    spacing_um: Annotated[float, Field(gt=0)] | None = None
    order: Literal["any", "sorted", "shuffled", "by-distance"] = "any"
    targets: Annotated[int, Field(ge=1)] = 8
    largest_gap_um: Annotated[float, Field(gt=0)] = 2.5
    min_gain_db: Annotated[float, Field(allow_inf_nan=False)] | None = -0.1
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

    def trained_alike(self) -> TrainingConfig:
        """Without what only the release depends on: equal for runs that train alike."""
        fixed = {"description": "", "largest_gap_um": 1.0, "min_gain_db": None}
        return self.model_copy(update=fixed)

    def on_devices(self, devices: int) -> TrainingConfig:
        """Learn in so many processes at once, one a GPU or on the CPU.

        Parameters
        ----------
        devices : int
            Of this machine; each sees specimens of its own, gradients are averaged.
        """
        several = devices > 1 and self.strategy == "auto"
        strategy = "ddp" if several else self.strategy
        return self.model_copy(update={"devices": devices, "strategy": strategy})

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
        if isinstance(self.network, OnLayersConfig) != (self.cache is not None):
            msg = "cache goes with a network on the prior richardson-lucy, and only so"
            raise ValueError(msg)
        if isinstance(self.network, OnLayersConfig) and self.files is not None:
            msg = "the network on the prior richardson-lucy learns from simulation only"
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
        path = Path(path)
        # the kind of network is not a part of the key that was written
        config = read_settings(
            path, cls, whole=("network",), tags=(*KINDS, "on-layers")
        )
        return config.beside(path.parent)

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
