"""The faults of the table in docs/faults.md, and how each is brought about."""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from rmz_acquire.reconstruction import make_estimator
from rmz_acquire.recording.zarr_store import Series

LIMITS_UM = (-2.0, 30.0)
CHECKED = {"checks": {"repeat": True, "rest_ms": 5}}
BLIND = (
    "the encoder does not see it: `checks.repeat` or `rmz-acquire check-stage` detect "
    "it"
)


def pictures(z_um, shape=(32, 36)):
    """A stack of spots that blur quickly, uint16, with noise of its own each."""
    rng = np.random.default_rng(1)
    yy, xx = np.mgrid[: shape[0], : shape[1]]
    stack = np.full((len(z_um), *shape), 100.0)
    for _ in range(8):
        z0 = rng.uniform(4, 12)
        y0, x0 = rng.uniform(6, shape[0] - 6), rng.uniform(6, shape[1] - 6)
        for i, z in enumerate(z_um):
            width = 1.2 + 0.8 * abs(z - z0)
            r2 = (yy - y0) ** 2 + (xx - x0) ** 2
            stack[i] += 1500 / width**2 * np.exp(-r2 / (2 * width**2))
    stack += rng.normal(0, 2, stack.shape)
    return stack.round().clip(0, 65535).astype(np.uint16)


@dataclass(frozen=True)
class Fault:
    """One row.

    made_by says what brings it about; `properties` of devices, from the second plane on
    where `later`, or `arrange(core, folder, monkeypatch)`. `told` is a pattern of what
    the terminal says, `note` what the table says beside it.
    """

    made_by: str = ""
    told: str = "all 4 volumes are taken"
    code: int = 0
    properties: dict[tuple[str, str], Any] = field(default_factory=dict)
    later: bool = False
    arrange: Any = None
    block: dict[str, Any] = field(default_factory=dict)
    autofocus: bool = False
    interval_s: float = 1.0
    stage: str = "back"
    light: str = "off"
    locked: bool = False
    note: str = ""


def _set(device, name, value, *more, later=False, **options):
    said = f"{device}-{name} = {value}" + (" from the second plane" if later else "")
    properties = {(device, name): value, **dict(more)}
    return Fault(said, properties=properties, later=later, **options)


class Broken:
    """An estimator that runs out of memory, or is slow."""

    def __init__(self, inner, what):
        self._inner, self._what = inner, what

    def __getattr__(self, name):
        return getattr(self._inner, name)

    def add(self, image, z_um):
        if self._what != "oom":
            time.sleep(self._what)
        elif self._inner.planes_taken == 2:
            msg = "CUDA out of memory (simulated)"
            raise torch.OutOfMemoryError(msg)
        return self._inner.add(image, z_um)


def _estimator(what):
    def arrange(core, folder, monkeypatch):
        monkeypatch.setattr(
            "rmz_acquire.experiments.estimators.make_estimator",
            lambda *args, **options: Broken(make_estimator(*args, **options), what),
        )

    return arrange


def _disk(what):
    def arrange(core, folder, monkeypatch):
        write, calls = Series.write, []

        def writing(self, *args):
            calls.append(1)
            if len(calls) == 7 and what == "gone":
                shutil.move(folder, folder.with_name("moved-away"))
            if len(calls) >= 7 and what == "full":
                raise OSError(28, "No space left on device")
            return write(self, *args)

        monkeypatch.setattr(Series, "write", writing)

    return arrange


def _rendered(core, folder, monkeypatch):
    """A specimen with noise: of a recorded one, frames may be equal."""
    core.setProperty("Camera", "SensorSize_px", 64)
    core.setProperty("Camera", "Photons_per_ms", 2000)
    core.setProperty("Camera", "Specimen", "beads")


def _locked(core, folder, monkeypatch):
    core.enableContinuousFocus(True)


# a scan that takes long enough for something to move meanwhile
_LONG = {"arrange": _estimator(0.2), "block": CHECKED, "interval_s": 3.0}
_EARLY = (("Z", "Settle_ms"), 100)
_SENT = "was sent to .* and stands at .* after 3 tries"
_LOCK = "the focus lock 'Autofocus'"
_LOST = "autofocus at position 1 failed 3 times: simulated fault: no reflection found"

