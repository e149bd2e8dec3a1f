"""The run that the views show: the one under way, or one from the list."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PyQt6.QtCore import QObject, pyqtSignal
from PyQt6.QtWidgets import QFileDialog

from rmz_acquire.gui.models.composite import Composite
from rmz_acquire.gui.models.display_levels import contrast_along_z
from rmz_acquire.gui.models.rendering_words import HowFar, decided_words
from rmz_acquire.gui.models.time_left import TimeLeft, left_words
from rmz_acquire.gui.views.compared_volumes import Comparison
from rmz_acquire.gui.views.redraw import Latest
from rmz_acquire.gui.views.volume3d import Volume3D
from rmz_acquire.stacks import write_volume

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from rmz_acquire.gui.controllers.run_reader import RunReader
    from rmz_acquire.gui.controllers.scan_signals import Made
    from rmz_acquire.gui.models.stored_runs import StoredRun, StoredVolume
    from rmz_acquire.gui.views.main_window import MainWindow
    from rmz_acquire.optics import Optics
    from rmz_acquire.recording.experiment_folder import Key
    from rmz_acquire.scanning import Decision, Plane, Region

__all__ = ["ShownRun"]


class ShownRun(QObject):
    """Fills pictures and curves with a run, one volume of it at a time.

    Parameters
    ----------
    window : MainWindow
        Whose views they are.
    reader : RunReader
        Reads other volumes, and makes those to compare with.
    """

    #: A volume was drawn.
    drawn = pyqtSignal()

    def __init__(self, window: MainWindow, reader: RunReader) -> None:
        super().__init__(window)
        self._window = window
        self._reader = reader
        self.folder: Path | None = None
        #: The run as it lies on disk; None while it is under way.
        self.run: StoredRun | None = None
        self._z_um: Sequence[float] = ()
        self._pixel_um: float | None = None
        self._optics: Optics | None = None
        self._channel = ""
        self._most = self._full = self._taken = 0
        self._number = self._volumes_of_run = 1
        self._time = TimeLeft()
        self._may_end_early = True
        #: Light of the full stack under way, ms; None where none is.
        self._stack_ms: float | None = None
        self._solid: Volume3D | None = None
        self._others = Comparison(window.compare, reader, self._draw)
        #: How far the volumes are that are rendered behind the scans.
        self.rendering = HowFar()
        self._regions: tuple[Region, ...] = ()
        # what comes while a scan runs
        self._camera = Latest(window.camera.set_image, self)
        self._newest = Latest(self._show_volume, self)

    @property
    def key(self) -> Key | None:
        """Which volume of the run is shown; None where it has none."""
        run = self.run
        return None if run is None or run.shown is None else run.shown.ending.key

    @property
    def made(self) -> bool:
        """Whether its volume lies on disk."""
        run = self.run
        return run is not None and run.shown is not None and run.shown.made

    @property
    def z_left(self) -> bool:
        """Whether its grid has a z that was not taken."""
        run = self.run
        return run is not None and run.shown is not None and run.shown.z_left

    @property
    def in_stack(self) -> bool:
        """Whether a full stack is under way."""
        return self._stack_ms is not None

    def begin(self, folder: Path, volumes: int, plane_s: float | None = None) -> None:
        """A scan begins, or goes on; a plane is believed to take so many seconds."""
        self._contrast_for(folder)
        self.folder, self.run = folder, None
        self._number, self._volumes_of_run = 1, volumes
        self._time, self._stack_ms = TimeLeft(expected_s=plane_s), None
        self._window.which.clear()
        self._show_which(False)
        self._window.volume.show_hint("The first plane is on its way.")
        self._window.status.set_progress(0.0)
        self.rendering.forget()
        self._others.begin()

    def begin_volume(
        self, volume: StoredVolume, number: int, later: int, due_s: float
    ) -> None:
        """A volume of it begins, or goes on with the planes that it has.

        Parameters
        ----------
        volume : StoredVolume
            As it stands.
        number : int
            Counts from 1.
        later : int
            The most planes of all volumes after it.
        due_s : float
            In how many seconds the last of these may begin, at the earliest.
        """
        self._camera.now()
        self._newest.drop()
        self._number = number
        name = volume.ending.name
        if name:
            self._window.which.clear()
            self._window.which.addItem(name, volume.ending.key)
            self._window.which.setEnabled(False)
            self._show_which(True)
        self._start(volume)
        self._may_end_early = not volume.exact
        self._time.begin(self._most - self._taken, later, due_s)
        if not volume.planes:
            self._window.volume.clear()
            self._window.volume.show_hint("The first plane is on its way.")

    def open(self, run: StoredRun) -> None:
        """A run from disk is shown."""
        window, volume = self._window, run.shown
        self._contrast_for(run.folder)
        self.folder = run.folder
        if volume is None:
            window.volume.clear()
            window.made_of.clear()
            window.rule.clear()
            window.volume.show_hint("This run has no volume.")
            self._show_regions(())
            self.end(run)
            return
        self._start(volume)
        for decision in volume.decisions:
            window.change.add(
                decision.index + 1, decision.delta_relative, decision.innovation
            )
            window.made_of.add(decision)
            window.rule.show_terms(decision.terms)
        if volume.planes:
            # the camera that took them may have been another one
            window.camera.bit_depth = None
            last = volume.planes[-1]
            window.camera.set_image(
                last.image, f"plane {len(volume.planes)} · z = {last.z_um:.2f} µm"
            )
        if volume.shown is None:
            window.volume.clear()
            window.volume.show_hint("This run has no volume.")
        else:
            self._show_volume(volume.shown, contrast=volume.contrast)
        self.end(run)

    def add_plane(self, plane: Plane, number: int) -> None:
        """A plane was taken."""
        self._taken = number
        self._time.plane(plane.stage_ms, plane.camera_ms)
        window = self._window
        self._camera.put(plane.image, f"plane {number} · z = {plane.z_um:.2f} µm")
        window.along_z.add_plane(plane.z_um, plane.image)
        window.along_z.set_next(None)
        part = min(1.0, number / max(1, self._most))
        done = (self._number - 1 + part) / max(1, self._volumes_of_run)
        window.status.set_progress(done)

    def add_volume(self, made: Made) -> None:
        """A volume was made: it is drawn soon, unless a newer one comes before."""
        self._newest.put(made.volume, made.levels, made.contrast)
        self._window.along_z.error.set_planes(made.output_planes)

    def add_decision(self, decision: Decision, next_z_um: float | None) -> None:
        """A decision was made, and where the next plane is."""
        window = self._window
        self._time.thought(decision.inference_ms)
        window.change.add(
            decision.index + 1, decision.delta_relative, decision.innovation
        )
        window.made_of.add(decision)
        window.rule.show_terms(decision.terms)
        window.along_z.set_next(next_z_um)

    def end(self, run: StoredRun | None) -> None:
        """The run is over: this is how it lies on disk."""
        self._camera.now()
        self._newest.now()
        self.run = run
        window = self._window
        window.along_z.set_next(None)
        volume = None if run is None else run.shown
        pixels = None if volume is None else volume.pixels
        if volume is not None and pixels is not None and window.volume.volume is None:
            # it was rendered since
            self._show_volume(pixels, contrast=volume.contrast)
        window.made_of.take_shares(None if volume is None else volume.shares)
        self._others.offer(volume)
        endings = () if run is None else run.endings
        if len(endings) > 1 and run is not None:
            window.which.clear()
            for ending in endings:
                window.which.addItem(ending.name, ending.key)
                if run.shown is not None and ending.key == run.shown.ending.key:
                    window.which.setCurrentIndex(window.which.count() - 1)
            window.which.setEnabled(True)
        self._show_which(len(endings) > 1)

    def begin_stack(self) -> None:
        """The full stack of the volume that is shown begins."""
        self._time, self._stack_ms = TimeLeft(), 0.0
        self._window.status.set_progress(0.0)

    def add_stack_plane(self, plane: Plane, number: int, planes: int) -> None:
        """A plane of it was taken: seen in the camera view, and counted."""
        if self._stack_ms is None:
            self.begin_stack()
        assert self._stack_ms is not None
        if number == 1:
            self._time.begin(planes)
        self._time.plane(plane.stage_ms, plane.camera_ms)
        self._time.thought(0.0)
        self._stack_ms += plane.exposure_ms or 0.0
        said = f"full stack, plane {number} · z = {plane.z_um:.2f} µm"
        self._camera.put(plane.image, said)
        self._window.status.set_progress(number / max(1, planes))

    def end_stack(self) -> None:
        """The full stack is over."""
        self._camera.now()
        self._stack_ms = None

    def cost(self) -> str:
        """Say what the volume has cost so far, and how long it still takes."""
        taken, full = self._taken, self._full
        if self._stack_ms is not None:
            said = f"{self._stack_ms:g} ms of light beside that of the scan"
            left = left_words(self._time.seconds(), most=False)
        elif full:
            said = f"{taken} of the full stack's {full} planes, {taken / full:.0%}"
            said += " of its light"
            if self._volumes_of_run > 1:
                said = f"Volume {self._number} of {self._volumes_of_run}: {said}"
            left = left_words(self._time.seconds(), most=self._may_end_early)
        else:
            return ""
        return " · ".join(part for part in (said, left, self.rendering.beside) if part)

    def choose_volume(self) -> None:
        """Show the volume of the run that is chosen in the list."""
        key = self._window.which.currentData()
        if self.run is not None and key is not None:
            self._reader.open_run(self.run.folder, tuple(key))

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
        self._others.choose(None if self.run is None else self.run.shown)

    def is_shown(self, folder: Path, key: Key) -> bool:
        """Whether this volume of this run is the one that is shown."""
        return self.run is not None and (self.run.folder, self.key) == (folder, key)

    def compared(self, name: str, volume: NDArray[np.float32]) -> None:
        """Another volume is there."""
        self._others.add(name, volume)

    def export(self) -> None:
        """Write the volume that is shown as OME-TIFF where the user says."""
        volume = self._window.volume.volume
        if volume is None:
            return
        own = None if self.run is None else self.run.shown
        name, _ = QFileDialog.getSaveFileName(
            self._window, "Export", "volume.ome.tif", "OME-TIFF (*.ome.tif)"
        )
        if name:
            write_volume(
                Path(name),
                volume,
                list(self._z_um),
                pixel_size_um=self._pixel_um,
                optics=self._optics,
                channel=self._channel or None,
                told=() if own is None else own.told_of(volume),
            )

    def _contrast_for(self, folder: Path) -> None:
        """Let black and white follow the pictures again, where another run begins."""
        if folder != self.folder:
            self._window.volume.contrast.restart()

    def _start(self, volume: StoredVolume) -> None:
        self._z_um, self._pixel_um = volume.z_um, volume.pixel_um
        self._optics, self._channel = volume.optics, volume.channel
        self._most, self._full = volume.most, len(volume.z_um)
        self._taken = len(volume.planes)
        window = self._window
        window.camera.pixel_size_um = volume.pixel_um
        window.colouring.camera_shows(volume.channel)
        window.colouring.volume_shows(volume.channel)
        window.along_z.begin()
        window.change.begin()
        window.along_z.clear(volume.z_um[0], volume.z_um[-1])
        window.change.clear(volume.epsilon, volume.tau, volume.most)
        window.made_of.clear()
        window.rule.clear()
        window.along_z.error.set_planes(volume.output_planes)
        for plane in volume.planes:
            window.along_z.add_plane(plane.z_um, plane.image)
        self._others.begin()
        self._show_regions(volume.regions)

    def _show_volume(
        self,
        volume: NDArray[np.float32] | Composite,
        levels: tuple[float, float] | None = None,
        contrast: NDArray[np.float64] | None = None,
    ) -> None:
        if isinstance(volume, Composite):
            self._show_regions(volume.decided_on, volume)
            contrast = volume.contrast
        else:
            self._others.take(volume)
            self._show_regions(self._regions)
            if contrast is None:
                contrast = contrast_along_z(volume)
        self._draw(volume, levels)
        self._window.along_z.set_contrast(contrast, self._z_um)
        self.drawn.emit()

    def _show_regions(
        self, regions: Sequence[Region], volume: Composite | None = None
    ) -> None:
        """Say on what the scan decides, and outline it in the camera's picture."""
        self._regions = tuple(regions)
        self._window.camera.show_regions(self._regions)
        self._window.volume.tell_state(decided_words(len(self._regions), volume))

    def _draw(
        self,
        volume: NDArray[np.float32] | Composite,
        levels: tuple[float, float] | None = None,
    ) -> None:
        view = self._window.volume
        fresh = view.shown is None
        solid = self._solid
        if not isinstance(volume, Composite) and solid and solid.isVisible():
            self._fill_3d(volume)
        view.set_volume(volume, self._z_um, self._pixel_um, levels)
        if fresh and view.z_um is not None:
            self._window.along_z.show_z(view.z_um)

    def _show_which(self, on: bool) -> None:
        """Head the volume with the list of volumes, where there are several."""
        self._window.which.setVisible(on)
        self._window.volume.heading.setVisible(not on)

    def _fill_3d(self, volume: NDArray[np.float32]) -> None:
        assert self._solid is not None
        step = (self._z_um[-1] - self._z_um[0]) / (len(self._z_um) - 1)
        colour = self._window.colouring.volume_colour
        self._solid.set_volume(volume, step, self._pixel_um or step, colour)
