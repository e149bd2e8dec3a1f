"""An estimator and the baselines, side by side on specimens that training never saw."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rmz_acquire.evaluation.metrics import planes_not_taken, psnr_db
from rmz_acquire.reconstruction import BASELINES, make_estimator
from rmz_acquire.simulation.stack import simulate_stack

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray

    from rmz_acquire.models import LoadedModel

__all__ = ["FIRST_HELD_OUT_SEED", "even_positions", "held_out_scores"]

FIRST_HELD_OUT_SEED = 9000
"""Specimens from here on are for figures; training numbers its own another way."""


def even_positions(n: int, m: int) -> NDArray[np.intp]:
    """Indices of m planes in the middles of m equal parts of a grid of n.

    Parameters
    ----------
    n, m : int
        Planes of the grid, and planes taken.

    Returns
    -------
    ndarray of int, (m,)
    """
    return ((np.arange(m) + 0.5) * n / m).astype(np.intp)


def held_out_scores(
    model: LoadedModel,
    *,
    specimens: Iterable[str] = ("beads", "nuclei", "filaments"),
    seeds: int = 4,
    planes: Iterable[int] = (3, 5, 8, 12),
    shape: tuple[int, int] = (128, 128),
    exposure_ms: float = 50.0,
    on_step: Callable[[str], None] | None = None,
) -> dict[str, dict[str, dict[str, float]]]:
    """PSNR of a model and of the baselines from the same evenly spaced planes.

    Parameters
    ----------
    model : LoadedModel
        Used at its own optics and z grid.
    specimens : iterable of str
        Names that `make_specimen` knows.
    seeds : int
        Specimens of each kind; the figures are means over them.
    planes : iterable of int
        Numbers of planes taken.
    shape : (int, int)
        Height and width, pixels.
    exposure_ms : float
        Of every plane, with the default camera.
    on_step : callable, optional
        Is told each specimen as its turn comes.

    Returns
    -------
    dict
        specimen -> "M=5" -> estimator -> PSNR, dB, over the planes not taken, against
        the stack without noise.
    """
    card = model.card
    n = round(card.z_range_um / card.z_step_um) + 1
    names = (card.network.kind, *BASELINES)
    scores: dict[str, dict[str, dict[str, float]]] = {}
    for specimen in specimens:
        found: dict[str, dict[str, list[float]]] = {}
        for seed in range(FIRST_HELD_OUT_SEED, FIRST_HELD_OUT_SEED + seeds):
            if on_step is not None:
                on_step(f"{specimen} {seed}")
            stack = simulate_stack(
                specimen,
                seed,
                card.optics,
                planes=n,
                z_step_um=card.z_step_um,
                shape=shape,
                exposure_ms=exposure_ms,
            )
            for m in planes:
                taken = even_positions(n, m)
                unseen = planes_not_taken(list(stack.z_um), list(stack.z_um[taken]))
                by_name = found.setdefault(f"M={m}", {})
                for name in names:
                    estimator = make_estimator(
                        name, stack.z_um, card.optics, model=model
                    )
                    for i in taken:
                        estimator.add(stack.counts[i], float(stack.z_um[i]))
                    volume = estimator.volume
                    value = None
                    if volume is not None:
                        value = psnr_db(stack.truth, volume, unseen)
                    if value is not None:
                        by_name.setdefault(name, []).append(value)
        scores[specimen] = {
            m: {name: round(float(np.mean(v)), 2) for name, v in by_name.items()}
            for m, by_name in found.items()
        }
    return scores
