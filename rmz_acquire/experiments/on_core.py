"""An experiment on a microscope: stage, light, autofocus and focus lock of a core."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rmz_acquire.acquisition import (
    Autofocus,
    FocusDrive,
    FocusLock,
    ScanEngine,
    ShutterGuard,
    acquire,
)
from rmz_acquire.acquisition.microscope_state import (
    restore_settings,
    set_back_if_refused,
    settings_of,
    steps_back,
)
from rmz_acquire.acquisition.preflight import check_free
from rmz_acquire.errors import InputError
from rmz_acquire.experiments.asking import ask
from rmz_acquire.experiments.block import BLOCK
from rmz_acquire.experiments.instrument import Taken
from rmz_acquire.experiments.prepare import Prepared, prepare

if TYPE_CHECKING:
    from collections.abc import Callable

    import useq
    from pymmcore_plus import CMMCorePlus

    from rmz_acquire.acquisition import Control
    from rmz_acquire.experiments.own import Own
    from rmz_acquire.experiments.stored import StoredExperiment
    from rmz_acquire.experiments.tally import Tally
    from rmz_acquire.experiments.volume_tasks import VolumeTasks

__all__ = ["OnCore"]


class OnCore:
    """Runs one experiment on a core; an `Instrument`.

    Parameters
    ----------
    core : CMMCorePlus
        The microscope.
    """

    def __init__(self, core: CMMCorePlus) -> None:
        self._core = core
        self._lock: FocusLock | None = None

    def prepare(self, sequence: useq.MDASequence, own: Own) -> Prepared:
        """Check an experiment that begins, before anything moves."""
        prepared = prepare(self._core, sequence, own=own)
        self._find_lock(prepared)
        return prepared

    def prepare_again(
        self,
        stored: StoredExperiment,
        own: Own,
        same: Callable[[Prepared], Prepared],
    ) -> Prepared:
        """Check one that goes on, with the microscope set as it began."""
        core, told, sequence = self._core, stored.told, stored.sequence
        if "microscope" not in told:
            msg = (
                f"{stored.path} is a run over a recorded stack: it goes on with that, "
                "not on a microscope"
            )
            raise InputError(msg)
        # what can be asked is asked before the first setting is touched
        check_free(core)
        settings = stored.prepared.settings
        ask(core, sequence, settings, told["here_um"], stored.model, own)
        with set_back_if_refused(core):
            restore_settings(core, told["microscope"])
            core.setExposure(told["exposure_ms"])
            prepared = prepare(core, sequence, told["here_um"], stored.model, own)
            prepared = same(prepared)
            # also where a kill left it off
            was_on = told.get("focus_lock") is not None
            self._find_lock(prepared, was_on=was_on)
        return prepared

    def state(self, prepared: Prepared) -> dict[str, Any]:
        """Give how the microscope stands, as ``run.json`` keeps it."""
        assert self._lock is not None
        return {
            "exposure_ms": float(self._core.getExposure()),
            "microscope": settings_of(self._core),
            "focus_lock": self._lock.device if self._lock.was_on else None,
        }

    def clock_s(self) -> float:
        """Seconds on the clock of the runner."""
        return float(self._core.mda.event_seconds_elapsed())

    def take(
        self,
        prepared: Prepared,
        tasks: VolumeTasks,
        tally: Tally,
        control: Control,
        *,
        resumed: bool,
    ) -> Taken:
        """Take the planes of every volume, and bring everything back."""
        core, settings = self._core, prepared.settings.stage
        assert self._lock is not None
        engine: ScanEngine
        drive = FocusDrive(
            core,
            prepared.stage,
            settle_ms=settings.settle_ms,
            tolerance_um=prepared.tolerance_um,
            approach_um=settings.approach_um,
            approach_from=settings.approach_from,
            approach_speed=settings.approach_speed,
            timeout_ms=settings.timeout_ms,
            retries=settings.retries,
            limits_um=prepared.limits_um,
            stopped=lambda: engine.stopped(),
        )
        light = ShutterGuard(core)
        focus = Autofocus(
            core,
            prepared.stage,
            required=prepared.settings.autofocus_failure == "stop",
            corrections_um=tally.corrections_um,
        )
        engine = ScanEngine(
            core,
            tasks,
            drive=drive,
            light=light,
            autofocus=focus,
            control=control,
            on_end=lambda task: tasks.ended(task.scan),
            resumed=resumed,
            overlap=prepared.settings.overlap,
        )
        events = [volume.first for volume in prepared.volumes]
        if prepared.sequence.setup is not None:
            events.append(prepared.sequence.setup)
        groups = {event.channel.group for event in events if event.channel is not None}
        problems = acquire(
            core,
            engine,
            drive,
            light,
            prepared.sequence,
            groups=sorted(groups),
            cameras={imaging.camera for imaging in prepared.imagings},
            abort=control.abort,
            # nobody need wait for the next time point once no plane is wanted any more
            aborted=lambda: (
                control.reason is not None
                or (control.winding_up is not None and not engine.at_work)
            ),
            lock=self._lock,
            also=steps_back(core, events),
        )
        return Taken(engine.task, problems, self._lock.told, focus.failures)

    def _find_lock(self, prepared: Prepared, *, was_on: bool = False) -> None:
        """Find the focus lock; refuse one that is on, where the experiment wants it."""
        lock = FocusLock(self._core, prepared.stage, was_on=was_on)
        if lock.was_on and prepared.settings.focus_lock == "refuse":
            msg = (
                f"{BLOCK}.focus_lock: the focus lock {lock.device!r} is on and would "
                "hold the focus against the scan: switch it off, or set focus_lock: "
                "pause"
            )
            raise InputError(msg)
        self._lock = lock
