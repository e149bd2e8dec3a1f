"""Pictures that few blurred spots fit into: 63x/1.4, 96 pixels a side."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from small_scope import rms

from rmz_acquire.evaluation.held_out import simulate
from rmz_acquire.evaluation.positions import even_positions
from rmz_acquire.optics import Optics
from rmz_acquire.reconstruction import RichardsonLucyEstimator
from rmz_acquire.reconstruction.candidates import LAYERS, WIENER, Candidates
from rmz_acquire.reconstruction.choosing import Choice
from rmz_acquire.reconstruction.left_out import LeftOut, lines_of
from rmz_acquire.reconstruction.likelihood import Given, LayerStack, OtfLines
from rmz_acquire.simulation.specimens import make_specimen
from rmz_acquire.simulation.widefield import CameraModel, WideField

if TYPE_CHECKING:
    from numpy.typing import NDArray

OIL = Optics(na=1.4, immersion_index=1.515, wavelength_um=0.52, pixel_size_um=0.13)
Z_UM = np.arange(-5, 5.01, 0.5)


@cache
def nuclei(seed: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Truth and counts, (21, 96, 96)."""
    specimen = make_specimen("nuclei", seed, extent_um=(14, 24, 24), number=60)
    light = WideField(
        specimen,
        OIL,
        shape=(96, 96),
        z_range_um=(-7, 7),
        layer_um=0.5,
        margin_px=40,
    ).stack(list(Z_UM))
    light = light / np.percentile(light, 99.9)
    camera = CameraModel(photons=300.0, gain=0.5, offset=100.0, read_noise_e=1.6)
    noisy = camera.expose(light, 10.0, np.random.default_rng(seed))
    return camera.expected(light, 10.0), noisy.astype(np.float32)


@pytest.mark.slow
@pytest.mark.parametrize("m", [3, 5])
@pytest.mark.parametrize(("seed", "z_scale"), [(100, 1.0), (101, 0.7)])
def test_the_scale_that_is_true_is_found(seed: int, z_scale: float, m: int) -> None:
    truth, counts = nuclei(seed)
    stage_um = Z_UM / z_scale
    at = [int((i + 0.5) * len(Z_UM) / m) for i in range(m)]
    rest = [i for i in range(len(Z_UM)) if i not in at]
    estimator = RichardsonLucyEstimator(stage_um, OIL)
    made = estimator.add_all(counts[at], stage_um[at])
    assert estimator.z_scale == pytest.approx(z_scale, abs=0.05)
    assert estimator.wiener is not None
    ratio = rms((made - truth)[rest]) / rms((estimator.wiener - truth)[rest])
    assert 20 * np.log10(ratio) < 0.3


@pytest.mark.slow
@pytest.mark.parametrize(
    ("specimen", "z_scale", "dark"), [("nuclei", 1.0, 93.0), ("beads", 0.7, 95.0)]
)
def test_three_planes_tell_the_scale(
    specimen: str, z_scale: float, dark: float
) -> None:
    """By the plane left out alone it was 0.8 and 1.0, with dark levels as estimated."""
    optics = Optics(
        na=1.2, immersion_index=1.33, wavelength_um=0.52, pixel_size_um=0.1625
    )
    z_um = np.linspace(-35, 35, 31) / optics.blur_radius_px_per_um
    wide, deep = 96 * optics.pixel_size_um, float(np.ptp(z_um)) * z_scale
    radius = [times * optics.pixel_size_um for times in (4, 11)]
    options = {
        "nuclei": {"number": 250, "radius_um": radius, "haze": 0.0},
        "beads": {"per_1000_um3": 60_000 / (wide**2 * deep)},
    }
    stack = simulate(
        specimen,
        500,
        optics,
        z_um * z_scale,
        side_px=96,
        exposure_ms=50,
        options=options[specimen],
    )
    at = [int(i) for i in even_positions(31, 3)]
    light = torch.from_numpy(stack.counts[at].astype(np.float32)) - dark
    lines = lines_of(optics, tuple(z_um.tolist()))
    known = optics, torch.from_numpy(z_um), lines, (96, 96), torch.device("cpu")
    choice = Choice(LeftOut(*known))
    choice.learn(Given(light, tuple(z_um[at]), 1.5), 30.0, 3)
    assert choice.z_scale == z_scale


def left_out(pixels: int) -> LeftOut:
    z_um = torch.from_numpy(Z_UM)
    lines = OtfLines(OIL, LayerStack(OIL, z_um).reach_um)
    return LeftOut(OIL, z_um, lines, (pixels, pixels), torch.device("cpu"))


@pytest.mark.slow
def test_a_picture_as_small_as_its_border_tells_no_scale() -> None:
    assert not left_out(40).wide
    assert left_out(96).wide


def test_planes_of_few_spots_count_less() -> None:
    small, large = left_out(96), left_out(384)
    assert 0 < small.weight(0.0, (-4.0, 4.0)) < small.weight(0.0, (-2.0, 4.0)) < 1
    assert small.weight(0.0, (-0.5, 4.0)) == 1
    assert small.weight(0.0, (0.0,)) == 1
    assert large.weight(0.0, (-2.0, 2.0)) == 1


def test_what_counts_less_moves_the_shares_less() -> None:
    plane = np.random.default_rng(0).normal(size=(20, 20)).astype(np.float32)
    shares = []
    for weight in (1.0, 0.2, 0.01):
        candidates = Candidates()
        made = {LAYERS: 0.9 * plane, WIENER: 0.1 * plane}
        candidates.see(plane, made, 0.0, weight=weight)
        shares.append(candidates.shares[LAYERS])
    assert shares[0] > shares[1] > shares[2] > 2 / 3
    assert shares[2] == pytest.approx(2 / 3, abs=0.02)
