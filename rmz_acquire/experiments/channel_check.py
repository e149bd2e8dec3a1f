"""Looks how each channel of an experiment is imaged, before there is any light.

The experiment's settings are gone through in the order in which they will be set, and
every state of the microscope that comes of it is looked at once, on a `Bench`.
"""

from __future__ import annotations

import logging
import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from rmz_acquire.acquisition.image_format import (
    CAMERA,
    EXPOSURE,
    ROI,
    Bench,
    Imaging,
    Setting,
    cameras_of,
    picture_settings,
)
from rmz_acquire.errors import InputError
from rmz_acquire.experiments.block import BLOCK
from rmz_acquire.experiments.channel_imaging import Imagings, Place, optics_given
from rmz_acquire.experiments.keys import key_of
from rmz_acquire.experiments.volumes import channels_at
from rmz_acquire.methods import method_of

if TYPE_CHECKING:
    import useq
    from pymmcore_plus import CMMCorePlus

    from rmz_acquire.acquisition.cameras import Box
    from rmz_acquire.experiments.block import ExperimentSettings
    from rmz_acquire.experiments.volumes import Volume

__all__ = ["image_volumes", "with_cameras"]

logger = logging.getLogger(__name__)

# A pixel size beside another one: what rounding and calibration leave.
_UNLIKE = 0.02


def image_volumes(
    core: CMMCorePlus,
    sequence: useq.MDASequence,
    volumes: list[Volume],
    settings: ExperimentSettings,
) -> Imagings:
    """Set the microscope for every channel, as the experiment will, and read.

    All is brought back. There is no light, and no stage moves.

    Parameters
    ----------
    core : CMMCorePlus
        The microscope.
    sequence : useq.MDASequence
        The experiment.
    volumes : list of Volume
        Its volumes, in the order taken.
    settings : ExperimentSettings
        The block.

    Returns
    -------
    Imagings

    Raises
    ------
    InputError
        If a setting cannot be made, a channel would not be the same every time, or
        the channels of a position do not fit into one picture. Names the key.
    """
    walk = _Walk(core, sequence, settings)
    events = list({_key_of(v.first): v.first for v in volumes}.values())
    if sequence.setup is not None:
        events.append(sequence.setup)
    with Bench(core, cameras_of(core, events)) as bench:
        walk.begin(bench)
        for volume in volumes:
            walk.visit(bench, volume)
    walk.check_fits()
    return walk.found()


def with_cameras(
    core: CMMCorePlus, sequence: useq.MDASequence, volumes: list[Volume]
) -> list[Volume]:
    """Have every volume select its camera, where some channel names one.

    A channel that names none, in its preset neither, has the one that is selected when
    the experiment begins, not the one of the channel before it.
    """
    if not any(volume.camera for volume in volumes):
        return volumes
    usual = str(core.getCameraDevice())
    if sequence.setup is not None:
        usual = picture_settings(core, sequence.setup, usual).get(CAMERA, usual)
    made = []
    for volume in volumes:
        first = volume.first
        label = volume.camera
        if label is None and CAMERA not in picture_settings(core, first, usual):
            label = usual
        if label is not None:
            properties = [*(first.properties or ()), (*CAMERA, label)]
            first = first.model_copy(update={"properties": properties})
        made.append(replace(volume, first=first))
    return made


