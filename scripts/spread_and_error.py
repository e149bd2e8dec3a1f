"""How much the spread of the candidates tells of the error, voxel by voxel.

python scripts/spread_and_error.py    # simulated specimens, a Markdown table; 2 minutes
"""

from __future__ import annotations

import sys

import numpy as np

from rmz_acquire.evaluation.region_agreement import specimens
from rmz_acquire.reconstruction import make_estimator
from rmz_acquire.reconstruction.spread import spread_of

_TAKEN = 5


def main() -> None:
    """Print the table."""
    sys.stdout.write("| specimen | error / spread | r, spread | r, brightness |\n")
    sys.stdout.write("| --- | --- | --- | --- |\n")
    for name, optics, stack in specimens(1, size=96, seed=5):
        taken = np.linspace(0, len(stack.z_um) - 1, _TAKEN).round().astype(int)
        left = np.setdiff1d(np.arange(len(stack.z_um)), taken)
        made = make_estimator("richardson-lucy", stack.z_um, optics, device="cpu")
        for n in taken:
            made.add(stack.counts[n], float(stack.z_um[n]))
        spread, volume = spread_of(made), made.volume
        assert spread is not None and volume is not None
        # the light in counts: gain and offset of the camera, by all planes
        gain, offset = np.polyfit(stack.truth.ravel(), stack.counts.ravel(), 1)
        error = np.abs(volume - (gain * stack.truth + offset))[left].ravel()
        here = spread[left].ravel()
        ratio = np.sqrt(np.mean(error**2) / np.mean(here**2))
        bright = volume[left].ravel()
        told = (np.corrcoef(of, error)[0, 1] for of in (here, bright))
        row = (f"{each:.2f}" for each in (ratio, *told))
        sys.stdout.write(f"| {name} | {' | '.join(row)} |\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
