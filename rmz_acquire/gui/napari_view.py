"""Shows a run in napari, in a process of its own.

``python -m rmz_acquire.gui.napari_view FOLDER T,P,G,C``, where the numbers name a
volume of the run.
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rmz_acquire.gui.models.stored_runs import load_run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rmz_acquire.gui.models.stored_runs import StoredVolume

__all__ = ["fill", "has_napari", "main", "open_in_napari"]


def has_napari() -> bool:
    """Whether napari is installed."""
    return importlib.util.find_spec("napari") is not None


def open_in_napari(folder: Path, key: Sequence[int]) -> subprocess.Popen[bytes]:
    """Start napari with a volume of a run, and do not wait for it."""
    told = ",".join(str(number) for number in key)
    return subprocess.Popen([sys.executable, "-m", __name__, str(folder), told])


def fill(viewer: Any, volume: StoredVolume) -> None:
    """Put a volume and the planes taken into a viewer, in µm.

    Parameters
    ----------
    viewer : napari.Viewer
        An empty one.
    volume : StoredVolume
        What to show.
    """
    z_um, pixel = volume.z_um, volume.pixel_um or 1.0
    step = (z_um[-1] - z_um[0]) / (len(z_um) - 1)
    scale = (step, pixel, pixel)
    name = volume.ending.name or "volume"
    if volume.pixels is not None:
        viewer.add_image(
            volume.pixels, name=name, scale=scale, translate=(z_um[0], 0.0, 0.0)
        )
    if volume.planes:
        height, width = volume.planes[0].image.shape
        # napari counts from the middle of the first pixel
        top, left, below, right = -0.5, -0.5, height - 0.5, width - 0.5
        corners = [(top, left), (top, right), (below, right), (below, left)]
        shapes = [
            np.array([(plane.z_um, y * pixel, x * pixel) for y, x in corners])
            for plane in volume.planes
        ]
        viewer.add_shapes(
            shapes,
            shape_type="polygon",
            name="planes taken",
            face_color="transparent",
            edge_color="orange",
            edge_width=pixel,
        )


def main(folder: str, key: str) -> None:
    """Open napari with a volume, and stay until it is closed."""
    import napari

    t, p, g, c = (int(number) for number in key.split(","))
    run = load_run(Path(folder), (t, p, g, c))
    viewer = napari.Viewer(title=f"rmz-acquire · {Path(folder).name}")
    if run.shown is not None:
        fill(viewer, run.shown)
    napari.run()


if __name__ == "__main__":
    main(*sys.argv[1:3])