FAULTS = {
    "none": Fault(),
    "none, looked at again": Fault(
        block=CHECKED, note="2 or 3 more exposures per volume"
    ),
    "backlash": _set("Z", "Backlash_um", 1, note=f"{BLIND}; `stage.approach_um`"),
    "backlash, looked at again": _set(
        "Z",
        "Backlash_um",
        1,
        told="depends on the side from which the stage comes .* backlash",
        block=CHECKED,
    ),
    "drift": _set("Z", "Drift_um_per_s", 2, note=f"{BLIND}; `autofocus_plan`"),
    "drift, looked at again": _set(
        "Z",
        "Drift_um_per_s",
        2,
        told="not what it was when the scan began .* focus drift, or a specimen",
        **_LONG,
    ),
    "jitter": _set("Z", "Jitter_um", 0.1, note="each plane is used at the z read back"),
    "jitter beyond the tolerance": _set(
        "Z", "Jitter_um", 5, later=True, told=_SENT, code=1, stage="beside"
    ),
    "ready before it has settled": _set(
        "Z", "BusyUntilSettled", "No", _EARLY, note=f"{BLIND}; `stage.settle_ms`"
    ),
    "ready before it has settled, looked at again": _set(
        "Z",
        "BusyUntilSettled",
        "No",
        _EARLY,
        told="went on changing while the stage stood .* raise stage.settle_ms",
        block={"checks": {"repeat": True, "rest_ms": 100}},
    ),
    "stage stuck": _set(
        "Z",
        "Stuck_probability",
        1,
        later=True,
        told=_SENT,
        code=1,
        stage="where it stuck",
    ),
    "stage sticks now and then": _set(
        "Z", "Stuck_probability", 0.2, note="sent again (`stage.retries`)"
    ),
    "position read back wrong": _set(
        "Z",
        "ReadWrong_probability",
        1,
        (("Z", "ReadWrong_um"), 3),
        later=True,
        told="was sent to .* and stands at",
        code=1,
    ),
    "z sign reversed": _set(
        "Z",
        "Inverted_probability",
        1,
        note="cannot be known from planes: the blur above and below is the same, so "
        "the volume is upside down; `rmz-acquire check-stage --specimen above` detects "
        "it",
    ),
    "dropped frame": _set(
        "Camera",
        "Drop_probability",
        1,
        later=True,
        told="the frame was dropped",
        code=1,
    ),
    "blank frame": _set(
        "Camera",
        "Blank_probability",
        0.3,
        told=r"the plane at z \S+ µm is blank: it has 100 counts in every pixel",
        note="never counts as convergence",
    ),
    "saturated frame": _set(
        "Camera",
        "Saturate_probability",
        0.3,
        told=r"the plane at z \S+ µm is saturated: 100\.0% of its pixels are at 65535",
        note="never counts as convergence if all pixels are",
    ),
    "frame handed out again": _set(
        "Camera",
        "Stale_probability",
        0.3,
        told=r"the plane at z \S+ µm is plane \d .*again, to the last bit",
        arrange=_rendered,
        note="taken again if planes are left; counts only as dose",
    ),
    "no new frames": _set(
        "Camera",
        "Stale_probability",
        1,
        later=True,
        told="is plane 1 again, to the last bit.* 3 times in a row",
        code=1,
        arrange=_rendered,
        note="`stale_frames: 3`",
    ),
    "late frame": _set(
        "Camera",
        "Late_probability",
        0.3,
        (("Camera", "Late_ms"), 700),
        told="time point 1 began .* s late",
    ),
    "camera that throws": _set(
        "Camera",
        "Throw_probability",
        1,
        later=True,
        told="the camera reports an error",
        code=1,
    ),
    "specimen that moves": _set(
        "Camera", "SpecimenSpeed_um_per_s", 2, note="`checks.repeat` detects it"
    ),
    "specimen that moves, looked at again": _set(
        "Camera",
        "SpecimenSpeed_um_per_s",
        2,
        told="not what it was when the scan began .* or a specimen that moves",
        note="moving up or down looks like drift",
        **_LONG,
    ),
    "shutter that sticks now and then": _set(
        "Epi Shutter", "Stick_probability", 0.3, note="closed again"
    ),
    "shutter that stays open": _set(
        "Epi Shutter",
        "Stick_probability",
        1,
        told="shutter 'Epi Shutter' is still open: switch the light off by hand",
        code=1,
        light="on",
    ),
    "autofocus lost": _set(
        "Reflection",
        "Lost_probability",
        1,
        later=True,
        told=_LOST,
        code=1,
        autofocus=True,
    ),
    "autofocus lost, autofocus_failure: continue": _set(
        "Reflection",
        "Lost_probability",
        1,
        later=True,
        told=_LOST,
        autofocus=True,
        block={"autofocus_failure": "continue"},
    ),
    "focus lock on": Fault(
        "Autofocus holds the focus",
        f"{_LOCK} was off for the scan, and is on again",
        arrange=_locked,
        locked=True,
        note="`focus_lock: refuse` refuses the experiment",
    ),
    "focus lock on, and does not come on again": _set(
        "Reflection",
        "Unlock_probability",
        1,
        later=True,
        told=rf"{_LOCK} cannot be switched on .*: switch it on by hand",
        code=1,
        arrange=_locked,
    ),
    "optics that are not the microscope's": Fault(
        "estimator wiener, `optics.na: 0.15`",
        "the planes are not what these optics give",
        block={"estimator": "wiener", "optics": {"na": 0.15}},
        note="`misfit: full` takes every plane, `stop` ends the scan; smaller "
        "errors are not detected",
    ),
    "disk full": Fault(
        "write() fails", "No space left on device", 1, arrange=_disk("full")
    ),
    "output folder gone": Fault(
        "folder moved", "the folder of the experiment is gone", 1, arrange=_disk("gone")
    ),
    "GPU out of memory": Fault(
        "add() fails", "CUDA out of memory", 1, arrange=_estimator("oom")
    ),
    "a slow model": Fault(
        "add() takes 0.25 s",
        "time point 1 began .* s late",
        arrange=_estimator(0.25),
    ),
}
