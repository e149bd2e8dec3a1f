"""Fig. 6, S4 and S5: all orders of three input planes."""

from __future__ import annotations

from itertools import permutations
from typing import TYPE_CHECKING, Any

import numpy as np

from rmz_acquire.evaluation.figures import colour, labels_of, legend_beside, tidy
from rmz_acquire.evaluation.result import Mean, Result, over_specimens
from rmz_acquire.evaluation.study import Contender, by_plane

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from rmz_acquire.evaluation.study import Study

KEY, TITLE = "fig6", "All six orders of three input planes (neurons)"


def run(study: Study) -> Result:
    """RMSE by z for every order, of networks trained in several orders too."""
    result = Result(KEY, TITLE)
    contenders, result.missing = study.contenders("neurons")
    for scheme, name in study.config.order_models.items():
        model = study.model(name)
        if model is None:
            result.missing.append(f"trained {scheme} ({name})")
        else:
            label = f"trained {scheme}"
            contenders.append(Contender(label, model.card.network.kind, model))
    for seed in study.seeds(study.size.few_seeds):
        stack = study.stack("neurons", seed)
        taken = stack.nearest(study.inputs_um("neurons"))
        for who in contenders:
            for order in permutations(range(3)):
                study.say(f"{KEY} {seed} {who.label}")
                made = study.volume(who, stack, [taken[i] for i in order])
                values = by_plane(stack.truth, made)["rmse"]
                for i, z in enumerate(stack.z_um):
                    result.rows.append(
                        {
                            "seed": seed,
                            "estimator": who.label,
                            "order": "".join(str(k + 1) for k in order),
                            "z_um": round(float(z), 4),
                            "rmse": float(values[i]),
                        }
                    )
    mean = over_specimens(result.rows, "rmse")
    spread = {label: _spread(result, label) for label in labels_of(result.rows)}
    result.sum_up("RMSE, mean over orders", mean, unit="counts", digits=2)
    result.sum_up(
        "spread over orders, of the RMSE", spread, unit="%", digits=1, headline=True
    )
    return result


def _by_order(rows: list[dict[str, Any]], label: str) -> NDArray[np.float64]:
    """(orders, z) RMSE of one specimen."""
    ours = [r for r in rows if r["estimator"] == label]
    orders = labels_of(ours, "order")
    return np.array([[r["rmse"] for r in ours if r["order"] == o] for o in orders])


def _spread(result: Result, label: str) -> Mean:
    """Deviation over the orders, percent of their mean: mean over z, by specimen."""
    spread = []
    for seed in sorted({r["seed"] for r in result.rows}):
        table = _by_order([r for r in result.rows if r["seed"] == seed], label)
        spread.append(float(100 * np.mean(table.std(0) / table.mean(0))))
    return Mean.of(spread)


def draw(result: Result, figure: Figure) -> None:
    """Mean and spread of the RMSE over z, of the first specimen."""
    axes = figure.subplots()
    first = result.rows[0]["seed"]
    for label in labels_of(result.rows):
        rows = [r for r in result.rows if r["seed"] == first]
        z = sorted({r["z_um"] for r in rows})
        table = _by_order(rows, label)
        mean, spread = table.mean(0), table.std(0)
        axes.plot(z, mean, color=colour(label), label=label, lw=1.5)
        axes.fill_between(
            z, mean - spread, mean + spread, color=colour(label), alpha=0.3, lw=0
        )
    axes.set_xlabel("z, µm")
    axes.set_ylabel("RMSE, counts, one specimen\n(band: ± 1 σ over orders)")
    tidy(axes)
    legend_beside(figure, axes)
