"""How a model does on specimens like those it was trained on, but never saw.

Specimens come from the training configuration with seeds of their own, so the scores
are those of the declared range: its objectives, kinds of specimen, light, aberrations.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from rmz_acquire.evaluation.metrics import psnr_db
from rmz_acquire.evaluation.positions import even_positions
from rmz_acquire.reconstruction import BASELINES, make_estimator
from rmz_acquire.training.simulated import simulate_field

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from rmz_acquire.models import LoadedModel
    from rmz_acquire.optics import Optics
    from rmz_acquire.training.recorded_dataset import RecordedField
    from rmz_acquire.training.simulated import Field
    from rmz_acquire.training.training_config import TrainingConfig

__all__ = ["HELD_OUT_SEED", "Standing", "score_model"]

HELD_OUT_SEED = 2_000_000_000
"""Added to a specimen's number; training and validation stay below."""

_PLANES = (3, 5)
"""Counted beside the fewest and the most."""
_GAPS = (0.125, 0.25, 0.5, 0.75, 1.0)
"""Ends of the classes of distance to the nearest plane, of the largest gap."""
_SIDE_PX = 128
_ADDED_TO = ("richardson-lucy",)
"""Priors that a network has to gain on."""
_OFF: dict[str, tuple[str, Any]] = {
    "optics_error": ("error of the optics told", 0.0),
    "aberration_waves": ("aberration", 0.0),
    "haze": ("background", (0.0, 0.0)),
    "wide_optics": ("other objectives", 0.0),
}
"""What is varied in training, by key: in words, and how it is taken away."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How a model stands against the baselines.

    Attributes
    ----------
    scores : dict
        Specimen -> "M=3" -> estimator -> PSNR, dB, over the planes not taken.
    gains : dict
        Specimen -> "M=3" -> largest distance of an output plane to the nearest plane
        taken, µm at the card's optics -> dB over the better of wiener and linear; of
        a network on richardson-lucy, over that.
    conditions : dict
        "all", or "without" one -> estimator -> PSNR, dB.
    """

    scores: dict[str, dict[str, dict[str, float]]]
    gains: dict[str, dict[str, dict[float, float]]]
    conditions: dict[str, dict[str, float]]


@dataclass(frozen=True, slots=True, eq=False)
class _Stack:
    counts: NDArray[np.float32]
    truth: NDArray[np.float32]
    z_um: NDArray[np.float64]
    optics: Optics


def score_model(
    model: LoadedModel,
    config: TrainingConfig,
    *,
    recorded: Sequence[RecordedField] = (),
    before: dict[str, LoadedModel] | None = None,
    seeds: int = 4,
    on_step: Callable[[str], None] | None = None,
) -> Standing:
    """Compare a model with wiener, linear and nearest from the same planes.

    Parameters
    ----------
    model : LoadedModel
        As trained.
    config : TrainingConfig
        How it was trained.
    recorded : sequence of RecordedField
        Crops of stacks that were held out of training.
    before : dict, optional
        The model that it started from, by the name its scores stand under.
    seeds : int
        Specimens of each kind.
    on_step : callable, optional
        Is told each specimen as its turn comes.

    Returns
    -------
    Standing
    """
    say = on_step or (lambda _: None)
    n = config.simulation.grid_planes
    low, high = config.planes
    counts = sorted({m for m in (low, *_PLANES, high) if low <= m <= high and m < n})
    kinds = _kinds(config, recorded)
    scores: dict[str, dict[str, dict[str, float]]] = {}
    gains: dict[str, dict[str, dict[float, float]]] = {}
    for kind in kinds:
        found: dict[str, list[dict[str, float]]] = {}
        won: dict[str, list[dict[float, dict[str, float]]]] = {}
        for number, stack in enumerate(_stacks(config, kind, recorded, seeds)):
            say(f"{kind} {number + 1}")
            for m in counts:
                volumes, taken = _volumes(model, config, stack, m, before)
                whole, by_gap = _compare(model, config, stack, volumes, taken)
                found.setdefault(f"M={m}", []).append(whole)
                won.setdefault(f"M={m}", []).append(by_gap)
        scores[kind] = {m: _mean(each) for m, each in found.items()}
        gains[kind] = {m: _gains(each) for m, each in won.items()}
    return Standing(scores, gains, _conditions(model, config, kinds, seeds, say))


def _kinds(config: TrainingConfig, recorded: Sequence[RecordedField]) -> list[str]:
    """Kinds of specimen that were trained on."""
    weights = config.simulation.families
    kinds: list[str] = [kind for kind in sorted(weights) if weights[kind] > 0]
    if len(kinds) > 1 and "volumes" in kinds:
        kinds.remove("volumes")  # its objects are those of training
    if not recorded or config.files is None:
        return kinds
    return ["recorded", *(kinds if config.files.share < 1 else [])]


