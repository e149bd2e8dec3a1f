"""Time and memory of whole volumes made by ``rmz-acquire reconstruct``: prints a line.

python scripts/rendering_speed.py 2048               one volume, 61 planes from 8
python scripts/rendering_speed.py 256 --volumes 8 --workers 2     an archive

Planes are simulated nuclei, a part of 128 pixels mirrored again and again.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

import numpy as np

from rmz_acquire.benchmark.decision_times import Views
from rmz_acquire.models import DEFAULT_MODEL, read_card
from rmz_acquire.stacks.ome_image import About
from rmz_acquire.stacks.writing import TiffPlane, write_ome_tiff

_GRID = 61
_TAKEN = (0, 60, 30, 15, 45, 8, 52, 37)


def main() -> None:
    """Write the planes, make the volumes, and say what it took."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("side", type=int, help="pixels")
    asked.add_argument("--estimator", default="richardson-lucy")
    asked.add_argument("--volumes", type=int, default=0, help="of an archive")
    asked.add_argument("--workers", type=int, default=1)
    given = asked.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        optics = _write(folder, given.side, max(1, given.volumes))
        out = folder / ("out" if given.volumes else "out.ome.tif")
        command = [sys.executable, "-m", "rmz_acquire", "reconstruct"]
        command += [*map(str, sorted(folder.glob("*.tif"))), "--out", str(out)]
        command += ["--estimator", given.estimator, *optics]
        if given.volumes:
            command += ["--workers", str(given.workers)]
        begun = time.perf_counter()
        subprocess.run(command, check=True)
        wall_s = time.perf_counter() - begun
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    what = f"{_GRID} × {given.side}² from {len(_TAKEN)}, {given.estimator}"
    if given.volumes:
        what = f"{given.volumes} volumes {what}, {given.workers} workers"
    sys.stdout.write(
        f"{what}: {wall_s:.0f} s on the wall, {used.ru_utime + used.ru_stime:.0f} s of "
        f"processor, {used.ru_maxrss / 1e6:.2f} GB at most; "
        f"{os.environ.get('OMP_NUM_THREADS', 'all')} threads, load "
        f"{os.getloadavg()[1]:.1f} on {os.cpu_count()} cores\n"
    )


def _write(folder: Path, side: int, volumes: int) -> list[str]:
    """Planes that were taken, one file a volume; gives what tells of them."""
    card = read_card(DEFAULT_MODEL)
    z_um = card.z_step_um * (np.arange(_GRID) - (_GRID - 1) / 2)
    views = Views(z_um.tolist(), card.optics)
    planes = [
        TiffPlane((0, 0, i), partial(views.at, float(z_um[place]), side), z_um=z)
        for i, place in enumerate(_TAKEN)
        for z in [float(z_um[place])]
    ]
    about = About("planes", pixel_size_um=card.optics.pixel_size_um)
    for number in range(volumes):
        write_ome_tiff(folder / f"planes-{number}.tif", planes, about)
    optics, told = card.optics, []
    for name, value in (
        ("--na", optics.na),
        ("--immersion", optics.immersion_index),
        ("--wavelength", optics.wavelength_um),
        ("--pixel-size", optics.pixel_size_um),
        ("--z-step", card.z_step_um),
    ):
        told += [name, f"{value:g}"]
    return told


if __name__ == "__main__":
    main()
