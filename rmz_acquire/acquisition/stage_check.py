"""Looks at what a focus stage really does, by pictures of a specimen.

An encoder tells where a stage believes to be. How it settles, whether it depends on the
side it comes from, whether it drifts, and which way is up is seen in pictures alone. So
a few planes are taken through the focus, and each test compares its pictures with them.

Which way is up cannot be told from the blur, which is the same above and below. It
takes someone who knows on which side of the focus the specimen lies.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pymmcore_plus import FocusDirection

from rmz_acquire.acquisition.focus_lock import FocusLock
from rmz_acquire.acquisition.focus_stage import FocusDrive, position_um
from rmz_acquire.acquisition.noise import is_noise_free
from rmz_acquire.acquisition.preflight import (
    check_camera,
    check_channel,
    check_free,
    check_range,
    focus_stage,
)
from rmz_acquire.acquisition.shutter import ShutterGuard
from rmz_acquire.errors import InputError
from rmz_acquire.scanning import compare, contrast_of, depth_of, fault_of, look_at

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray
    from pymmcore_plus import CMMCorePlus

__all__ = ["StageFinding", "check_stage_moves"]

_PLANES = 9
# After the stage said that it had arrived, s.
_LOOKS_S = (0.0, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
_TOLERANCE = 0.1
_LEAST_SHIFT_PX = 0.5
# A side is the brighter in detail by so much, or it is not told.
_SIDE = 1.1


@dataclass(frozen=True, slots=True)
class StageFinding:
    """What one test found.

    Parameters
    ----------
    part : str
        What was looked at.
    ok : bool or None
        None where the pictures do not tell.
    detail : str
        In one line, with numbers.
    remedy : str
        What to set; empty where nothing is to be done.
    """

    part: str
    ok: bool | None
    detail: str
    remedy: str = ""


def check_stage_moves(
    core: CMMCorePlus,
    *,
    range_um: float,
    exposure_ms: float,
    channel: tuple[str, str] | None = None,
    specimen: Literal["above", "below"] | None = None,
    wait_s: float = 5.0,
    on_step: Callable[[str], None] | None = None,
) -> list[StageFinding]:
    """Take pictures of the specimen in focus, and tell what the stage does.

    Light, stage, exposure and focus lock are afterwards as they were.

    Parameters
    ----------
    core : CMMCorePlus
        The microscope, focused on a specimen.
    range_um : float
        How far to go through the focus, half of it to each side, µm.
    exposure_ms : float
        Of each picture, ms.
    channel : (str, str), optional
        Group and preset.
    specimen : {"above", "below"}, optional
        On which side of the focus the specimen lies, as its user knows: then the
        direction of z is told.
    wait_s : float
        How long to wait for drift, s.
    on_step : callable, optional
        Is told each test as it begins.

    Returns
    -------
    list of StageFinding

    Raises
    ------
    InputError
        Before anything moves; or where the pictures show nothing.
    """
    check_free(core)
    check_camera(core, exposure_ms)
    check_channel(core, channel)
    stage = focus_stage(core, None)
    here_um = position_um(core, stage)
    low, high = here_um - range_um / 2, here_um + range_um / 2
    limits = check_range(core, stage, (low, high))
    tell = on_step or (lambda _: None)
    before_ms = float(core.getExposure())
    lock = FocusLock(core, stage)
    light = ShutterGuard(core)
    drive = FocusDrive(
        core,
        stage,
        settle_ms=0.0,
        tolerance_um=range_um / 2 / _PLANES,
        retries=2,
        limits_um=limits,
    )
    state = [tuple(s) for s in core.getConfigGroupState(channel[0])] if channel else []
    with lock:
        if lock.told is not None:
            tell(lock.told)
        try:
            core.setExposure(exposure_ms)
            if channel is not None:
                core.setConfig(*channel)
                core.waitForSystem()
            return _Look(core, drive, light, low, high).all(specimen, wait_s, tell)
        finally:
            try:
                light.close()
            finally:
                drive.home()
                core.setExposure(before_ms)
                for setting in state:
                    core.setProperty(*setting)


class _Look:
    """The pictures, and the tests on them."""

    def __init__(
        self,
        core: CMMCorePlus,
        drive: FocusDrive,
        light: ShutterGuard,
        low_um: float,
        high_um: float,
    ) -> None:
        self._core = core
        self._drive = drive
        self._light = light
        self._low, self._high = low_um, high_um
        # the ends are where the stage comes from
        self._z_um = np.linspace(low_um, high_um, _PLANES + 2)[1:-1]
        self._kind: tuple[tuple[int, ...], np.dtype[Any]] | None = None
        self._before: NDArray[Any] | None = None
        self.exposures = 0

    def all(
        self,
        specimen: Literal["above", "below"] | None,
        wait_s: float,
        tell: Callable[[str], None],
    ) -> list[StageFinding]:
        tell("pictures through the focus")
        self._drive.move(self._low)
        self._through = np.stack([self._rested(float(z)) for z in self._z_um])
        steps = [
            compare(below, above).change
            for below, above in zip(self._through[:-2], self._through[2:], strict=True)
        ]
        if fault_of(look_at(self._through[_PLANES // 2])) or max(steps) <= _TOLERANCE:
            msg = (
                "the pictures show nothing that changes with the focus: focus on a "
                "specimen, or take a longer exposure_ms or a wider range_um"
            )
            raise InputError(msg)
        # where the picture changes most, a small error of the stage is seen best
        self._at_um = float(self._z_um[1 + int(np.argmax(steps))])
        found = []
        for said, test in (
            ("settling", self._settling),
            ("both sides", self._backlash),
            (f"drift, {wait_s:g} s", lambda: self._drift(wait_s)),
        ):
            tell(said)
            found.append(test())
        found.append(self._direction(specimen))
        light_ms = self.exposures * float(self._core.getExposure())
        cost = f"{self.exposures} exposures, {light_ms:g} ms of light"
        return [*found, StageFinding("dose", True, cost)]

    def _settling(self) -> StageFinding:
        # the longer the way, the more it swings
        upper = self._at_um > (self._low + self._high) / 2
        self._drive.move(self._low if upper else self._high)
        self._drive.stay(500.0)
        self._drive.move(self._at_um)
        begin = time.perf_counter()
        looks = []
        for after_s in _LOOKS_S:
            self._drive.stay(max(0.0, 1000 * (begin + after_s - time.perf_counter())))
            began_ms = 1000 * (time.perf_counter() - begin)
            looks.append((began_ms, self._snap()))
        last = looks[-1][1]
        moving = [ms for ms, image in looks if compare(last, image).change > _TOLERANCE]
        if not moving:
            said = "still when the stage says so"
            return StageFinding("settling", True, said)
        later = [ms for ms, _ in looks if ms > moving[-1]]
        need_ms = round(later[0] if later else looks[-1][0], -1) + 10
        said = f"the picture still changes {moving[-1]:.0f} ms after the stage is ready"
        return StageFinding(
            "settling", False, said, f"stage: {{settle_ms: {need_ms:.0f}}}"
        )

    def _backlash(self) -> StageFinding:
        self._drive.move(self._low)
        below = self._rested(self._at_um)
        self._drive.move(self._high)
        above = self._rested(self._at_um)
        unlike = compare(below, above)
        if unlike.change <= _TOLERANCE:
            return StageFinding("backlash", True, "the same from below and from above")
        apart = abs(self._depth(above) - self._depth(below))
        said = f"from above it stands about {apart:.1f} µm beside where it does below"
        remedy = f"stage: {{approach_um: {max(0.1, round(2 * apart, 1)):g}}}"
        return StageFinding("backlash", False, said, remedy)

    def _drift(self, wait_s: float) -> StageFinding:
        self._drive.move(self._low)
        before = self._rested(self._at_um)
        self._drive.stay(1000 * wait_s)
        after = self._snap()
        unlike = compare(before, after)
        if unlike.change <= _TOLERANCE:
            return StageFinding("drift", True, f"none to be seen in {wait_s:g} s")
        aside = float(np.hypot(*unlike.shift_px))
        along = abs(self._depth(after) - self._depth(before))
        how = f"{along:.1f} µm along z"
        if aside >= _LEAST_SHIFT_PX:
            how = f"{aside:.1f} pixels sideways"
        said = f"{how} in {wait_s:g} s: the focus drifts, or the specimen moves"
        return StageFinding("drift", False, said, "autofocus_plan, checks.repeat")

    def _direction(self, specimen: Literal["above", "below"] | None) -> StageFinding:
        told = {
            FocusDirection.TowardSample: "towards the specimen",
            FocusDirection.AwayFromSample: "away from the specimen",
        }.get(self._core.getFocusDirection(self._drive.label), "nowhere that it tells")
        said = f"the configuration moves +z {told}"
        detail = np.array([contrast_of(image) for image in self._through])
        half = _PLANES // 2
        down, up = detail[:half].mean(), detail[half + 1 :].mean()
        clear = max(down, up) > _SIDE * min(down, up)
        if specimen is None or not clear:
            why = "no side shows more detail" if specimen else "give specimen"
            return StageFinding("z direction", None, f"{said}; {why}")
        side = "above" if up > down else "below"
        sharper = f"{said}; detail lies at {'higher' if side == 'above' else 'lower'} z"
        if side == specimen:
            return StageFinding("z direction", True, f"{sharper}, as it should")
        return StageFinding(
            "z direction",
            False,
            f"{sharper}: z runs the other way, volumes come out upside down",
            "turn the sign of z in the stage's properties or in the configuration",
        )

    def _depth(self, image: NDArray[Any]) -> float:
        return depth_of(image, self._through, self._z_um)

    def _rested(self, z_um: float) -> NDArray[Any]:
        """Take a picture where the stage has had time to settle."""
        self._drive.move(z_um)
        self._drive.stay(200.0)
        return self._snap()

    def _snap(self) -> NDArray[Any]:
        with self._light.exposure():
            self._core.snapImage()
        self.exposures += 1
        image = np.array(self._core.getImage())
        kind = (image.shape, image.dtype)
        self._kind = self._kind or kind
        if kind != self._kind:
            shape, dtype = self._kind
            now = f"{image.shape} {image.dtype}"
            msg = f"a picture is {now}, the first was {shape} {dtype}"
            raise RuntimeError(msg)
        before, self._before = self._before, image
        if before is not None and np.array_equal(before, image):
            # pictures of one place are compared: an old one would pass every test
            if look_at(image).telling and not is_noise_free(self._core):
                msg = "the camera gave its last picture again, to the last bit"
                raise RuntimeError(msg)
        return image
