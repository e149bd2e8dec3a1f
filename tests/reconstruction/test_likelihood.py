"""Steps over object layers, against dense algebra and a general optimiser."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.optimize import minimize
from small_scope import AIR

from rmz_acquire.optics import otf
from rmz_acquire.reconstruction.likelihood import (
    Blur,
    CameraFloor,
    Data,
    Given,
    LayerStack,
    Levels,
    ObjectLayers,
    OtfLines,
    Seen,
    ascend,
    few_threads,
    from_nothing,
    go_on,
    log_likelihood,
)
from rmz_acquire.reconstruction.likelihood.fourier import backward, forward
from rmz_acquire.reconstruction.likelihood.groups import Thinning
from rmz_acquire.simulation.widefield import CameraModel

CPU = torch.device("cpu")
GRID = torch.linspace(-4, 4, 9, dtype=torch.float64)


def layers_on(shape: tuple[int, int], grid: torch.Tensor = GRID) -> ObjectLayers:
    stack = LayerStack(AIR, grid)
    return ObjectLayers(OtfLines(AIR, stack.reach_um), stack, shape, 1, CPU)


def dense(layers: ObjectLayers, z_um: list[float]) -> np.ndarray:
    """(planes · pixels, layers · pixels) matrix of the blurs, from `otf` itself."""
    shape = layers.shape
    rows, columns = np.indices(shape).reshape(2, -1)
    down = (rows[:, None] - rows[None]) % shape[0]
    right = (columns[:, None] - columns[None]) % shape[1]
    blocks = []
    for z in z_um:
        spots = np.fft.irfft2(otf(AIR, z - layers.depths_um, shape).numpy(), s=shape)
        blocks.append(np.concatenate([spot[down, right] for spot in spots], axis=1))
    return np.concatenate(blocks)


def scene(
    rng: np.random.Generator, shape: tuple[int, int], at: list[float], points: int = 5
) -> tuple[ObjectLayers, Blur, Seen]:
    layers = layers_on(shape)
    light = torch.zeros(len(layers.depths_um), *shape)
    for _ in range(points):
        place = [rng.integers(2, n - 2) for n in light.shape]
        light[tuple(place)] += float(rng.uniform(2000, 5000))
    blur = Blur(layers, at)
    planes = layers.project(light, blur).clamp_min(0).numpy()
    weight = torch.zeros(shape)
    weight[2:-2, 2:-2] = 1
    noisy = torch.from_numpy(rng.poisson(planes).astype(np.float32))
    return layers, blur, Seen(noisy * weight, weight, 3.0)


def test_planes_are_those_of_dense_algebra(rng: np.random.Generator) -> None:
    layers, at = layers_on((9, 10)), [-3.3, 0.0, 1.5]
    light = torch.from_numpy(
        rng.gamma(1, 50, (len(layers.depths_um), 9, 10)).astype(np.float32)
    )
    wanted = (dense(layers, at) @ light.numpy().ravel()).reshape(3, 9, 10)
    found = layers.project(light, Blur(layers, at))
    np.testing.assert_allclose(found, wanted, rtol=2e-3)
    # an even grid is rendered from a table
    rendered = layers.render(light, GRID)
    again = layers.project(light, Blur(layers, GRID.tolist()))
    torch.testing.assert_close(rendered, again, rtol=2e-3, atol=0.01)
    # and one that is uneven is not
    uneven = torch.tensor([-4.0, -1.3, 0.2, 4.0], dtype=torch.float64)
    other = layers_on((9, 10), uneven)
    assert other.stack.step_um == 0
    dark = torch.full((len(other.depths_um), 9, 10), 2.0)
    np.testing.assert_allclose(other.render(dark, uneven), 2.0 * len(dark), rtol=1e-4)


def test_many_steps_reach_the_most_likely_light(rng: np.random.Generator) -> None:
    shape, at = (10, 9), [-2.0, 2.0]
    layers, blur, seen = scene(rng, shape, at)
    matrix = dense(layers, at)
    data = (seen.light + seen.shift).numpy().ravel().astype(np.float64)
    weight = np.tile(seen.weight.numpy().ravel(), 2)

    def cost(x: np.ndarray) -> tuple[float, np.ndarray]:
        predicted = matrix @ x + seen.shift
        value = -(weight * (data * np.log(predicted) - predicted)).sum()
        return value, -matrix.T @ (weight * (data / predicted - 1))

    begin = np.full(matrix.shape[1], 10.0)
    best = minimize(
        cost,
        begin,
        jac=True,
        bounds=[(1e-6, None)] * len(begin),
        options={"maxiter": 4000, "maxfun": 8000},
    )
    start = torch.full((len(layers.depths_um), *shape), 10.0)
    found = ascend(layers, blur, seen, start, 1500)
    first = log_likelihood(layers, blur, seen, start)
    reached = log_likelihood(layers, blur, seen, found)
    assert reached > -best.fun - 1e-3 * (-best.fun - first)
    # what is seen of the light is the same, although the light may not be
    theirs = (matrix @ best.x).reshape(2, *shape)[:, 2:-2, 2:-2]
    ours = layers.project(found, blur)[:, 2:-2, 2:-2].numpy()
    assert np.abs(ours - theirs).max() < 0.05 * theirs.max()


@pytest.mark.parametrize("at", [[0.0], [-3.0, 0.4, 2.5]])
def test_likelihood_never_falls_without_momentum(
    rng: np.random.Generator, at: list[float]
) -> None:
    layers, blur, seen = scene(rng, (24, 20), at, points=40)
    steps: list[float] = []
    start = torch.full((len(layers.depths_um), 24, 20), 10.0)
    ascend(
        layers,
        blur,
        seen,
        start,
        60,
        momentum=False,
        watch=lambda _, now: steps.append(log_likelihood(layers, blur, seen, now)),
    )
    rise = np.diff([log_likelihood(layers, blur, seen, start), *steps])
    assert len(steps) == 60
    assert rise.min() > -1e-6 * abs(steps[-1])
    assert rise[0] > 0


def test_momentum_is_faster(rng: np.random.Generator) -> None:
    layers, blur, seen = scene(rng, (24, 20), [-3.0, 0.4, 2.5], points=40)
    start = torch.full((len(layers.depths_um), 24, 20), 10.0)
    with_it, without = (
        log_likelihood(
            layers, blur, seen, ascend(layers, blur, seen, start, 40, momentum=m)
        )
        for m in (True, False)
    )
    longer = ascend(layers, blur, seen, start, 120, momentum=False)
    assert with_it > without
    assert with_it > log_likelihood(layers, blur, seen, longer)


def test_a_step_keeps_the_light(rng: np.random.Generator) -> None:
    """Where all is seen, the planes predicted hold as much light as those taken."""
    layers, at = layers_on((24, 20)), [-3.0, 0.4, 2.5]
    blur = Blur(layers, at)
    planes = torch.from_numpy(rng.gamma(1, 300, (3, 24, 20)).astype(np.float32))
    seen = Seen(planes, torch.ones(24, 20), 1e-4)
    n = len(layers.depths_um)
    start = torch.full((n, 24, 20), float(planes.mean()) / n)
    for steps in (1, 7):
        made = ascend(layers, blur, seen, start, steps, momentum=False)
        total = layers.project(made, blur).sum()
        assert float(total) == pytest.approx(float(planes.sum()), rel=2e-4)


def test_bright_sparse_beads_do_not_diverge(rng: np.random.Generator) -> None:
    """With momentum and corrections unbounded above they do."""
    layers = layers_on((48, 48))
    light = torch.zeros(len(layers.depths_um), 48, 48)
    for _ in range(4):
        light[
            rng.integers(2, len(light) - 2), rng.integers(8, 40), rng.integers(8, 40)
        ] = 2e6
    blur = Blur(layers, [-3.0, 0.0, 3.0])
    planes = torch.poisson(
        layers.project(light, blur).clamp_min(0) + 0.5,
        generator=torch.Generator().manual_seed(5),
    )
    weight = torch.zeros(48, 48)
    weight[4:-4, 4:-4] = 1
    seen = Seen(planes * weight, weight, 1.0)
    course: list[float] = []
    start = torch.full_like(light, float(planes.mean()) / len(light))
    made = ascend(
        layers,
        blur,
        seen,
        start,
        300,
        watch=lambda _, now: course.append(log_likelihood(layers, blur, seen, now)),
    )
    assert torch.isfinite(made).all() and (made >= 0).all()
    best = log_likelihood(layers, blur, seen, light)
    gone = [(best - x) / abs(best - course[0]) for x in course]
    assert gone[-1] < 0.01
    assert max(gone[150:]) < 0.05


@pytest.mark.parametrize("shape", [(1, 1), (5, 40), (61, 64), (130, 133)])
def test_levels_cover_the_same_ground(
    rng: np.random.Generator, shape: tuple[int, int]
) -> None:
    stack = LayerStack(AIR, GRID)
    levels = Levels(OtfLines(AIR, stack.reach_um), stack, shape, CPU)
    planes = torch.from_numpy(rng.uniform(1, 5, (2, *shape)).astype(np.float32))
    whole = levels.at(1).shape
    for binning in (1, 2, 4):
        height, width = levels.at(binning).shape
        assert (height * binning, width * binning) == whole
        seen = levels.seen(planes, 3.0, binning)
        # all the light is there, weighed by what is seen of each pixel
        light = float((seen.light * seen.weight).sum()) * binning**2
        assert light == pytest.approx(float(planes.sum()), rel=1e-5)
        weight = float(seen.weight.sum()) * binning**2
        assert weight == pytest.approx(shape[0] * shape[1], rel=1e-5)
    held = levels.seen(planes, 3.0, 1).light
    torch.testing.assert_close(levels.picture(held), planes)


def test_layers_reach_beyond_both_ends_and_match_the_grid() -> None:
    for step, n in ((0.1, 101), (0.5, 61), (3.0, 5)):
        grid = torch.arange(n, dtype=torch.float64) * step
        stack = LayerStack(AIR, grid)
        depths = stack.depths_um
        spacing = float(depths[1] - depths[0])
        assert spacing <= AIR.depth_of_field_um
        assert depths[0] < grid[0] - AIR.depth_of_field_um
        assert depths[-1] > grid[-1] + AIR.depth_of_field_um
        # every difference is on the table's steps
        off = (grid[:, None] - depths[None]) / stack.step_um
        assert float((off - off.round()).abs().max()) < 1e-6
    # what layers leave of planes is comparable from one scale of z to another
    scaled = LayerStack(AIR, grid, z_scale=0.5)
    assert torch.equal(scaled.depths_um, stack.depths_um)
    assert scaled.reach_um == pytest.approx(stack.reach_um / 2)


def test_layers_go_on_to_what_they_would_be_from_nothing(
    rng: np.random.Generator,
) -> None:
    stack = LayerStack(AIR, GRID)
    levels = Levels(OtfLines(AIR, stack.reach_um), stack, (40, 44), CPU)
    truth = layers_on((40, 44))
    light = torch.zeros(len(truth.depths_um), 40, 44)
    for _ in range(40):
        light[tuple(rng.integers(3, n - 3) for n in light.shape)] = 3e4
    at = [-3.0, 3.0, 0.0]
    planes = torch.poisson(
        truth.project(light, Blur(truth, at)).clamp_min(0),
        generator=torch.Generator().manual_seed(2),
    )
    steps = ((4, 60), (2, 30), (1, 10))
    ours = Data(levels)
    ours.see(Given(planes[:2], tuple(at[:2]), 3.0))
    before = from_nothing(ours, steps)
    ours.see(Given(planes, tuple(at), 3.0))
    after = go_on(ours, ((4, 40), (2, 20), (1, 4)), before)
    theirs = Data(levels)
    theirs.see(Given(planes, tuple(at), 3.0))
    fresh = from_nothing(theirs, steps)

    def fit(made: torch.Tensor) -> float:
        seen = theirs.seen(1)
        return log_likelihood(levels.at(1), theirs.blur(1), seen, made)

    flat = torch.full_like(before, float(before.mean()))
    assert fit(before) < fit(after)
    assert fit(after) - fit(flat) > 0.95 * (fit(fresh) - fit(flat))


@pytest.mark.parametrize("sharp", [False, True])
def test_steps_end_where_only_noise_is_left_on_the_finer_grid_too(
    rng: np.random.Generator, sharp: bool
) -> None:
    stack = LayerStack(AIR, GRID)
    levels = Levels(OtfLines(AIR, stack.reach_um), stack, (48, 48), CPU)
    y, x = np.mgrid[:48, :48]
    light = np.zeros((48, 48))
    if sharp:
        light[rng.integers(4, 44, 12), rng.integers(4, 44, 12)] = 500
    else:
        light += 30 * np.exp(-((y - 20) ** 2 + (x - 28) ** 2) / 150)
    stacked = torch.zeros(len(stack.depths_um), 48, 48)
    stacked[len(stacked) // 2] = torch.from_numpy(light)
    at = (-2.0, 0.0, 2.0)
    truth = layers_on((48, 48))
    planes = truth.project(stacked, Blur(truth, at)).clamp_min(0)
    noisy = torch.from_numpy(rng.poisson(planes + 8).astype(np.float32)) - 8
    dark = -5.0  # as it is found: far below the mean where nothing is

    def miss(noise: float) -> float:
        data = Data(levels)
        data.see(Given(noisy - dark, at, 2.0, noise=noise))
        made = from_nothing(data, ((4, 60), (2, 30), (1, 5)))
        return float((data.explained(made) + dark - planes).square().mean())

    known, unknown = miss(float(planes.mean()) + 8), miss(0.0)
    # a sharp object is not explained yet where a smooth one is
    assert known == unknown if sharp else known < 0.7 * unknown


@pytest.mark.parametrize(
    ("shape", "times"), [((24, 20), 2), ((24, 20), 4), ((20, 36), 4)]
)
def test_coarse_grids_hold_what_is_smooth(shape: tuple[int, int], times: int) -> None:
    thinning = Thinning(shape, times, CPU)

    def wave(shape: tuple[int, int]) -> torch.Tensor:
        y, x = ((torch.arange(n) + 0.5) / n for n in shape)
        turns = 2 * y[:, None] - x[None]
        return 3 + torch.cos(2 * np.pi * turns + 0.3)[None]

    fine, coarse = wave(shape), wave(thinning.shape)
    torch.testing.assert_close(thinning.sampled(fine), coarse)
    up = torch.zeros_like(forward(fine))
    thinning.add_up(up, forward(coarse))
    torch.testing.assert_close(backward(up, shape), fine)


def test_far_layers_on_coarse_grids_are_what_they_are_on_fine_ones(
    rng: np.random.Generator,
) -> None:
    """Planes at one end: blur is wide for most layers."""
    grid = torch.linspace(-6, 6, 25, dtype=torch.float64)
    stack = LayerStack(AIR, grid)
    levels = Levels(OtfLines(AIR, stack.reach_um), stack, (40, 44), CPU)
    layers = levels.at(1)
    light = torch.zeros(len(layers.depths_um), *layers.shape)
    for _ in range(60):
        light[tuple(rng.integers(3, n - 3) for n in light.shape)] = 3e4
    at = (-6.0, -5.0)
    planes = levels.picture(layers.project(light, Blur(layers, at)).clamp_min(0))
    data = Data(levels)
    data.see(Given(planes, at, 3.0))
    times = layers.times(at).clamp_max(4)
    assert sorted(set(times.tolist())) == [1, 2, 4]
    begin = from_nothing(data, ((4, 20), (2, 10)))
    start = levels.finest(begin)
    mixed = data.raise_likelihood(start, 1, 6)
    all_fine = ascend(layers, data.blur(1), data.seen(1), start, 6)
    away = (mixed - all_fine).norm() / (all_fine - start).norm()
    assert away < 0.02
    ends = torch.tensor([-3.0, 0.0, 4.0], dtype=torch.float64)
    ours, theirs, before = (
        levels.picture(layers.render(made, ends)) for made in (mixed, all_fine, start)
    )
    assert (ours - theirs).norm() < 0.03 * (theirs - before).norm()


@pytest.mark.parametrize("offset", [0.0, 100.0, 3000.0])
@pytest.mark.parametrize("gain", [0.4, 2.0])
def test_the_dark_level_is_found_where_nothing_is_dark(
    rng: np.random.Generator, offset: float, gain: float
) -> None:
    y, x = np.indices((160, 150))
    light = 600 + 400 * np.sin(x / 19) * np.cos(y / 23)  # photons, 200 at least
    floor = CameraFloor()
    for _ in range(2):
        plane = gain * rng.poisson(light) + offset + rng.normal(0, 1.5, light.shape)
        floor.add(plane.astype(np.float32))
    dark, noise = floor.level()
    least = offset + 200 * gain
    assert dark == pytest.approx(offset, abs=0.3 * (least - offset))
    assert noise == pytest.approx(np.sqrt(200 * gain**2 + 1.5**2), rel=0.25)


def test_the_dark_level_is_that_of_the_dark_where_there_is_any(
    rng: np.random.Generator,
) -> None:
    light = np.full((120, 120), 0.5)
    light[20:60, 30:80] = 900
    floor = CameraFloor()
    floor.add((rng.poisson(light) + rng.normal(100, 2, light.shape)).astype("f4"))
    dark, noise = floor.level()
    assert 92 < dark < 100.5
    assert 1.5 < noise < 3


@pytest.mark.parametrize("exposure_ms", [10.0, 50.0, 500.0])
@pytest.mark.parametrize("haze", [0.0, 0.05])
def test_the_dark_level_of_a_simulated_camera(
    rng: np.random.Generator, haze: float, exposure_ms: float
) -> None:
    y, x = np.indices((96, 96))
    light = (haze * (1 + 0.8 * np.sin(x / 9) * np.cos(y / 11))).astype(np.float32)
    for row, column in rng.uniform(10, 86, (5, 2)):
        away = (y - row) ** 2 + (x - column) ** 2
        light += np.float32(0.05) * np.exp(-away / 60).astype(np.float32)
    camera, floor = CameraModel(), CameraFloor()
    for _ in range(3):
        floor.add(camera.expose(light, exposure_ms, rng).astype(np.float32))
    dark, noise = floor.level()
    truth = float(camera.expected(np.zeros(1, np.float32), exposure_ms)[0])
    read = camera.read_noise_e / camera.gain
    if haze == 0.0:
        # in the dimmest light it is lower by up to the noise
        assert -2 - (read if exposure_ms == 10 else 0) < dark - truth < 2
        assert noise == pytest.approx(read, rel=0.15)
    else:
        # the read noise over the gain is all that the noise does not tell
        darkest = float(camera.expected(light, exposure_ms).min()) - truth
        unknown = camera.gain * read**2
        assert abs(dark - truth) < unknown + 2 + 0.35 * darkest


def test_noise_about_the_dark_is_no_light(rng: np.random.Generator) -> None:
    """Cut off at 0, it would be 0.4 of its standard deviation."""
    stack = LayerStack(AIR, GRID)
    levels = Levels(OtfLines(AIR, stack.reach_um), stack, (64, 64), CPU)
    noise = torch.from_numpy(rng.normal(0, 3, (2, 64, 64)).astype(np.float32))
    for binning, most in ((1, 0.3), (2, 0.1), (4, 0.1)):
        seen = levels.seen(noise, 3.0, binning)
        held = levels.picture(seen.light, binning)
        assert float(held.min()) >= -3.0
        assert abs(float(held.mean())) < most


@pytest.mark.parametrize("shape", [(1, 1), (3, 200), (64, 64)])
def test_planes_without_any_structure_have_a_dark_level(
    shape: tuple[int, int],
) -> None:
    floor = CameraFloor()
    floor.add(np.full(shape, 117, dtype=np.float32))
    assert floor.level() == (117.0, 0.0)


def test_small_pictures_take_one_thread_and_give_the_others_back() -> None:
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        with few_threads(64 * 64):
            assert torch.get_num_threads() == 1
        with few_threads(2048 * 2048):
            assert torch.get_num_threads() == 2
        with pytest.raises(RuntimeError), few_threads(1):
            raise RuntimeError
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
