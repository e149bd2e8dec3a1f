"""Fig. 5: Gaussian errors of the planes' positions, as the estimators are told them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rmz_acquire.evaluation.figures import colour, labels_of, legend_beside, tidy
from rmz_acquire.evaluation.result import Mean, Result, over_specimens
from rmz_acquire.evaluation.study import by_plane

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from rmz_acquire.evaluation.study import Study

KEY, TITLE = "fig5", "Errors of the planes' positions (neurons, M = 3)"


def run(study: Study) -> Result:
    """NRMSE of the unmeasured planes for every draw of the errors."""
    result = Result(KEY, TITLE)
    contenders, result.missing = study.contenders("neurons")
    size = study.size.draws
    stack = study.stack(
        "neurons", study.config.seed, side_px=size.side_px, z_every=size.z_every
    )
    taken = stack.nearest(study.inputs_um("neurons"))
    unseen = np.ones(len(stack.z_um), dtype=bool)
    unseen[taken] = False
    for sigma in size.sigmas_um:
        # the same errors for all
        rng = np.random.default_rng([study.config.seed, 5, int(sigma * 1000)])
        draws = 1 if sigma == 0 else size.number
        errors = rng.normal(0, sigma, (draws, len(taken)))
        for who in contenders:
            study.say(f"{KEY} {sigma:g} µm {who.label}")
            for k, error in enumerate(errors):
                told = stack.z_um[taken] + error
                made = study.volume(who, stack, taken, z_um=list(told))
                values = by_plane(stack.truth, made)["nrmse"][unseen]
                result.rows.append(
                    {
                        "estimator": who.label,
                        "sigma_um": sigma,
                        "draw": k,
                        "nrmse": float(np.sqrt(np.mean(values**2))),
                    }
                )
    first, last = size.sigmas_um[0], size.sigmas_um[-1]
    for sigma in (first, last):
        result.sum_up(
            f"NRMSE, median, at σ = {sigma:g} µm",
            _medians(result, sigma),
            digits=3,
        )
    before, after = _medians(result, first), _medians(result, last)
    grown = {
        label: Mean(100 * (after[label].value / before[label].value - 1))
        for label in before
    }
    result.sum_up(
        f"NRMSE gained at σ = {last:g} µm", grown, unit="%", digits=0, headline=True
    )
    return result


def _medians(result: Result, sigma_um: float) -> dict[str, Mean]:
    """Of all draws on the one specimen."""
    rows = [r for r in result.rows if r["sigma_um"] == sigma_um]
    return over_specimens(rows, "nrmse", of_each=np.median)


def draw(result: Result, figure: Figure) -> None:
    """A box a contender and size of error."""
    axes = figure.subplots()
    labels = labels_of(result.rows)
    sigmas = sorted({r["sigma_um"] for r in result.rows})
    width = 0.8 / len(labels)
    for k, label in enumerate(labels):
        groups = [
            [
                r["nrmse"]
                for r in result.rows
                if r["estimator"] == label and r["sigma_um"] == s
            ]
            for s in sigmas
        ]
        at = [i + (k - (len(labels) - 1) / 2) * width for i in range(len(sigmas))]
        boxes = axes.boxplot(
            groups,
            positions=at,
            widths=0.8 * width,
            patch_artist=True,
            flierprops={"markersize": 2},
            medianprops={"color": "black"},
        )
        for box in boxes["boxes"]:
            box.set_facecolor(colour(label))
        axes.plot([], [], color=colour(label), lw=5, label=label)
    axes.set_xticks(range(len(sigmas)), [f"{s:g}" for s in sigmas])
    axes.set_xlabel("σ of every plane's z, µm")
    axes.set_ylabel("NRMSE")
    tidy(axes)
    legend_beside(figure, axes)
