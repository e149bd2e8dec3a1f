"""Of every output plane: measured or not, how far, how wrong it is expected to be."""

from __future__ import annotations

import math

import numpy as np
import pytest

from rmz_acquire.scanning import FrameFacts, Observation
from rmz_acquire.scanning.output_planes import OutputPlanes

FRAME = FrameFacts("", False, True, 100.0, 200.0, 900.0, 0.0)
GRID = np.linspace(0, 10, 21)


def seen(z_um, missed=None, *, told=None, light=100.0, by="policy"):
    relative = None if missed is None else missed / light
    return Observation(
        z_um,
        z_um,
        FRAME,
        None,
        None,
        relative,
        0.0,
        by,
        None if told is None else tuple(told),
        None,
        missed,
    )


def test_measured_planes_and_distances_are_those_of_the_stage() -> None:
    # 5.1 is nearest to 5.0; 12 is none of the grid; 2 was taken a time point ago
    known = OutputPlanes.of(GRID, [seen(5.1), seen(12.0)], carried_z_um=[2.0])
    assert [
        z for z, is_so in zip(known.z_um, known.measured, strict=True) if is_so
    ] == [5.0]
    expected = np.abs(GRID[:, None] - [5.1, 12.0, 2.0]).min(1)
    np.testing.assert_allclose(known.nearest_um, expected)
    # the first plane was predicted by nothing
    assert known.predicted_error is None and known.spread is None


def test_an_error_that_is_told_too_small_is_scaled_by_what_was_missed() -> None:
    told = 1 + np.abs(np.sin(GRID))
    taken = [seen(0.0, told=told)]
    for z_um in (10.0, 5.0, 2.5, 7.5):
        factor = np.interp(z_um, GRID, told)
        away = min(abs(one.z_um - z_um) for one in taken)
        missed = 3.0 * math.sqrt(factor * away**0.7)
        taken.append(seen(z_um, missed, told=told))
    away = np.maximum(np.abs(GRID[:, None] - [p.z_um for p in taken]).min(1), 0.25)
    known = OutputPlanes.of(GRID, taken)
    expected = 3.0 * np.sqrt(told * away**0.7) / 100
    np.testing.assert_allclose(known.predicted_error, expected, rtol=1e-6)


def test_where_nothing_is_told_it_grows_with_the_distance_as_it_did() -> None:
    taken = [seen(5.0)]
    for z_um in (0.0, 10.0, 2.5, 7.5, 1.5):
        away = min(abs(one.z_um - z_um) for one in taken)
        taken.append(seen(z_um, 2 * away))
    error = dict(zip(GRID, OutputPlanes.of(GRID, taken).predicted_error, strict=True))
    # a power between the usual one and the one seen, here 1
    assert 0.75 < math.log2(error[9.0] / error[9.5]) < 1
    # half a step from a plane is as near as it is told
    assert error[2.5] < error[9.5] < error[9.0] < 0.05


def test_a_plane_drawn_by_chance_counts_for_more() -> None:
    def error(by: str) -> float:
        taken = [seen(5.0), seen(0.0, 10.0), seen(10.0, 40.0, by=by)]
        return OutputPlanes.of(GRID, taken).predicted_error[2]

    assert error("audit") > 1.1 * error("policy")


def test_what_is_not_known_is_null_in_files_and_comes_back() -> None:
    taken = [seen(0.0), seen(10.0, 20.0, told=[math.nan] * 21), seen(5.0, 10.0)]
    known = OutputPlanes.of(GRID, taken)
    line = known.to_dict()
    assert line["measured"][0] is True and line["spread"] is None
    assert None not in line["predicted_error"]
    back = OutputPlanes.of_line(line)
    assert back.by_plane[3].keys() == known.by_plane[3].keys()
    assert back.predicted_error == pytest.approx(known.predicted_error, rel=1e-5)
    assert OutputPlanes.of_line(None) is None
    assert OutputPlanes.of(GRID, []).to_dict()["nearest_um"] == [None] * 21


def test_places_and_errors_are_enough_for_planes_on_disk() -> None:
    known = OutputPlanes.of_places(GRID, [0.0, 10.0, 5.0], [None, 0.4, 0.2])
    assert known.predicted_error[5] > known.predicted_error[1] > 0
    assert OutputPlanes.of_places(GRID, [5.0], [None]).predicted_error is None


def test_an_estimator_of_somebody_else_need_tell_a_ratio_alone() -> None:
    def ratio(z_um, innovation, told=None):
        return Observation(
            z_um, z_um, FRAME, None, None, innovation, 0.0, "policy", None, told
        )

    taken = [ratio(0.0, None), ratio(10.0, 0.4), ratio(5.0, 0.2, told=(1.0, 2.0))]
    known = OutputPlanes.of(GRID, taken)
    places = OutputPlanes.of_places(GRID, [0.0, 10.0, 5.0], [None, 0.4, 0.2])
    assert known.predicted_error == places.predicted_error
    # a curve that is not one of the grid is none
    assert known.spread is None
