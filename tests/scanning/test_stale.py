"""A frame that comes twice: told, not counted, taken again, in the end a failure."""

from __future__ import annotations

import numpy as np
import pytest
from scan_fakes import STACK, Z_UM, LinearEstimator, ScriptedEstimator, plane

from rmz_acquire.scanning import RecentFrames, Scan, ScanPlan, fault_of, look_at

AGAIN = "again, to the last bit"


def a_scan(frames=None, estimator=LinearEstimator, **options):
    options = {"epsilon": 1e-9, "audit": 0} | options
    plan = ScanPlan.from_grid(Z_UM, **options)
    return Scan(plan, estimator(plan.z_um), frames=frames)


def scripted(z_um):
    return ScriptedEstimator(z_um, [None, 0.5])


def fresh(z_um):
    return STACK[int(np.argmin(np.abs(Z_UM - z_um)))]


def run(scan, camera=None, **options):
    """Run a scan whose camera turns the right frame into another one."""
    shown = []
    while (z_um := scan.next_z()) is not None:
        image = fresh(z_um) if camera is None else camera(fresh(z_um), shown)
        shown.append(image)
        scan.observe(plane(image, z_um, index=len(shown), **options))
    return scan


def stuck(*numbers):
    """Give the frame before it at these exposures, from 1."""
    return lambda image, shown: shown[-1] if len(shown) + 1 in numbers else image


def unused(scan):
    return [d.index + 1 for d in scan.decisions if not d.used]


def test_new_frames_are_all_used():
    scan = run(a_scan(max_planes=8))
    assert not unused(scan) and all(d.frame is None for d in scan.decisions)


def test_one_that_comes_twice_is_told_and_its_plane_taken_again():
    scan = run(a_scan(max_planes=8), stuck(3))
    once = scan.decisions[2]
    assert once.frame == f"is plane 2 {AGAIN}: the camera gave no new frame"
    assert "does not count, the plane is taken again" in once.reason
    assert once.delta is None and once.gap_um is None and not once.used
    assert scan.decisions[3].z_requested_um == once.z_requested_um
    assert unused(scan) == [3]
    # its light was spent: the budget is that of exposures
    assert scan.planes_taken == 8 and scan.outcome.status == "max_planes"
    # and the volume is that of the others alone
    other = run(a_scan(max_planes=7))
    np.testing.assert_array_equal(scan.volume, other.volume)


def test_it_counts_towards_no_stop():
    """Neither as one of the least planes, nor as one that was near a z."""
    lenient = {"epsilon": 1e9, "min_planes": 4, "max_gap_um": 100}
    assert run(a_scan(**lenient)).planes_taken == 4
    scan = run(a_scan(**lenient), stuck(3, 4))
    assert scan.outcome.status == "converged" and scan.planes_taken == 6
    # the last but one is old: it does not stop at once
    scan = run(a_scan(**lenient), stuck(4))
    assert scan.planes_taken == 5 and scan.decisions[3].decision == "continue"


@pytest.mark.parametrize("limit", [1, 2, 3, 5])
def test_so_many_in_a_row_are_a_failure(limit):
    scan = run(a_scan(stale_frames=limit), lambda image, shown: (shown or [image])[0])
    assert scan.outcome.status == "failed"
    assert scan.planes_taken == 1 + limit
    times = f"{limit} time{'' if limit == 1 else 's'} in a row"
    assert times in scan.outcome.error and AGAIN in scan.outcome.error
    assert all(AGAIN in d.frame for d in scan.decisions[1:])
    assert scan.decisions[-1].decision == "stop"


def test_every_other_one_is_no_row():
    scan = run(a_scan(max_planes=10), stuck(2, 4, 6, 8, 10))
    assert unused(scan) == [2, 4, 6, 8, 10]
    assert scan.outcome.status == "max_planes"
    assert "the most planes allowed, 10, are taken" in scan.outcome.reason


@pytest.mark.parametrize("ring", [2, 3, 4])
def test_a_ring_of_buffers_that_turns_for_ever(ring):
    def camera(image, shown):
        return image if len(shown) < ring else shown[len(shown) % ring]

    scan = run(a_scan(), camera)
    assert scan.outcome.status == "failed" and scan.planes_taken == ring + 3
    assert scan.decisions[ring].frame.startswith("is plane 1 again")


def test_a_list_is_taken_whole_all_the_same():
    z_um = (9.0, 0.5, 4.0, 2.0)
    scan = run(a_scan(z_exact_um=z_um), stuck(2, 5, 6))
    assert scan.outcome.status == "list_done"
    counted = [d.z_requested_um for d in scan.decisions if d.used]
    assert tuple(counted) == z_um and unused(scan) == [2, 5, 6]


