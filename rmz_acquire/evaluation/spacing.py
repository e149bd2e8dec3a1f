"""Fig. S3: trained at one spacing of the input planes, tested at another."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rmz_acquire.evaluation.figures import legend_beside, line_by_z, tidy
from rmz_acquire.evaluation.result import Result, over_specimens
from rmz_acquire.evaluation.study import Contender, by_plane
from rmz_acquire.reconstruction import BASELINES

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from rmz_acquire.evaluation.study import Study

KEY, TITLE = "S3", "Trained at 4, 6 and 8 µm spacing, tested at the set's (neurons)"


def run(study: Study) -> Result:
    """Peak of the PSNR over z, and how even it is."""
    result = Result(KEY, TITLE)
    contenders, _ = study.contenders("neurons", only=BASELINES)
    for spacing, name in sorted(study.config.spacing_models.items()):
        model = study.model(name)
        if model is None:
            result.missing.append(f"trained at {spacing:g} µm ({name})")
            continue
        label = f"trained at {spacing:g} µm"
        contenders.insert(0, Contender(label, model.card.network.kind, model))
    for seed in study.seeds():
        stack = study.stack("neurons", seed)
        taken = stack.nearest(study.inputs_um("neurons"))
        for who in contenders:
            study.say(f"{KEY} {seed} {who.label}")
            values = by_plane(stack.truth, study.volume(who, stack, taken))
            for i, z in enumerate(stack.z_um):
                result.rows.append(
                    {
                        "seed": seed,
                        "estimator": who.label,
                        "z_um": round(float(z), 4),
                        "input": i in taken,
                        "psnr_db": float(values["psnr_db"][i]),
                    }
                )
    unseen = [r for r in result.rows if not r["input"]]
    peak = over_specimens(unseen, "psnr_db", of_each=np.max)
    result.sum_up("peak PSNR", peak, unit="dB", digits=1, headline=True)
    even = over_specimens(unseen, "psnr_db", of_each=np.std)
    result.sum_up(
        "unevenness: standard deviation over z",
        even,
        unit="dB",
        digits=1,
        headline=True,
    )
    return result


def draw(result: Result, figure: Figure) -> None:
    """PSNR over z."""
    axes = figure.subplots()
    line_by_z(axes, result.rows, "psnr_db")
    axes.set_ylabel("PSNR, dB")
    tidy(axes)
    legend_beside(figure, axes)
