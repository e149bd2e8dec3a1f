"""The run that the views show: the one under way, or one from the list."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PyQt6.QtWidgets import QFileDialog

from rmz_acquire.gui.models.looks import contrast_along_z
from rmz_acquire.gui.views.volume3d import Volume3D
from rmz_acquire.recording import write_volume

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from rmz_acquire.gui.controllers.events import VolumeCame
    from rmz_acquire.gui.controllers.scans import ScanController
    from rmz_acquire.gui.models.runs import StoredRun
    from rmz_acquire.gui.models.settings import ScanSettings
    from rmz_acquire.gui.views.main_window import MainWindow
    from rmz_acquire.recording import Summary
    from rmz_acquire.scanning import Plane

__all__ = ["ShownRun"]

_OTHERS = {
    "linear": "Linear",
    "nearest": "Nearest",
    "wiener": "Wiener",
    "full stack": "Full stack",
}


class ShownRun:
    """Fills pictures and curves with a run.

    Parameters
    ----------
    window : MainWindow
        Whose views they are.
    scans : ScanController
        Makes the volumes to compare with.
    """

    def __init__(self, window: MainWindow, scans: ScanController) -> None:
        self._window = window
        self._scans = scans
        self.folder: Path | None = None
        self.settings: ScanSettings | None = None
        self._z_um: Sequence[float] = ()
        self._pixel_um: float | None = None
        self._most = self._full = self._taken = 0
        self._solid: Volume3D | None = None
        self._volumes: dict[str, NDArray[np.float32]] = {}
        self._choices(ended=False, optics=False)

    def begin(
        self, settings: ScanSettings, folder: Path, pixel_um: float | None
    ) -> None:
        """A scan begins."""
        plan = settings.plan()
        self.settings = settings
        self._start(folder, plan.z_um, pixel_um, plan.epsilon, plan.max_planes)
        self._window.volume.clear()
        self._window.volume.show_hint("The first plane is on its way.")

    def open(self, run: StoredRun) -> None:
        """A run from disk is shown."""
        summary = run.summary
        self.settings = None
        epsilon = float(summary.plan.get("epsilon", 0.05))
        most = int(summary.plan.get("max_planes", len(summary.z_um)))
        self._start(run.folder, summary.z_um, summary.pixel_size_um, epsilon, most)
        window = self._window
        for number, plane in enumerate(run.planes, start=1):
            window.along_z.add_plane(plane.z_um, plane.image)
            self._taken = number
        for decision in run.decisions:
            window.change.add(
                decision.index + 1, decision.delta_relative, decision.innovation
            )
        if run.planes:
            window.camera.pixel_size_um = summary.pixel_size_um
            last = run.planes[-1]
            window.camera.set_image(
                last.image, f"plane {len(run.planes)} · z = {last.z_um:.2f} µm"
            )
        if run.volume is None:
            window.volume.show_hint("This run has no volume.")
        else:
            self._show_volume(run.volume)
        self.end(summary)

    def add_plane(self, plane: Plane, number: int) -> None:
        """A plane was taken."""
        self._taken = number
        window = self._window
        exposure = f" · {plane.exposure_ms:g} ms" if plane.exposure_ms else ""
        window.camera.set_image(
            plane.image, f"plane {number} · z = {plane.z_um:.2f} µm{exposure}"
        )
        window.along_z.add_plane(plane.z_um, plane.image)
        window.along_z.set_next(None)
        window.status.set_progress(number, self._most)

    def add_volume(self, event: VolumeCame, *, draw: bool) -> None:
        """A decision was made; its volume is drawn if it is the newest."""
        decision, window = event.decision, self._window
        window.change.add(
            decision.index + 1, decision.delta_relative, decision.innovation
        )
        window.along_z.set_next(event.next_z_um)
        if draw and event.volume is not None:
            self._show_volume(event.volume, event.levels, event.contrast)

    def end(self, summary: Summary | None) -> None:
        """The run is over."""
        self._window.along_z.set_next(None)
        optics = summary is not None and summary.optics is not None
        self._choices(ended="volume" in self._volumes, optics=optics)

    def cost(self) -> str:
        """Say what the run has cost so far."""
        taken, full = self._taken, self._full
        if not full:
            return ""
        part = f"{taken / full:.0%} of its light"
        return f"{taken} of the full stack's {full} planes, {part}"

    def open_3d(self) -> None:
        """Open the volume that is shown in 3D."""
        volume = self._window.volume.volume
        if volume is None:
            return
        if self._solid is None:
            self._solid = Volume3D(self._window)
        self._fill_3d(volume)
        self._solid.show()
        self._solid.raise_()

    def choose(self) -> None:
        """Show what is chosen in the list beside the volume's heading."""
        name = self._window.compare.currentData()
        if name in self._volumes:
            self._draw(self._volumes[name])
        elif self.folder is not None:
            self._scans.compare(self.folder, name)

    def compared(self, name: str, volume: NDArray[np.float32]) -> None:
        """Another volume is there."""
        self._volumes[name] = volume
        box = self._window.compare
        if box.findData(name) < 0:
            box.addItem(_OTHERS[name], name)
        if box.currentData() == name:
            self._draw(volume)

    def export(self) -> None:
        """Write the volume that is shown as OME-TIFF where the user says."""
        volume = self._window.volume.volume
        if volume is None:
            return
        name, _ = QFileDialog.getSaveFileName(
            self._window, "Export", "volume.ome.tif", "OME-TIFF (*.ome.tif)"
        )
        if name:
            write_volume(
                Path(name), volume, list(self._z_um), pixel_size_um=self._pixel_um
            )

    def _start(
        self,
        folder: Path,
        z_um: Sequence[float],
        pixel_um: float | None,
        epsilon: float,
        most: int,
    ) -> None:
        self.folder, self._z_um, self._pixel_um = folder, tuple(z_um), pixel_um
        self._most, self._full, self._taken = most, len(z_um), 0
        self._volumes = {}
        window = self._window
        window.along_z.begin()
        window.change.begin()
        window.along_z.clear(z_um[0], z_um[-1])
        window.change.clear(epsilon, most)
        window.status.set_progress(0, most)
        self._choices(ended=False, optics=False)

    def _show_volume(
        self,
        volume: NDArray[np.float32],
        levels: tuple[float, float] | None = None,
        contrast: NDArray[np.float64] | None = None,
    ) -> None:
        self._volumes["volume"] = volume
        self._draw(volume, levels)
        if contrast is None:
            contrast = contrast_along_z(volume)
        self._window.along_z.set_contrast(contrast, self._z_um)

    def _draw(
        self, volume: NDArray[np.float32], levels: tuple[float, float] | None = None
    ) -> None:
        view = self._window.volume
        fresh = view.volume is None
        if self._solid is not None and self._solid.isVisible():
            self._fill_3d(volume)
        view.set_volume(volume, self._z_um, self._pixel_um, levels)
        if fresh and view.z_um is not None:
            self._window.along_z.show_z(view.z_um)

    def _fill_3d(self, volume: NDArray[np.float32]) -> None:
        assert self._solid is not None
        step = (self._z_um[-1] - self._z_um[0]) / (len(self._z_um) - 1)
        self._solid.set_volume(volume, step, self._pixel_um or step)

    def _choices(self, *, ended: bool, optics: bool) -> None:
        box = self._window.compare
        box.clear()
        box.addItem("Result", "volume")
        if ended:
            for name in ("linear", "nearest", "wiener"):
                if name != "wiener" or optics:
                    box.addItem(_OTHERS[name], name)
        box.setEnabled(ended)
