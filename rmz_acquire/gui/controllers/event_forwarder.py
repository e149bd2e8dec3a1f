"""Says by signals what a running experiment does, step by step."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmz_acquire.experiments import Watcher
from rmz_acquire.experiments.volume_ledger import planes_seen
from rmz_acquire.gui.controllers.scan_signals import Made
from rmz_acquire.gui.controllers.watched_core import WatchedCore
from rmz_acquire.gui.models.composite import Composite
from rmz_acquire.gui.models.display_levels import contrast_along_z, levels_of
from rmz_acquire.gui.models.stored_runs import (
    Ending,
    StoredVolume,
    limits_of,
    name_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from pymmcore_plus import CMMCorePlus

    from rmz_acquire.experiments import Prepared, Volume
    from rmz_acquire.experiments.callbacks import Rendered
    from rmz_acquire.gui.controllers.scan_signals import ScanSignals
    from rmz_acquire.recording.experiment_folder import ExperimentFolder
    from rmz_acquire.scanning import Decision, Estimate, Plane, Scan

__all__ = ["EventForwarder"]


class EventForwarder(Watcher):
    """Emits volumes, planes, decisions and steps on the threads of the scan.

    Parameters
    ----------
    told : ScanSignals
        By which.
    beside : bool
        Whether the run that is shown stays the one: its full stack is taken, or what
        it has left is rendered.
    """

    def __init__(self, told: ScanSignals, *, beside: bool = False) -> None:
        self._told = told
        self._beside = beside
        self._prepared: Prepared | None = None
        self._folder: ExperimentFolder | None = None
        self._core: CMMCorePlus | None = None
        self._ending: Ending | None = None
        self._most = 0
        self._exposure_ms = 0.0
        self._asked: list[float] = []
        #: By index: planes that the estimator was given, and those that wait for it.
        self._given: dict[int, Plane] = {}
        self._waiting: dict[int, Plane] = {}
        #: The scan under way, and the planes on disk of it.
        self.scan: Scan | None = None
        self.planes = 0
        #: Is called with the number of every plane that is on disk.
        self.on_plane: Callable[[int], None] | None = None
        #: Is called when nothing is left but volumes to render.
        self.on_rendering: Callable[[], None] | None = None

    def begin(self, prepared: Prepared, folder: ExperimentFolder) -> None:
        """An experiment begins, or goes on."""
        self._prepared, self._folder = prepared, folder
        if not self._beside:
            self._told.begun.emit(folder.path, len(prepared.volumes))

    def step(self, what: str) -> None:
        """The report takes a second or two, whole volumes more."""
        if what == "volumes" and self.on_rendering is not None:
            self.on_rendering()
        if what == "report":
            self._say("drawing the report")

    def volume(self, volume: Volume, scan: Scan) -> None:
        """A volume begins, or goes on."""
        prepared, folder = self._prepared, self._folder
        assert prepared is not None and folder is not None
        planes = folder.planes_of(volume.key)
        name = name_of(volume, prepared.sequence, prepared.volumes)
        ending = Ending(volume.key, name, "", "", len(planes), len(volume.z_um))
        plan = scan.plan
        exact = plan.z_exact_um
        begun = StoredVolume(
            ending,
            plan.z_um,
            planes,
            [],
            None,
            *limits_of(plan),
            plan.max_planes if exact is None else len(exact),
            prepared.pixel_size_of(volume),
            prepared.settings.estimator,
            None,
            volume.channel or "",
        )
        self.scan, self._ending, self._most = scan, ending, begun.most
        self.planes, self._waiting = len(planes), {}
        unused = folder.unused_before(volume.key)
        counted = enumerate(planes)
        self._given = {n: plane for n, plane in counted if n not in unused}
        while self._asked:
            scan.ask(self._asked.pop(0))
        self._exposure_ms = float(volume.first.exposure or self._exposure_ms)
        wait_s, due_s = self._waits(volume)
        if not self._beside:
            later = prepared.volumes[volume.number + 1 :]
            each = 0 if volume.single else begun.most
            more = sum(1 if other.single else each for other in later)
            self._told.volume_begun.emit(begun, volume.number + 1, more, due_s)
        if wait_s >= 1:
            self._say(f"{name}: its time comes in {wait_s:.0f} s")

    def _waits(self, volume: Volume) -> tuple[float, float]:
        """In how many seconds it, and the last of all, may begin at the earliest."""
        prepared, folder, core = self._prepared, self._folder, self._core
        assert prepared is not None and folder is not None
        if core is None or folder.planes_before:
            # one that is taken up again has another clock
            return 0.0, 0.0
        now = core.mda.event_seconds_elapsed()
        due = [other.first.min_start_time or 0.0 for other in prepared.volumes]
        here = volume.first.min_start_time or 0.0
        return max(0.0, here - now), max(0.0, max(due) - now)

    def plane(self, volume: Volume, plane: Plane, index: int) -> None:
        """A plane is on disk."""
        self.planes = index + 1
        self._waiting[index] = plane
        if self._beside:
            self._told.stack_plane.emit(plane, index + 1, self._most)
        else:
            self._told.plane_taken.emit(plane, index + 1)
            self._say(f"{self._which(index + 1)}: reconstructing")
        if self.on_plane is not None:
            self.on_plane(index + 1)

    def decision(
        self, volume: Volume, decision: Decision, estimate: Estimate | None
    ) -> None:
        """A decision was made."""
        if self._beside:
            return
        plane = self._waiting.pop(decision.index, None)
        if plane is not None and decision.used:
            self._given[decision.index] = plane
        if estimate is not None and self._given and not volume.single:
            self._told.volume_made.emit(self._made(estimate))
        planned = None if self.scan is None else self.scan.planned_z_um
        self._told.decided.emit(decision, planned)

    def _made(self, estimate: Estimate) -> Made:
        """Give the volume; where regions decide, with the planes between them."""
        volume, scan = estimate.volume, self.scan
        planes = None if scan is None else planes_seen(scan)
        if volume is not None:
            return Made(volume, levels_of(volume), contrast_along_z(volume), planes)
        assert self.scan is not None
        z_um = self.scan.plan.z_um
        composite = Composite([*self._given.values()], z_um, estimate.regions)
        return Made(composite, composite.levels, composite.contrast, planes)

    def rendered(self, how_far: Rendered) -> None:
        """Volumes are rendered behind the scans."""
        self._told.rendered.emit(how_far)

    def ask(self, z_um: float) -> None:
        """Take a plane here, µm, in the scan under way or in the first one."""
        if self.scan is None:
            self._asked.append(z_um)
        else:
            self.scan.ask(z_um)

    def listen(self, core: CMMCorePlus) -> None:
        """Tell of moves and exposures of a core."""
        self._core = core
        self._exposure_ms = float(core.getExposure())
        if isinstance(core, WatchedCore):
            core.on_move, core.on_expose = self._moves, self._exposes

    def _moves(self, z_um: float) -> None:
        if self.scan is None or self.scan.outcome is not None:
            self._say(f"bringing the focus to {z_um:.4g} µm")
        else:
            self._say(f"{self._which(self.planes + 1)}: moving to {z_um:.4g} µm")

    def _exposes(self) -> None:
        which = self._which(self.planes + 1)
        self._say(f"{which}: exposing {self._exposure_ms:g} ms")

    def _which(self, number: int) -> str:
        name = "" if self._ending is None else self._ending.name
        # somebody may have asked for more than the plan had
        said = f"plane {number} of at most {max(self._most, number)}"
        if self._beside:
            said = f"full stack, plane {number} of {self._most}"
        return f"{name}, {said}" if name else said

    def _say(self, text: str) -> None:
        self._told.step.emit(text)
