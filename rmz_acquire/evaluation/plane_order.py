"""Fig. 6, S4 and S5: how far the volume depends on the order of the planes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rmz_acquire.evaluation.figures import colour, labels_of, legend_beside, tidy
from rmz_acquire.evaluation.result import Mean, Result, Rows, where

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from rmz_acquire.evaluation.context import Study

__all__ = ["draw_orders", "spread_over_orders"]


def spread_over_orders(rows: Rows, _: Study) -> Mapping[str, Mean]:
    """Deviation over the orders, percent of their mean: mean over z, by specimen."""
    spread: dict[str, list[float]] = {}
    for seed in sorted({r["seed"] for r in rows}):
        for label in labels_of(rows):
            table = _by_order(where(rows, seed=seed), label)
            part = float(100 * np.mean(table.std(0) / table.mean(0)))
            spread.setdefault(label, []).append(part)
    return {label: Mean.of(parts) for label, parts in spread.items()}


def _by_order(rows: Rows, label: str) -> NDArray[np.float64]:
    """(orders, z) RMSE of one specimen."""
    ours = where(rows, estimator=label)
    orders = labels_of(ours, "order")
    return np.array([[r["rmse"] for r in where(ours, order=o)] for o in orders])


def draw_orders(result: Result, figure: Figure) -> None:
    """Mean and spread of the RMSE over z, of the first specimen of each set."""
    sets = labels_of(result.rows, "set")
    grid = figure.subplots(1, len(sets), squeeze=False)
    for name, axes in zip(sets, grid.flat, strict=True):
        rows = where(result.rows, set=name, seed=result.rows[0]["seed"])
        z = sorted({r["z_um"] for r in rows})
        for label in labels_of(rows):
            table = _by_order(rows, label)
            mean, spread = table.mean(0), table.std(0)
            axes.plot(z, mean, color=colour(label), label=label, lw=1.5)
            low, high = mean - spread, mean + spread
            axes.fill_between(z, low, high, color=colour(label), alpha=0.3, lw=0)
        axes.set_xlabel("z, µm")
        axes.set_title(name, fontsize=8)
        tidy(axes)
    grid[0, 0].set_ylabel("RMSE, counts, one specimen\n(band: ± 1 σ over orders)")
    legend_beside(figure)
