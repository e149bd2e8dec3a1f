"""A recorded stack in the place of a microscope."""

from __future__ import annotations

import numpy as np
import pytest
from scan_fakes import LinearEstimator, MemoryRecorder, blobs, run_scan

from rmz_acquire.errors import InputError
from rmz_acquire.scanning import Microscope, Scan, ScanPlan
from rmz_acquire.simulation.recorded import RecordedMicroscope

Z_UM = np.linspace(0, 6, 13)


def test_it_gives_the_nearest_plane_and_its_own_z():
    stack = blobs(Z_UM)
    microscope = RecordedMicroscope(stack, Z_UM)
    assert isinstance(microscope, Microscope)
    plane = microscope.capture(1.7)
    np.testing.assert_array_equal(plane.image, stack[3])
    assert plane.image.dtype == stack.dtype
    assert (plane.z_um, plane.z_requested_um) == (1.5, 1.7)
    assert plane.exposure_ms is plane.stage_ms is plane.camera_ms is None
    plane.image[:] = 0
    assert stack[3].any()


def test_a_scan_over_it():
    plan = ScanPlan.from_grid(Z_UM, max_planes=5, epsilon=1e-9)
    scan = Scan(plan, LinearEstimator(Z_UM))
    recorder = MemoryRecorder()
    outcome = run_scan(scan, RecordedMicroscope(blobs(Z_UM), Z_UM), recorder)
    assert outcome.status == "max_planes" and len(recorder.planes) == 5
    assert recorder.volume.shape == (13, 24, 28)


@pytest.mark.parametrize(
    ("stack", "z_um", "message"),
    [
        (np.zeros((24, 28)), Z_UM, "not an array of 24 × 28"),
        (np.zeros((1, 24, 28)), [0.0], "two planes or more"),
        (np.zeros((13, 24, 28)), Z_UM[:-1], "13 planes have 12 z positions"),
        (np.zeros((13, 24, 28)), Z_UM[::-1], "must be finite and ascend"),
        (np.zeros((2, 24, 28)), [0.0, np.nan], "must be finite and ascend"),
    ],
)
def test_what_does_not_go_together_is_refused(stack, z_um, message):
    with pytest.raises(InputError, match=message):
        RecordedMicroscope(stack, z_um)


def test_a_z_outside_the_stack_is_refused():
    microscope = RecordedMicroscope(blobs(Z_UM), Z_UM)
    microscope.capture(6.25)
    with pytest.raises(InputError, match="outside the stack, 0 to 6 µm"):
        microscope.capture(6.5)