def test_planes_asked_for_and_further_ones():
    scan = a_scan(max_planes=4)
    scan.ask(7.5)
    scan.go_on(6)
    run(scan, stuck(3, 6))
    assert unused(scan) == [3, 6]
    assert scan.planes_taken == 6


def test_without_a_plane_that_counts_there_is_nothing_to_end_with():
    frames = RecentFrames().begin("t 0")
    first = a_scan(frames, max_planes=1)
    run(first)
    frames.begin("t 1")
    scan = run(a_scan(frames, max_planes=1), lambda *_: fresh(Z_UM[12]))
    assert scan.outcome.status == "failed" and scan.volume is None
    assert "is plane 1 of t 0 again" in scan.outcome.error


def test_a_few_pixels_make_a_new_frame():
    def camera(image, shown):
        if not shown:
            return image
        other = shown[0].copy()
        other[3, 3 + len(shown)] += 1
        return other

    assert not unused(run(a_scan(max_planes=6), camera))


NOTHING = {
    "dark": np.full((24, 28), 100, np.uint16),
    "zero": np.zeros((24, 28), np.uint16),
    "noise": (100 + np.random.default_rng(1).normal(0, 3, (24, 28))).astype(np.uint16),
}
FULL = {
    "everywhere": np.full((24, 28), 65535, np.uint16),
    # nothing between black and white is left that noise could change
    "in a part": np.where(np.arange(28) < 12, 65535, 0)
    .astype(np.uint16)
    .repeat(24)
    .reshape(28, 24)
    .T.copy(),
}


@pytest.mark.parametrize("name", NOTHING)
def test_equal_frames_without_anything_in_them_are_blank_and_no_more(name):
    scan = run(a_scan(estimator=scripted, max_planes=6), lambda *_: NOTHING[name])
    assert scan.outcome.status == "max_planes" and not unused(scan)
    assert all(d.frame.startswith("is blank") for d in scan.decisions)


@pytest.mark.parametrize("name", FULL)
def test_equal_frames_that_are_cut_off_are_saturated_and_no_more(name):
    scan = run(a_scan(estimator=scripted, max_planes=6), lambda *_: FULL[name])
    assert scan.outcome.status == "max_planes" and not unused(scan)
    assert all(d.frame.startswith("is saturated") for d in scan.decisions)


def test_a_saturated_frame_whose_other_pixels_come_again_is_an_old_one():
    bright = (STACK[5].astype(int) * 400).clip(0, 65535).astype(np.uint16)
    assert "saturated" in fault_of(look_at(bright))
    scan = run(a_scan(), lambda *_: bright)
    assert "saturated" in scan.decisions[0].frame
    assert AGAIN in scan.decisions[1].frame


def test_of_a_camera_without_noise_equality_proves_nothing():
    same = lambda *_: STACK[3]  # noqa: E731
    assert not unused(run(a_scan(max_planes=6), same, noise_free=True))
    assert not unused(run(a_scan(max_planes=6, stale_frames=0), same))


def test_frames_of_the_volume_before_are_known_and_of_a_run_before_are_not():
    frames = RecentFrames().begin("t 0 GFP")
    run(a_scan(frames, z_exact_um=(9.0,)))
    scan = a_scan(frames.begin("t 0 RFP"), z_exact_um=(2.0,))
    scan.next_z()
    assert scan.observe(plane(fresh(9.0), 2.0)).frame.startswith(
        "is plane 1 of t 0 GFP again"
    )
    frames.skip(RecentFrames.REMEMBERED - 1)
    scan = a_scan(frames, z_exact_um=(2.0,))
    scan.next_z()
    assert not scan.observe(plane(fresh(9.0), 2.0)).used
    frames.skip(RecentFrames.REMEMBERED)
    scan = a_scan(frames, z_exact_um=(2.0,))
    scan.next_z()
    assert scan.observe(plane(fresh(9.0), 2.0)).used


def test_planes_that_are_only_given_again_fail_nothing():
    scan = a_scan(max_planes=8)
    with scan.replaying():
        for number in range(6):
            z_um = scan.next_z()
            scan.observe(plane(STACK[3], z_um, index=number))
    assert scan.outcome is None and unused(scan) == [2, 3, 4, 5, 6]
    # and the count begins anew with what is taken now
    scan.observe(plane(STACK[3], scan.next_z(), index=6))
    assert scan.outcome is None