class _Walk:
    """Goes through what an experiment sets, and looks at each state of it once."""

    def __init__(
        self,
        core: CMMCorePlus,
        sequence: useq.MDASequence,
        settings: ExperimentSettings,
    ) -> None:
        self._core = core
        self._sequence = sequence
        self._given = settings.optics
        self._needs_optics = method_of(settings.estimator).optics
        self._states: list[dict[Setting, Any]] = [{}]
        self._numbers: dict[frozenset[Any], int] = {frozenset(): 0}
        self._next: dict[tuple[int, Any], int] = {}
        self._seen: dict[tuple[int, Any], Imaging] = {}
        self._state = 0
        self._roi: Box | None = None
        self._exposures: dict[Any, float | None] = {}
        #: By position and channel: the state, what was read, and a volume.
        self._first: dict[Place, tuple[int, Imaging, Volume]] = {}

    def begin(self, bench: Bench) -> None:
        """Set what the experiment's setup asks for."""
        setup = self._sequence.setup
        if setup is None:
            return
        with key_of("setup"):
            self._go(setup)
            bench.set(self._states[self._state])
            if setup.roi is None:
                return
            roi = setup.roi
            self._roi = (roi.offset_x, roi.offset_y, roi.width, roi.height)
            given = bench.read(setup).roi
        if given != self._roi:
            logger.warning(
                "setup.roi: the camera gives %s (x, y, width, height), not %s",
                given,
                self._roi,
            )
            self._roi = given

    def visit(self, bench: Bench, volume: Volume) -> None:
        """Set what a volume asks for, unless that was looked at before, and compare."""
        event = volume.first
        what = self._go(event)
        key = self._key(volume)
        imaging = self._seen.get((self._state, what))
        if imaging is None:
            imaging = self._look(bench, event, key)
            self._seen[self._state, what] = imaging
        if event.exposure is None:
            usual_ms = self._exposures.setdefault(event.channel, imaging.exposure_ms)
            if usual_ms != imaging.exposure_ms:
                msg = (
                    f"{key}.exposure: it is missing, and would be {usual_ms:g} ms "
                    f"first and {imaging.exposure_ms:g} ms later: give it"
                )
                raise InputError(msg)
        place = volume.key[1], volume.key[3]
        before = self._first.get(place)
        if before is None:
            self._first[place] = (self._state, imaging, volume)
            if self._roi not in (None, imaging.roi):
                logger.warning(
                    "%s: with %s the region of interest is %s (x, y, width, height), "
                    "not %s as setup.roi has it",
                    key,
                    volume.channel,
                    imaging.roi,
                    self._roi,
                )
        elif before[1] != imaging and self._unlike(before[1], imaging, volume):
            why = self._told(before[0], self._state)
            msg = (
                f"{key}: {self._name(volume)} would be imaged in one way first and in "
                f"another way later{why}: let every channel, and position, set it"
            )
            raise InputError(msg)

    def check_fits(self) -> None:
        """Refuse channels of one position that do not fit into one picture."""
        lead: dict[int, tuple[int, Imaging, Volume]] = {}
        for (p, _), here in sorted(self._first.items()):
            state, first, volume = lead.setdefault(p, here)
            said = _misfit(first, here[1])
            if said is not None:
                why = self._told(state, here[0], filters=False)
                msg = (
                    f"{self._key(here[2])}: {said.format(self._name(volume))}{why}; "
                    "the channels of a volume lie in one image: make them alike, or "
                    "run one experiment for each"
                )
                raise InputError(msg)

    def found(self) -> Imagings:
        """Give what was found, with the pixel size that is given."""
        given_um = self._given.pixel_size_um
        made = {}
        told = set()
        for place, (_, imaging, _) in self._first.items():
            told.add(imaging.pixel_size_um)
            made[place] = imaging.with_pixel(given_um)
        for told_um in sorted(size for size in told if size is not None):
            if given_um is not None and not _close(given_um, told_um):
                logger.warning(
                    "%s.optics.pixel_size_um is %g µm, the configuration tells %g µm: "
                    "the files say what is given",
                    BLOCK,
                    given_um,
                    told_um,
                )
        return Imagings(made)

    def _go(self, event: useq.MDAEvent) -> Any:
        """Go to the state that an event leads to; give what it sets."""
        what = _key_of(event)
        before = self._state
        number = self._next.get((before, what))
        if number is None:
            state = dict(self._states[before])
            camera = state.get(CAMERA, str(self._core.getCameraDevice()))
            for setting, value in picture_settings(self._core, event, camera).items():
                state.pop(setting, None)
                state[setting] = value
            number = self._numbers.setdefault(
                frozenset(state.items()), len(self._states)
            )
            if number == len(self._states):
                self._states.append(state)
            self._next[before, what] = number
        self._state = number
        return what

    def _look(self, bench: Bench, event: useq.MDAEvent, key: str) -> Imaging:
        """Set the state that is reached, and read how pictures are made in it."""
        state = self._states[self._state]
        first = {k: v for k, v in state.items() if k[1] != EXPOSURE}
        with key_of(key):
            bench.set(first)
        with key_of(f"{key}.exposure"):
            bench.set(state)
        with key_of(key):
            return bench.read(event)

    def _key(self, volume: Volume) -> str:
        _, key = channels_at(self._sequence, volume.index.get("p"))
        return f"{key}.{volume.index.get('c', 0)}" if volume.channel else "channels"

    def _name(self, volume: Volume) -> str:
        place = volume.index.get("p")
        where = "" if place is None else f" at stage_positions.{place}"
        return f"{volume.channel or 'the camera'}{where}"

    def _unlike(self, a: Imaging, b: Imaging, volume: Volume) -> bool:
        """Whether it matters: not the filter where nobody needs its wavelength."""
        plain = replace(a, told=b.told, exposure_ms=b.exposure_ms) != b
        sizes = a.pixel_size_um != b.pixel_size_um
        if plain or sizes or not self._needs_optics:
            return plain or sizes
        name = volume.channel
        return optics_given(self._given, a, name) != optics_given(self._given, b, name)

    def _told(self, a: int, b: int, *, filters: bool = True) -> str:
        """Which settings differ, for people; those of filters perhaps left out."""
        one, other = self._states[a], self._states[b]
        said = []
        for setting in dict.fromkeys([*one, *other]):
            x, y = one.get(setting, "as it was"), other.get(setting, "as it was")
            if x == y or setting[1] in (EXPOSURE, ROI):
                continue
            if filters or "emission" not in setting[0].lower():
                said.append(f"{'-'.join(setting)} {x}, then {y}")
        return f" ({'; '.join(said)})" if said else ""


def _misfit(a: Imaging, b: Imaging) -> str | None:
    """Say in what a channel does not fit the first, whose name is left open."""
    if a.shape != b.shape:
        (y, x), (height, width) = a.shape, b.shape
        return f"its pictures are {width} × {height} pixels, those of {{}} {x} × {y}"
    if a.pixel_type != b.pixel_type:
        return f"its pictures are {b.pixel_type}, those of {{}} {a.pixel_type}"
    one, other = a.pixel_size_um, b.pixel_size_um
    if one is not None and other is not None:
        if not _close(one, other):
            return f"its pixels are {other:g} µm, those of {{}} {one:g} µm"
    elif one is not other:
        return "one pixel size is known, of it or of {}, and the other is not"
    elif a.told.objective != b.told.objective:
        return f"its objective is {b.told.objective}, that of {{}} {a.told.objective}"
    if a.camera == b.camera and a.binning != b.binning:
        return f"its binning is {b.binning}, that of {{}} {a.binning}"
    if a.camera == b.camera and a.roi != b.roi:
        return f"its region of interest is {b.roi}, that of {{}} {a.roi}"
    return None


def _close(a: float, b: float) -> bool:
    return math.isclose(a, b, rel_tol=_UNLIKE)


def _key_of(event: useq.MDAEvent) -> Any:
    channel = event.channel
    return (
        None if channel is None else (channel.group, channel.config),
        event.exposure,
        tuple((d, p, str(v)) for d, p, v in event.properties or ()),
    )
