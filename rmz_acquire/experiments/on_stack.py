"""An experiment over a recorded stack in the specimen's place: no Micro-Manager."""

from __future__ import annotations

import math
import time
from functools import partial
from typing import TYPE_CHECKING, Any

from rmz_acquire.acquisition.image_format import Imaging
from rmz_acquire.errors import InputError
from rmz_acquire.experiments.block import BLOCK, ExperimentSettings
from rmz_acquire.experiments.channel_imaging import Imagings
from rmz_acquire.experiments.estimators import Estimators, check_method
from rmz_acquire.experiments.instrument import Taken
from rmz_acquire.experiments.keys import key_of
from rmz_acquire.experiments.prepare import Prepared
from rmz_acquire.experiments.volumes import volumes_of
from rmz_acquire.objectives import ToldOptics
from rmz_acquire.scanning import take_planes

if TYPE_CHECKING:
    from collections.abc import Callable

    import useq

    from rmz_acquire.acquisition import Control, VolumeTask
    from rmz_acquire.experiments.own import Own
    from rmz_acquire.experiments.stored import StoredExperiment
    from rmz_acquire.experiments.tally import Tally
    from rmz_acquire.experiments.volume_tasks import VolumeTasks
    from rmz_acquire.experiments.volumes import Volume
    from rmz_acquire.scanning import Scan
    from rmz_acquire.simulation.recorded import RecordedMicroscope

__all__ = ["OnStack"]

_CAMERA = "recorded stack"


class OnStack:
    """Runs one experiment over a recorded stack; an `Instrument`.

    Every volume of it, such as those of several time points, is of the same stack.

    Parameters
    ----------
    microscope : RecordedMicroscope
        The stack with its z.
    """

    def __init__(self, microscope: RecordedMicroscope) -> None:
        self._microscope = microscope
        self._begin = time.perf_counter()

    def prepare(self, sequence: useq.MDASequence, own: Own) -> Prepared:
        """Check an experiment against the stack."""
        return self._prepare(sequence, own)

    def prepare_again(
        self,
        stored: StoredExperiment,
        own: Own,
        same: Callable[[Prepared], Prepared],
    ) -> Prepared:
        """Check that the stack is the one that the experiment began with."""
        told, now = stored.told.get("recorded"), self._microscope.describe()
        if told is None:
            msg = f"{stored.path} is of a microscope: it does not go on over a stack"
            raise InputError(msg)
        for key in ("shape", "z_um", "sha256"):
            if told[key] != now[key]:
                msg = f"the stack is not the one that {stored.path} began with ({key})"
                raise InputError(msg)
        return same(self._prepare(stored.sequence, own, stored.model))

    def state(self, prepared: Prepared) -> dict[str, Any]:
        """Give what the stack is, as ``run.json`` keeps it."""
        return {"recorded": self._microscope.describe()}

    def clock_s(self) -> float:
        """Seconds since this was made."""
        return time.perf_counter() - self._begin

    def take(
        self,
        prepared: Prepared,
        tasks: VolumeTasks,
        tally: Tally,
        control: Control,
        *,
        resumed: bool,
    ) -> Taken:
        """Give the planes that every volume asks for."""
        task: VolumeTask | None = None
        for task in tasks:
            look = partial(_hand_on, control, task.scan)
            outcome = take_planes(task.scan, self._microscope, task.recorder, look)
            if not outcome.ok:
                break
            tasks.ended(task.scan)
        return Taken(task)

    def _prepare(
        self, sequence: useq.MDASequence, own: Own, model: str | None = None
    ) -> Prepared:
        settings = ExperimentSettings.of(sequence.metadata)
        check_method(settings, model)
        own.check(settings)
        if settings.checks.repeat:
            msg = f"{BLOCK}.checks.repeat: a recorded stack has each plane once"
            raise InputError(msg)
        if settings.overlap == "exposure":
            msg = f"{BLOCK}.overlap: a recorded stack has no stage and no light to save"
            raise InputError(msg)
        if sequence.setup is not None:
            msg = "setup: a recorded stack has nothing to be set"
            raise InputError(msg)
        volumes = volumes_of(sequence)
        for volume in volumes:
            self._check(volume)
            with key_of(BLOCK):
                if not volume.single:
                    volume.plan(settings)
        imaging = self._imaging().with_pixel(settings.optics.pixel_size_um)
        imagings = Imagings({v.key[1::2]: imaging for v in volumes})
        estimators = Estimators(settings, volumes, imagings, model, own)
        estimators.check()
        whole = (-math.inf, math.inf)
        return Prepared(
            sequence, settings, volumes, imagings, estimators, "", whole, 1.0, 0.0
        )

    def _check(self, volume: Volume) -> None:
        """Refuse what a stack cannot give."""
        first = volume.first
        for key, wanted in (
            ("stage_positions", volume.index.get("p")),
            ("grid_plan", volume.index.get("g")),
            ("channels", volume.index.get("c") or None),
            ("autofocus_plan", volume.autofocus),
        ):
            if wanted is not None:
                msg = f"{key}: a recorded stack is one field of one channel"
                raise InputError(msg)
        if first.properties:
            msg = "properties: a recorded stack has nothing to be set"
            raise InputError(msg)
        with key_of("z_plan"):
            for z_um in (min(volume.z_um), max(volume.z_um)):
                self._microscope.check(z_um)

    def _imaging(self) -> Imaging:
        """How the stack is imaged, as far as it is known."""
        microscope = self._microscope
        height, width = microscope.shape
        return Imaging(
            _CAMERA,
            "",
            (0, 0, width, height),
            (height, width),
            microscope.pixel_type,
            None,
            ToldOptics(pixel_size_um=microscope.pixel_size_um),
        )


def _hand_on(control: Control, scan: Scan) -> None:
    """Hand on to the scan what was asked of the experiment."""
    if control.reason is not None:
        scan.abort(control.reason)
    elif control.winding_up is not None:
        scan.stop(control.winding_up)
