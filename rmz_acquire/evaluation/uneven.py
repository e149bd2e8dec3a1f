"""Fig. 4: input planes at uneven distances."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmz_acquire.evaluation.figures import legend_beside, line_by_z, tidy
from rmz_acquire.evaluation.result import Result, over_specimens
from rmz_acquire.evaluation.study import by_plane

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from rmz_acquire.evaluation.study import Study

KEY, TITLE = "fig4", "Input planes at uneven distances (neurons, M = 3)"

_UNEVEN = {"even": (-1.0, 0.0, 1.0), "uneven": (-1.15, -0.35, 1.05)}
"""In units of the set's spacing."""


def run(study: Study) -> Result:
    """PSNR by z from even and from uneven inputs."""
    result = Result(KEY, TITLE)
    contenders, result.missing = study.contenders("neurons")
    spacing = study.dataset("neurons").spacing_um
    for seed in study.seeds():
        stack = study.stack("neurons", seed)
        for scheme, places in _UNEVEN.items():
            taken = stack.nearest([p * spacing for p in places])
            for who in contenders:
                study.say(f"{KEY} {seed} {scheme} {who.label}")
                values = by_plane(stack.truth, study.volume(who, stack, taken))
                for i, z in enumerate(stack.z_um):
                    result.rows.append(
                        {
                            "seed": seed,
                            "inputs": scheme,
                            "estimator": who.label,
                            "z_um": round(float(z), 4),
                            "input": i in taken,
                            "psnr_db": float(values["psnr_db"][i]),
                        }
                    )
    for scheme in _UNEVEN:
        rows = [r for r in result.rows if r["inputs"] == scheme and not r["input"]]
        means = over_specimens(rows, "psnr_db")
        result.sum_up(
            f"{scheme} inputs: PSNR", means, unit="dB", digits=1, headline=True
        )
    return result


def draw(result: Result, figure: Figure) -> None:
    """One panel a scheme."""
    panels = figure.subplots(1, 2, sharey=True)
    for axes, scheme in zip(panels, _UNEVEN, strict=True):
        rows = [r for r in result.rows if r["inputs"] == scheme]
        inputs = sorted({r["z_um"] for r in rows if r["input"]})
        line_by_z(axes, rows, "psnr_db", inputs_um=inputs)
        axes.set_title(f"{scheme} inputs", fontsize=8)
        axes.set_ylabel("PSNR, dB")
        tidy(axes)
    legend_beside(figure, panels[0])
