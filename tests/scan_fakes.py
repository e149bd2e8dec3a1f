"""A microscope on an array, a plain estimator and a recorder in memory, for tests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np

from rmz_acquire.scanning import (
    Estimate,
    Plane,
    Scan,
    ScanPlan,
    StopCalibration,
    conditions_of,
    take_planes,
)
from rmz_acquire.scanning.stop_calibration import hash_of

START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def blobs(z_um, *, shape=(24, 28), offset=100.0, bright=900.0, noise=2.0, seed=1):
    """A stack of a few blurred spots, uint16: smooth along z, light conserved."""
    rng = np.random.default_rng(seed)
    yy, xx = np.mgrid[: shape[0], : shape[1]]
    stack = np.zeros((len(z_um), *shape))
    low, high = z_um[0], z_um[-1]
    for _ in range(5):
        z0 = rng.uniform(low, high)
        y0, x0 = rng.uniform(5, shape[0] - 5), rng.uniform(5, shape[1] - 5)
        for i, z in enumerate(z_um):
            width = 1.5 + 6 * abs(z - z0) / (high - low)
            r2 = (yy - y0) ** 2 + (xx - x0) ** 2
            stack[i] += 2.25 / width**2 * np.exp(-r2 / (2 * width**2))
    stack = offset + bright * stack + rng.normal(0, noise, stack.shape)
    return stack.round().clip(0, 65535).astype(np.uint16)


def plane(
    image=None,
    z_um=0.0,
    *,
    requested=None,
    exposure_ms=10.0,
    index=0,
    noise_free=False,
):
    if image is None:
        image = blobs([0.0, 10.0])[0] + index
    return Plane(
        image=np.asarray(image),
        z_um=z_um,
        z_requested_um=z_um if requested is None else requested,
        exposure_ms=exposure_ms,
        stage_ms=2.0,
        camera_ms=12.0,
        time=START + timedelta(seconds=index),
        noise_free=noise_free,
    )


class LinearEstimator:
    """Linear interpolation along z, with everything that the Protocol promises."""

    name = "fake-linear"

    def __init__(self, z_um):
        self.z_um = np.asarray(z_um, dtype=np.float64)
        self.volume = None
        self._planes = {}
        self._count = 0

    @property
    def planes_taken(self):
        return self._count

    def _at(self, z_um):
        known = sorted(self._planes)
        images = np.stack([self._planes[z] for z in known])
        flat = images.reshape(len(known), -1)
        out = np.empty((len(z_um), flat.shape[1]), np.float32)
        for i, z in enumerate(z_um):
            j = int(np.clip(np.searchsorted(known, z), 1, max(len(known) - 1, 1)))
            if len(known) == 1:
                out[i] = flat[0]
                continue
            a, b = known[j - 1], known[j]
            weight = float(np.clip((z - a) / (b - a), 0, 1))
            out[i] = (1 - weight) * flat[j - 1] + weight * flat[j]
        return out.reshape(len(z_um), *images.shape[1:])

    def add(self, image, z_um):
        before = self.volume
        innovation = None
        if before is not None:
            error = self._at([z_um])[0] - image
            signal = image.astype(float) - np.percentile(image, 1)
            innovation = float(np.sqrt(np.mean(error**2) / np.mean(signal**2)))
        self._planes[float(z_um)] = image.astype(np.float32)
        self._count += 1
        self.volume = self._at(self.z_um)
        delta = relative = None
        if before is not None:
            delta = float(np.linalg.norm(self.volume - before))
            above = self.volume - np.percentile(self.volume, 1)
            relative = delta / float(np.linalg.norm(above))
        taken = np.array(list(self._planes))
        gap = np.abs(self.z_um[:, None] - taken[None]).min(axis=1).max()
        return Estimate(self.volume, delta, relative, innovation, float(gap), 0.003)

    def describe(self):
        return {
            "estimator": self.name,
            "model": None,
            "model_sha256": None,
            "optics": None,
        }


class ScriptedEstimator:
    """Gives the changes it was told to, whatever the planes show."""

    name = "scripted"

    def __init__(self, z_um, changes, gap_um=0.0):
        self.z_um = np.asarray(z_um, dtype=np.float64)
        self.volume = None
        self.planes_taken = 0
        self._changes = list(changes)
        self._gap_um = gap_um

    def add(self, image, z_um):
        change = self._changes[min(self.planes_taken, len(self._changes) - 1)]
        if isinstance(change, BaseException):
            raise change
        first = self.planes_taken == 0
        self.planes_taken += 1
        self.volume = np.zeros((len(self.z_um), *image.shape), np.float32)
        relative = None if first else change
        return Estimate(
            self.volume,
            None if relative is None else 1000 * relative,
            relative,
            None if first else 0.5,
            self._gap_um,
            0.001,
        )

    def describe(self):
        return {"estimator": self.name, "model": None, "model_sha256": None}


class ArrayMicroscope:
    """Takes the plane of a stack that is nearest to the z asked for."""

    def __init__(self, stack, z_um, *, fail_at=None, error=None, on_capture=None):
        self.stack = stack
        self.z_um = np.asarray(z_um)
        self.captures = []
        self.entered = 0
        self.left = 0
        self._fail_at = fail_at
        self._error = error or RuntimeError("the camera is gone")
        self._on_capture = on_capture

    def __enter__(self):
        self.entered += 1
        return self

    def __exit__(self, kind, error, trace):
        self.left += 1
        return None

    def capture(self, z_um):
        if self._on_capture is not None:
            self._on_capture(len(self.captures))
        if self._fail_at == len(self.captures):
            raise self._error
        i = int(np.argmin(np.abs(self.z_um - z_um)))
        self.captures.append(z_um)
        return plane(
            self.stack[i],
            float(self.z_um[i]),
            requested=z_um,
            index=len(self.captures) - 1,
            noise_free=True,
        )


class MemoryRecorder:
    """Keeps the order in which things came."""

    def __init__(self):
        self.log = []
        self.planes = []
        self.decisions = []
        self.outcome = None
        self.volume = None

    def write_plane(self, plane, index):
        self.log.append(("plane", index))
        self.planes.append(plane)

    def write_decision(self, decision):
        self.log.append(("decision", decision.index))
        self.decisions.append(decision)

    def finish(self, outcome, volume):
        self.log.append(("finish", outcome.status))
        self.outcome = outcome
        self.volume = volume


Z_UM = np.linspace(0, 12, 25)
STACK = blobs(Z_UM)


def a_scan(changes=(None, 0.5, 0.4, 0.3, 0.2), *, plan=None, **kw):
    plan = plan or ScanPlan.from_grid(Z_UM, epsilon=0.05, max_planes=8, audit=0)
    return Scan(plan, ScriptedEstimator(plan.z_um, changes), **kw)


def shown(scan, z_um=None):
    """The plane that the scan asks for."""
    z_um = scan.next_z() if z_um is None else z_um
    i = int(np.argmin(np.abs(Z_UM - z_um)))
    return plane(STACK[i], z_um, index=scan.planes_taken)


def run_scan(scan, microscope, recorder):
    """Take all planes of a scan, and finish the recorder."""
    outcome = take_planes(scan, microscope, recorder)
    recorder.finish(outcome, scan.volume)
    return outcome


def target_card(plan, optics=None, shape=(24, 28), **changes):
    """A calibration of the linear estimator, as if it had been found."""
    conditions = conditions_of(
        plan, estimator="linear", model_sha256=None, optics=optics, shape=shape
    )
    told = {
        "target_nrmse": 0.2,
        "alpha": 0.1,
        "confidence": 0.9,
        "threshold": 0.3,
        "n": 30,
        "failures": 0,
        "mean_planes": 5.0,
        "planes_full_scan": len(plan.z_um),
        "families": {"blobs": 30},
        "sources": [],
        "conditions": conditions,
        "sha256": hash_of(conditions),
    }
    return StopCalibration(**{**told, **changes})