def _stacks(
    config: TrainingConfig,
    kind: str,
    recorded: Sequence[RecordedField],
    seeds: int,
    *,
    changes: dict[str, Any] | None = None,
    noise: bool = True,
) -> Iterator[_Stack]:
    simulation = config.simulation
    for number in range(seeds if kind != "recorded" else min(seeds, len(recorded))):
        seed = [config.seed, HELD_OUT_SEED + number]
        field: Field | RecordedField
        if kind == "recorded":
            field = recorded[number * len(recorded) // min(seeds, len(recorded))]
        else:
            only = {"families": {kind: 1.0}, **(changes or {})}
            field = simulate_field(simulation.model_copy(update=only), seed)
        height, width = field.light.shape[1:]
        side = min(_SIDE_PX, height, width)
        top, left = (height - side) // 2, (width - side) // 2
        light = field.light[:, top : top + side, left : left + side]
        rng = np.random.default_rng([*seed, 1])
        counts, factor = field.expose(light, np.arange(len(light)), rng)
        truth = field.truth(light, factor)
        z = np.asarray(field.z_um, dtype=np.float64)
        yield _Stack(counts if noise else truth, truth, z, field.believed)


def _volumes(
    model: LoadedModel,
    config: TrainingConfig,
    stack: _Stack,
    m: int,
    before: dict[str, LoadedModel] | None = None,
) -> tuple[dict[str, NDArray[np.float32]], NDArray[np.intp]]:
    """Volumes of all estimators from m planes, as far apart as in training."""
    n = len(stack.z_um)
    taken = even_positions(n, m)
    if config.spacing_um is not None:
        step = config.spacing_um / config.simulation.z_step_um
        taken = np.rint((n - 1) / 2 + step * (np.arange(m) - (m - 1) / 2)).astype(
            np.intp
        )
    models = {str(model.card.network.kind): model, **(before or {})}
    kinds = {label: each.card.network.kind for label, each in models.items()}
    volumes = {}
    prior = model.card.network.prior
    for label in (*models, *BASELINES, *([prior] if prior in _ADDED_TO else [])):
        name, each = kinds.get(label, label), models.get(label)
        estimator = make_estimator(name, stack.z_um, stack.optics, model=each)
        volumes[label] = estimator.add_all(stack.counts[taken], stack.z_um[taken])
    return volumes, taken


def _compare(
    model: LoadedModel,
    config: TrainingConfig,
    stack: _Stack,
    volumes: dict[str, NDArray[np.float32]],
    taken: NDArray[np.intp],
) -> tuple[dict[str, float], dict[float, dict[str, float]]]:
    """PSNR of the planes not taken; and error in dB by distance to those taken."""
    unseen = np.ones(len(stack.z_um), dtype=bool)
    unseen[taken] = False
    away = np.abs(stack.z_um[:, None] - stack.z_um[taken][None]).min(1)
    away *= stack.optics.blur_radius_px_per_um / model.card.optics.blur_radius_px_per_um
    whole: dict[str, float] = {}
    by_gap: dict[float, dict[str, float]] = {}
    for name, volume in volumes.items():
        value = psnr_db(stack.truth, volume, unseen)
        if value is not None:
            whole[name] = value
        error = np.mean((volume - stack.truth).astype(np.float64) ** 2, axis=(1, 2))
        start = 0.0
        for share in _GAPS:
            end = share * config.largest_gap_um
            inside = unseen & (start < away) & (away <= end * (1 + 1e-6))
            if inside.any():
                at = by_gap.setdefault(round(end, 6), {})
                at[name] = float(10 * np.log10(error[inside].mean() + 1e-12))
            start = end
    return whole, by_gap


def _gains(stacks: list[dict[float, dict[str, float]]]) -> dict[float, float]:
    """Mean over stacks, then over the prior, or the better of wiener and linear."""
    out = {}
    for end in sorted({gap for by_gap in stacks for gap in by_gap}):
        error = _mean([by_gap[end] for by_gap in stacks if end in by_gap])
        # the model itself comes first
        ours = next(iter(error.values()))
        against = [error[name] for name in _ADDED_TO if name in error]
        out[end] = round(min(against or (error["wiener"], error["linear"])) - ours, 2)
    return out


def _conditions(
    model: LoadedModel,
    config: TrainingConfig,
    kinds: list[str],
    seeds: int,
    say: Callable[[str], None],
) -> dict[str, dict[str, float]]:
    """PSNR with all that was varied in training, and without each."""
    simulated = [kind for kind in kinds if kind != "recorded"]
    if not simulated:
        return {}
    low, high = config.planes
    m = min(max(3, low), high, config.simulation.grid_planes - 1)
    varied = config.simulation.model_dump()
    cases: dict[str, dict[str, Any]] = {"all": {}, "without noise": {"noise": False}}
    for key, (words, off) in _OFF.items():
        if varied[key] != off:
            cases[f"without {words}"] = {"changes": {key: off}}
    out = {}
    for title, case in cases.items():
        found = []
        for kind in simulated:
            say(f"{kind}, {title}")
            for stack in _stacks(config, kind, (), max(1, seeds // 4), **case):
                volumes, taken = _volumes(model, config, stack, m)
                found.append(_compare(model, config, stack, volumes, taken)[0])
        out[title] = _mean(found)
    return out


def _mean(rows: list[dict[str, float]]) -> dict[str, float]:
    names = list(dict.fromkeys(name for row in rows for name in row))
    return {
        name: round(float(np.mean([row[name] for row in rows if name in row])), 2)
        for name in names
    }
