"""What every estimator owes to the scan, the network's with random weights included."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from small_scope import AIR, CAMERA, Z_UM, evenly, rms, small_model, stacks

from rmz_acquire.errors import InputError
from rmz_acquire.reconstruction import ESTIMATORS, Normalisation, make_estimator
from rmz_acquire.reconstruction.innovation import innovation_of, noise_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from rmz_acquire.models import LoadedModel
    from rmz_acquire.reconstruction import VolumeEstimator

KINDS = [
    "nearest",
    "linear",
    "wiener",
    "richardson-lucy",
    "recurrent",
    "recurrent-on-wiener",
]
# nothing here hangs on how good an estimate is
pytestmark = pytest.mark.usefixtures("few_steps")
ORDER = [12, 3, 20, 8, 8]  # out of order, the last taken again


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, LoadedModel]:
    folder = tmp_path_factory.mktemp("models")
    return {p: small_model(folder / p, prior=p) for p in ("none", "wiener")}


@pytest.fixture
def make(models: dict[str, LoadedModel]) -> Callable[..., VolumeEstimator]:
    def estimator(kind: str, **options: Any) -> VolumeEstimator:
        if not kind.startswith("recurrent"):
            return make_estimator(kind, Z_UM, AIR)
        model = models["wiener" if kind.endswith("wiener") else "none"]
        return make_estimator("recurrent-mz", Z_UM, AIR, model=model, **options)

    return estimator


@pytest.mark.parametrize("kind", KINDS)
def test_change_innovation_and_gap_by_hand(
    make: Callable[..., VolumeEstimator], kind: str
) -> None:
    _, counts = stacks("nuclei")
    estimator, before, taken = make(kind), None, []
    assert estimator.volume is None and estimator.planes_taken == 0
    for m, place in enumerate(ORDER):
        z = float(Z_UM[place]) + 0.13  # between planes of the grid
        taken.append(z)
        estimate = estimator.add(counts[place], z)
        volume = estimate.volume
        assert volume.shape == (25, 64, 60) and volume.dtype == np.float32
        assert np.isfinite(volume).all()
        assert estimator.planes_taken == m + 1
        np.testing.assert_array_equal(estimator.volume, volume)
        np.testing.assert_array_equal(estimator.planes_z_um, taken)
        gap = max(min(abs(z_out - t) for t in taken) for z_out in Z_UM)
        assert estimate.gap_um == pytest.approx(gap)
        assert estimate.seconds >= 0
        if before is None:
            assert estimate.delta is None
            assert estimate.delta_relative is None
            assert estimate.innovation is None
        else:
            dark = np.percentile(counts[ORDER[: m + 1]], 1)
            change = np.sqrt(((volume - before).astype(np.float64) ** 2).sum())
            size = np.sqrt(((volume - dark).astype(np.float64) ** 2).sum())
            assert estimate.delta == pytest.approx(change, rel=1e-4)
            assert estimate.delta_relative == pytest.approx(change / size, rel=1e-4)
            # 0.13 µm beyond a plane of the grid, whose step is 0.5 µm
            foretold = 0.74 * before[place] + 0.26 * before[place + 1]
            surprise = rms(foretold - counts[place]) / rms(counts[place] - dark)
            assert estimate.innovation_raw == pytest.approx(surprise, rel=1e-3)
        before = volume.copy()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("gain", "offset"), [(1.0, 3000.0), (0.25, 70.0)])
def test_a_brighter_or_offset_copy_gives_the_same_decisions(
    make: Callable[..., VolumeEstimator], kind: str, gain: float, offset: float
) -> None:
    _, counts = stacks("beads")
    ours, theirs = make(kind), make(kind)
    for place in ORDER[:4]:
        a = ours.add(counts[place], Z_UM[place])
        b = theirs.add(counts[place] * gain + offset, Z_UM[place])
        assert a.gap_um == b.gap_um
        if a.delta is not None:
            assert b.delta_relative == pytest.approx(a.delta_relative, rel=5e-3)
            assert b.innovation == pytest.approx(a.innovation, rel=5e-3)
            assert b.delta == pytest.approx(a.delta * gain, rel=5e-3)
        spread = a.volume.std() * gain
        np.testing.assert_allclose(
            b.volume, a.volume * gain + offset, atol=0.03 * spread, rtol=0
        )


@pytest.mark.parametrize("kind", [k for k in KINDS if k != "richardson-lucy"])
def test_all_at_once_is_the_volume_of_one_by_one(
    make: Callable[..., VolumeEstimator], kind: str
) -> None:
    _, counts = stacks("nuclei")
    one_by_one, at_once = make(kind), make(kind)
    for place in ORDER[:4]:
        volume = one_by_one.add(counts[place], Z_UM[place]).volume
    if hasattr(one_by_one, "rebuild"):  # with the scale of all of them
        volume = one_by_one.rebuild()
    made = at_once.add_all(counts[ORDER[:4]], Z_UM[ORDER[:4]])
    np.testing.assert_allclose(made, volume, rtol=1e-4, atol=1e-3)
    assert at_once.planes_taken == 4
    # and it goes on from there
    again = at_once.add(counts[8], Z_UM[8])
    assert again.delta is not None and again.innovation is not None
    with pytest.raises(InputError, match="does not fit"):
        at_once.add_all([np.zeros((3, 3))], [0.0])


@pytest.mark.parametrize("kind", ["nearest", "linear", "wiener", "richardson-lucy"])
def test_a_dark_volume_is_as_dark_as_its_planes(
    make: Callable[..., VolumeEstimator], kind: str
) -> None:
    estimator = make(kind)
    for place in (3, 15):
        estimate = estimator.add(np.full((40, 40), 117, np.uint16), Z_UM[place])
    np.testing.assert_allclose(estimate.volume, 117, rtol=1e-5)
    assert estimate.delta == pytest.approx(0, abs=0.01)
    assert estimate.delta_relative is None or np.isfinite(estimate.delta_relative)


@pytest.mark.parametrize("kind", KINDS)
def test_a_bad_plane_is_refused_and_leaves_no_trace(
    make: Callable[..., VolumeEstimator], kind: str
) -> None:
    _, counts = stacks("nuclei")
    estimator = make(kind)
    estimator.add(counts[5], Z_UM[5])
    volume = estimator.volume.copy()
    holed = counts[6].copy()
    holed[3, 4] = np.nan
    endless = counts[6].copy()
    endless[0, 0] = np.inf
    for bad, z, says in [
        (holed, 1.0, "NaN"),
        (endless, 1.0, "infinite"),
        (counts[6, :-1], 1.0, "shape"),
        (counts[6].T, 1.0, "shape"),
        (counts[:2], 1.0, "shape"),
        (counts[6, :0], 1.0, "shape"),
        (counts[6], float("nan"), "no place"),
        (counts[6], float("inf"), "no place"),
    ]:
        with pytest.raises(InputError, match=says):
            estimator.add(bad, z)
    assert estimator.planes_taken == 1
    np.testing.assert_array_equal(estimator.volume, volume)
    fresh = make(kind)
    for place in (5, 9):
        wanted = fresh.add(counts[place], Z_UM[place])
    after = estimator.add(counts[9], Z_UM[9])
    np.testing.assert_allclose(after.volume, wanted.volume, rtol=1e-5)
    with pytest.raises(InputError, match="shape"):
        make(kind).add(np.zeros((0, 5)), 0.0)


def test_planes_are_kept_although_the_camera_fills_its_buffer_again() -> None:
    _, counts = stacks("beads")
    estimator, buffer = make_estimator("linear", Z_UM), np.empty((64, 60), np.float32)
    for place in (4, 20):
        buffer[...] = counts[place]
        estimator.add(buffer, Z_UM[place])
    np.testing.assert_array_equal(estimator.planes, counts[[4, 20]])


@pytest.mark.parametrize("kind", KINDS)
def test_camera_integers_are_as_good_as_floats(
    make: Callable[..., VolumeEstimator], kind: str
) -> None:
    _, counts = stacks("beads")
    ours, theirs = make(kind), make(kind)
    for place in evenly(2):
        a = ours.add(counts[place].astype(np.uint16), Z_UM[place])
        b = theirs.add(counts[place].astype(np.float64), Z_UM[place])
    np.testing.assert_array_equal(a.volume, b.volume)


def test_description_for_the_summary(
    make: Callable[..., VolumeEstimator], models: dict[str, LoadedModel]
) -> None:
    nothing = {"model": None, "model_sha256": None, "optics": None}
    assert make("linear").describe() == {"estimator": "linear", **nothing}
    assert make("wiener").describe()["optics"] == AIR.model_dump()
    assert make("recurrent").describe() == {
        "estimator": "recurrent-mz",
        "model": "small-none",
        "model_sha256": models["none"].sha256,
        "optics": AIR.model_dump(),
        "largest_gap_um": 2.0,
    }


def test_what_is_missing_is_named(models: dict[str, LoadedModel]) -> None:
    known = (
        "auto",
        "richardson-lucy",
        "recurrent-mz",
        "deep-z",
        "unet3d",
        "wiener",
        "linear",
        "nearest",
    )
    assert known == ESTIMATORS
    with pytest.raises(InputError, match=", ".join(known)):
        make_estimator("cubic", Z_UM, AIR)
    with pytest.raises(InputError, match="needs the optics"):
        make_estimator("wiener", Z_UM)
    with pytest.raises(InputError, match="needs the optics"):
        make_estimator("recurrent-mz", Z_UM, model=models["none"])
    with pytest.raises(InputError, match="needs a model"):
        make_estimator("recurrent-mz", Z_UM, AIR)


@pytest.mark.parametrize(
    "grid",
    [[], [1.0], [0.0, 0.0], [1.0, 0.5], [[0.0, 1.0]], [0.0, np.nan], [0.0, np.inf]],
)
@pytest.mark.parametrize("name", ["linear", "nearest", "wiener", "richardson-lucy"])
def test_a_grid_that_is_none_is_refused(name: str, grid: list[float]) -> None:
    with pytest.raises(InputError, match="at least two planes in ascending order"):
        make_estimator(name, grid, AIR)


def test_background_that_counts_is_of_all_planes_so_far() -> None:
    """A bright camera offset does not make the change look smaller."""
    _, counts = stacks("nuclei")
    planes = counts[[5, 15]]
    dark = Normalisation.of(planes).background
    assert dark == pytest.approx(np.percentile(planes, 1))
    estimator = make_estimator("nearest", Z_UM)
    estimator.add(planes[0] + 50000, Z_UM[5])
    relative = estimator.add(planes[1] + 50000, Z_UM[15]).delta_relative
    assert relative is not None and relative > 0.05


def test_another_exposure_of_the_same_plane_is_no_surprise() -> None:
    """Raw, the noise of both is in it; without it, nearly none is left."""
    truth, counts = stacks("nuclei")
    dark, bright = CAMERA.expected(np.array([0, 1], np.float32), 10.0)
    light = (truth[12:13] - dark) / (bright - dark)
    plane = CAMERA.expose(light, 10.0, np.random.default_rng(8))[0].astype(np.float32)
    noise = float(((plane - truth[12]) ** 2).mean())
    level = float(np.percentile(counts, 1))
    assert noise_of(plane) == pytest.approx(noise, rel=0.25)
    clean, raw = innovation_of(truth[12], plane, level, noise_of(plane))
    assert raw > 0.05 and clean < 0.9 * raw
    clean, _ = innovation_of(truth[12], plane, level, noise)
    assert clean < 0.02
    off = truth[12] + np.float32(np.sqrt(noise))
    clean, _ = innovation_of(off, plane, level, noise)
    light = np.sqrt(max(np.mean((truth[12] - level) ** 2), 0))
    assert clean == pytest.approx(np.sqrt(noise) / light, rel=0.1)
