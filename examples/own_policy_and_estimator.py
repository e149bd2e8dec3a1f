"""A policy and an estimator of one's own, on the simulated microscope."""

import sys

import numpy as np
import useq

import rmz_acquire
from rmz_acquire.acquisition import load_simulated
from rmz_acquire.reconstruction import VolumeEstimator


class TopDown:
    """The planes from the top down, every fourth of the grid."""

    def __init__(self, plan):
        self.z_um = plan.z_um[::-4]

    def next_z(self, taken):
        return self.z_um[len(taken)] if len(taken) < len(self.z_um) else None


class Smooth(VolumeEstimator):
    """Every output plane a mean of the planes taken, the near ones counting most.

    `VolumeEstimator` keeps the planes and measures change, innovation and gap; a class
    that does all of `rmz_acquire.scanning.Estimator` itself would serve as well.
    """

    name = "smooth"

    def __init__(self, z_um, optics):
        super().__init__(z_um)
        self.width_um = 2.0 if optics is None else optics.wavelength_um / optics.na**2

    def _reconstruct(self):
        away = (self.z_um[:, None] - self.planes_z_um) / self.width_um
        weights = 1 / (0.1 + away**2)
        weights /= weights.sum(axis=1, keepdims=True)
        return np.tensordot(weights.astype(np.float32), self.planes, axes=1)


if __name__ == "__main__":
    core = load_simulated(specimen="nuclei", seed=5)
    sequence = useq.MDASequence(
        z_plan={"range": 16, "step": 1},
        metadata={"rmz_acquire": {"version": 1, "epsilon": 0.02}},
    )
    summary = rmz_acquire.run(
        core, sequence, sys.argv[1], estimator=Smooth, policy=TopDown, overwrite=True
    ).summary
    print(f"{summary.planes_taken} planes by {summary.policy}")
    print(f"and {summary.estimator}: {summary.reason}")
