"""Fig. 2 and S2: quality against z, next to and midway between the input planes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from rmz_acquire.evaluation.figures import legend_beside, line_by_z, tidy
from rmz_acquire.evaluation.result import Result, gains_over, over_specimens
from rmz_acquire.evaluation.study import by_plane

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from rmz_acquire.evaluation.result import Mean
    from rmz_acquire.evaluation.study import Contender, Study
    from rmz_acquire.optics import Optics

KEY, TITLE = "fig2", "Quality against z from 2 and 3 input planes"


def run(study: Study) -> Result:
    """Measure PSNR, NRMSE and SSIM of every plane; inputs are left out of means."""
    result = Result(KEY, TITLE)
    for name in study.config.sets:
        contenders, missing = study.contenders(name)
        result.missing += [f"{name}: {m}" for m in missing]
        inputs = study.inputs_um(name)
        for seed in study.seeds():
            stack = study.stack(name, seed)
            taken = stack.nearest(inputs)
            for who in contenders:
                study.say(f"{KEY} {name} {seed} {who.label}")
                for m in (2, 3):
                    made = study.volume(who, stack, taken[:m])
                    values = by_plane(stack.truth, made, with_ssim=True)
                    for i, z in enumerate(stack.z_um):
                        result.rows.append(
                            {
                                "set": name,
                                "seed": seed,
                                "planes": m,
                                "estimator": who.label,
                                "z_um": round(float(z), 4),
                                "input": i in taken[:m],
                                **{k: float(v[i]) for k, v in values.items()},
                            }
                        )
        _sum_up(study, result, name, contenders)
    return result


def _sum_up(
    study: Study, result: Result, name: str, contenders: list[Contender]
) -> None:
    spacing = study.dataset(name).spacing_um
    inputs = study.inputs_um(name)
    rows = [r for r in result.rows if r["set"] == name and not r["input"]]
    for m in (2, 3):
        ours = [r for r in rows if r["planes"] == m]
        at = np.array(inputs[:m])
        places = {
            "all unmeasured planes": (0.0, np.inf),
            "next to an input": (0.0, 0.25),
            "midway between inputs": (0.35, 0.65),
        }
        for place, (low, high) in places.items():
            there = []
            for row in ours:
                gap = float(np.abs(at - row["z_um"]).min()) / spacing
                between = place != "midway between inputs" or (
                    at.min() < row["z_um"] < at.max()
                )
                if low < gap < high and between:
                    there.append(row)
            result.sum_up(
                f"{name}, M={m}: PSNR, {place}",
                over_specimens(there, "psnr_db"),
                unit="dB",
                digits=1,
                headline=m == 3 and place == "all unmeasured planes",
            )
        if m == 3:
            result.sum_up(
                f"{name}, M=3: least gain over wiener in reach, by plane",
                _least_gains(ours, contenders, study.dataset(name).optics, at),
                unit="dB",
                headline=True,
            )


def _least_gains(
    rows: list[dict[str, Any]],
    contenders: list[Contender],
    optics: Optics,
    inputs_um: NDArray[np.float64],
) -> dict[str, Mean]:
    """Least mean gain over wiener at any z within the largest gap of a model's card."""
    by_z: dict[float, list[dict[str, Any]]] = {}
    for row in rows:
        by_z.setdefault(row["z_um"], []).append(row)
    gains = {z: gains_over(there, "psnr_db", "wiener") for z, there in by_z.items()}
    least = {}
    for who in contenders:
        if who.model is None:
            continue
        reach = who.model.card.reach_um(optics) * (1 + 1e-6)
        ours = [
            gain[who.label]
            for z, gain in gains.items()
            if who.label in gain and float(np.abs(inputs_um - z).min()) <= reach
        ]
        if ours:
            least[who.label] = min(ours, key=lambda gain: gain.value)
    return least


def draw(result: Result, figure: Figure) -> None:
    """PSNR over z, M = 3, one panel a data set; SSIM beside it."""
    sets = list(dict.fromkeys(r["set"] for r in result.rows))
    panels = figure.subplots(len(sets), 2, squeeze=False)
    for row, name in zip(panels, sets, strict=True):
        ours = [r for r in result.rows if r["set"] == name and r["planes"] == 3]
        inputs = sorted({r["z_um"] for r in ours if r["input"]})
        for axes, value, unit in zip(
            row, ("psnr_db", "ssim"), ("PSNR, dB", "SSIM"), strict=True
        ):
            line_by_z(axes, ours, value, inputs_um=inputs)
            axes.set_ylabel(f"{name}: {unit}", fontsize=8)
            tidy(axes)
    legend_beside(figure, panels[0, 0])
