"""The card of a model: what it was trained for, and how far a microscope is from it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from rmz_acquire.networks.network_configs import NetworkConfig
from rmz_acquire.optics import Optics, OpticsRange, objective_words
from rmz_acquire.optics.fit import depth_misfit, objectives_differ, pixel_misfit

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["Budget", "ModelCard"]

Length = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Number = Annotated[int, Field(ge=1)] | Literal["unknown"]


class Budget(BaseModel):
    """What a network had seen when its training ended.

    That of the models which it started from is counted in.

    Parameters
    ----------
    steps : int or "unknown"
        Of the optimiser.
    sequences : int or "unknown"
        Sequences of planes seen.
    specimens : int or "unknown"
        From which they were taken.
    note : str
        Of what these are the sum.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    steps: Number = "unknown"
    sequences: Number = "unknown"
    specimens: Number = "unknown"
    note: str = ""


class ModelCard(BaseModel):
    """What a released model was trained for, and how well it does.

    Parameters
    ----------
    name, description : str
        Of the model.
    network : NetworkConfig
        Which network, and the layout of its weights.
    optics : Optics
        The microscope it was trained for; lengths on the card are at this one.
    optics_range : OpticsRange, optional
        Of a model for any microscope: what it was trained on.
    z_range_um, z_step_um : float
        Of the volumes it was trained on, µm.
    largest_gap_um : float
        Largest distance from an output plane to the nearest plane taken, µm.
    planes : (int, int)
        Fewest and most planes of a training sequence.
    order : str
        In which orders planes came.
    dz_unit : str
        What the digital propagation matrix carries.
    normalisation : str
        How counts become the network's numbers.
    data : str
        What it was trained on, with the seeds.
    training : dict
        The configuration of the run, whole.
    budget : Budget
        Steps, sequences and specimens seen.
    scores : dict
        By specimen and number of planes, PSNR in dB of the network and the baselines.
    gains : dict
        By specimen, number of planes and distance to the nearest of them, dB over the
        better of wiener and linear; of a network on richardson-lucy, over that.
    conditions : dict
        PSNR of the network and the baselines under all that was varied in training,
        and without each of these.
    notes : str
        What else was measured, and what it is worth.
    comparison : bool
        Whether it is there to be compared with only: it may lose to interpolation.
    objective : str, optional
        What people call the objective: "20x/0.75".
    date : str
        Of the release, ISO 8601.
    sha256 : str
        Of the weights' file.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Literal[1] = 1
    name: str
    description: str
    network: NetworkConfig
    optics: Optics
    optics_range: OpticsRange | None = None
    z_range_um: Length
    z_step_um: Length
    largest_gap_um: Length
    planes: tuple[int, int]
    order: str
    dz_unit: str
    normalisation: str
    data: str
    training: dict[str, Any]
    budget: Budget = Budget()
    scores: dict[str, dict[str, dict[str, float]]] = {}
    gains: dict[str, dict[str, dict[str, float]]] = {}
    conditions: dict[str, dict[str, float]] = {}
    notes: str = ""
    comparison: bool = False
    objective: str | None = None
    date: str
    sha256: str

    def reach_um(self, optics: Optics) -> float:
        """Largest gap that the model is released for, at other optics.

        Parameters
        ----------
        optics : Optics
            The microscope at hand.

        Returns
        -------
        float
            µm; the same blur in pixels as `largest_gap_um` at the card's own optics.
        """
        blur_px = self.largest_gap_um * self.optics.blur_radius_px_per_um
        return blur_px / optics.blur_radius_px_per_um

    @property
    def deepest_um(self) -> float:
        """Longest z range that it was trained on, µm, at the card's optics.

        Of simulated specimens thicker and thinner than `z_range_um`, the thickest.
        """
        simulated = self.training.get("simulation") or {}
        if self.training.get("files"):
            return self.z_range_um
        return self.z_range_um * float(max(1.0, *simulated.get("thickness", (1.0,))))

    @property
    def made_for(self) -> str:
        """The microscope it was trained for, as people call it."""
        if self.optics_range is not None:
            return "any objective"
        return objective_words(self.optics, self.objective)

    def check(
        self, optics: Optics, z_um: ArrayLike, objective: str | None = None
    ) -> list[str]:
        """Say how far a microscope and a z grid are from what the model knows.

        The network is told distances as blur in pixels, so what counts is the cone's
        angle NA/n, the sampling in units of the resolution and the depth in blur.

        Parameters
        ----------
        optics : Optics
            The microscope at hand.
        z_um : array_like
            (n,) its z grid, µm.
        objective : str, optional
            What people call its objective: "40x/1.2".

        Returns
        -------
        list of str
            One line each, the objective first; empty where it fits.
        """
        said: list[str | None] = []
        if self.optics_range is not None:
            said += self.optics_range.outside(optics)
        else:
            if objectives_differ(self.optics, optics):
                mine = objective_words(optics, objective)
                said.append(f"{self.made_for}; yours is {mine}")
            said.append(pixel_misfit(self.optics, optics))
        deep = float(np.ptp(np.asarray(z_um, dtype=np.float64)))
        said.append(depth_misfit(self.optics, self.deepest_um, optics, deep))
        out = [f"model {self.name} is made for {words}" for words in said if words]
        if self.comparison:
            out.insert(0, f"model {self.name} is there to be compared with only")
        return out
