"""Models and the baselines, side by side on dense stacks of the microscope at hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rmz_acquire.evaluation.held_out import even_positions
from rmz_acquire.evaluation.metrics import planes_not_taken, psnr_db
from rmz_acquire.reconstruction import BASELINES, make_estimator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from numpy.typing import NDArray

    from rmz_acquire.models import LoadedModel
    from rmz_acquire.optics import Optics

__all__ = ["counts_of_planes", "middle_of", "recorded_scores"]

_SIDE_PX = 192


def middle_of(stack: NDArray[Any], side_px: int = _SIDE_PX) -> NDArray[Any]:
    """Cut the middle of a stack out, (Z, Y, X), no wider than `side_px`."""
    rows, columns = (
        slice((n - w) // 2, (n + w) // 2)
        for n, w in ((n, min(n, side_px)) for n in stack.shape[1:])
    )
    return stack[:, rows, columns]


def counts_of_planes(n: int, planes: tuple[int, int]) -> list[int]:
    """Numbers of planes worth a score.

    Parameters
    ----------
    n : int
        Planes of the stack.
    planes : (int, int)
        Fewest and most planes that the model knows.

    Returns
    -------
    list of int
        Of 3, 5, 8 and 12 those that the model knows and that leave half of the stack;
        one at least.
    """
    low, high = planes
    counts = [m for m in (3, 5, 8, 12) if low <= m <= high and 2 * m <= n]
    return counts or [max(1, min(high, n // 2))]


def recorded_scores(
    models: Mapping[str, LoadedModel],
    stacks: Iterable[tuple[str, NDArray[Any]]],
    optics: Optics,
    *,
    z_step_um: float,
    planes: tuple[int, int],
    on_step: Callable[[str], None] | None = None,
) -> dict[str, dict[str, dict[str, float]]]:
    """PSNR of models and of the baselines from the same evenly spaced planes.

    Parameters
    ----------
    models : mapping
        By the name that its scores stand under.
    stacks : iterable of (str, ndarray)
        Name and counts, (Z, Y, X); of large pictures the middle is taken.
    optics : Optics
        Of the microscope.
    z_step_um : float
        Distance of the planes, µm.
    planes : (int, int)
        Fewest and most planes taken.
    on_step : callable, optional
        Is told each volume as its turn comes.

    Returns
    -------
    dict
        stack -> "M=5" -> estimator -> PSNR, dB, over the planes not taken, against the
        stack as it was recorded, whose noise counts as error for all alike.
    """
    contenders: list[tuple[str, str, LoadedModel | None]] = [
        (label, model.card.network.kind, model) for label, model in models.items()
    ]
    contenders += [(name, name, None) for name in BASELINES]
    scores: dict[str, dict[str, dict[str, float]]] = {}
    for name, whole in stacks:
        counts = middle_of(whole)
        z = np.arange(len(counts), dtype=np.float64) * z_step_um
        by_planes = scores.setdefault(name, {})
        for m in counts_of_planes(len(counts), planes):
            taken = even_positions(len(counts), m)
            unseen = planes_not_taken(list(z), list(z[taken]))
            for label, kind, model in contenders:
                if on_step is not None:
                    on_step(f"{label} on {name} from {m} planes")
                estimator = make_estimator(kind, z, optics, model=model)
                for i in taken:
                    estimator.add(counts[i], float(z[i]))
                volume = estimator.volume
                value = None if volume is None else psnr_db(counts, volume, unseen)
                if value is not None:
                    by_planes.setdefault(f"M={m}", {})[label] = round(value, 2)
    return scores
