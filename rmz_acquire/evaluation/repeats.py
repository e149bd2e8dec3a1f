"""Fig. 7 and S6: an input plane again and again, and what two different ones add."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rmz_acquire.evaluation.figures import by_group, labels_of, legend_beside
from rmz_acquire.evaluation.result import Result, over_specimens
from rmz_acquire.evaluation.study import by_plane

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from rmz_acquire.evaluation.study import Study

KEY, TITLE = "fig7", "An input repeated, and two inputs in both orders (neurons)"

_SEQUENCES = {
    "I1": (0,),
    "I1 ×2": (0,) * 2,
    "I1 ×4": (0,) * 4,
    "I1 ×6": (0,) * 6,
    "I1, I2": (0, 1),
    "I2, I1": (1, 0),
}


def run(study: Study) -> Result:
    """RMSE of the planes that are neither input."""
    result = Result(KEY, TITLE)
    contenders, result.missing = study.contenders("neurons")
    for seed in study.seeds(study.size.few_seeds):
        stack = study.stack("neurons", seed)
        pair = stack.nearest(study.inputs_um("neurons", 2))
        unseen = np.ones(len(stack.z_um), dtype=bool)
        unseen[pair] = False
        for who in contenders:
            study.say(f"{KEY} {seed} {who.label}")
            # the longest first: the shorter ones are on its way
            longest = sorted(_SEQUENCES.items(), key=lambda item: -len(item[1]))
            found = {
                title: study.volume(who, stack, [pair[i] for i in sequence])
                for title, sequence in longest
            }
            made = {title: found[title] for title in _SEQUENCES}
            if who.estimator == "deep-z":
                alone = [study.volume(who, stack, [i]) for i in pair]
                made["mean of outputs"] = np.mean(alone, axis=0, dtype=np.float32)
            for title, volume in made.items():
                error = by_plane(stack.truth, volume)["rmse"][unseen]
                result.rows.append(
                    {
                        "seed": seed,
                        "estimator": who.label,
                        "inputs": title,
                        "rmse": float(np.sqrt(np.mean(error**2))),
                    }
                )
    for title in labels_of(result.rows, "inputs"):
        rows = [row for row in result.rows if row["inputs"] == title]
        mean = over_specimens(rows, "rmse")
        result.sum_up(
            f"RMSE from {title}", mean, unit="counts", digits=2, headline=True
        )
    return result


def draw(result: Result, figure: Figure) -> None:
    """Bars by input."""
    axes = figure.subplots()
    groups = {
        title: [row for row in result.rows if row["inputs"] == title]
        for title in labels_of(result.rows, "inputs")
    }
    by_group(axes, groups, "rmse")
    axes.set_ylabel("RMSE, counts")
    legend_beside(figure, axes)
