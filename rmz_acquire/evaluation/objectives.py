"""Five objectives: the model for any microscope, and one trained for each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rmz_acquire.evaluation.figures import by_group, labels_of, legend_beside
from rmz_acquire.evaluation.held_out import simulate
from rmz_acquire.evaluation.positions import even_positions
from rmz_acquire.evaluation.result import Result, gains_over, over_specimens
from rmz_acquire.evaluation.study import UNTRAINED, Contender, by_plane
from rmz_acquire.optics import Optics

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from rmz_acquire.evaluation.study import Study
    from rmz_acquire.models import LoadedModel

KEY, TITLE = "objectives", "Five objectives, 3 and 5 planes over the same blur"

_WAVELENGTH_UM, _CAMERA_UM, _PLANES = 0.52, 6.5, 31
_SIDE_PX = 96
_OWN = "its own"
"""Label of a model trained for the objective."""


def run(study: Study) -> Result:
    """PSNR over the planes not taken, of beads and nuclei scaled to the field."""
    result = Result(KEY, TITLE)
    settings = study.config.objectives
    general = study.model(settings.model)
    if general is None:
        result.missing.append(settings.model)
    side = min(_SIDE_PX, study.size.side_px)
    for entry in settings.list:
        optics = Optics.from_camera(
            na=entry.na,
            immersion_index=entry.immersion_index,
            wavelength_um=_WAVELENGTH_UM,
            camera_pixel_um=_CAMERA_UM,
            magnification=entry.magnification,
        )
        inside = _inside(general, optics)
        contenders = [Contender(name, name) for name in UNTRAINED]
        if entry.model is not None:
            own = study.model(entry.model)
            if own is None:
                result.missing.append(f"{entry.name}: {entry.model}")
            else:
                contenders.insert(0, Contender(_OWN, own.card.network.kind, own))
        if general is not None:
            kind = general.card.network.kind
            contenders.insert(0, Contender(general.card.name, kind, general))
        # the same blur in pixels from end to end
        z = np.linspace(-0.5, 0.5, _PLANES) * (
            settings.blur_px / optics.blur_radius_px_per_um
        )
        for specimen, options in _specimens(optics, side, float(z[-1] - z[0])).items():
            for seed in study.seeds(study.size.few_seeds):
                study.say(f"{KEY} {entry.name} {specimen} {seed}")
                stack = simulate(
                    specimen,
                    seed,
                    optics,
                    z,
                    side_px=side,
                    exposure_ms=50,
                    options=options,
                )
                for m in (3, 5):
                    taken = [int(i) for i in even_positions(_PLANES, m)]
                    unseen = np.ones(_PLANES, dtype=bool)
                    unseen[taken] = False
                    for who in contenders:
                        made = study.volume(who, stack, taken)
                        error = by_plane(stack.truth, made)["psnr_db"][unseen]
                        result.rows.append(
                            {
                                "objective": entry.name,
                                "inside": inside,
                                "specimen": specimen,
                                "seed": seed,
                                "planes": m,
                                "estimator": who.label,
                                "psnr_db": float(error.mean()),
                            }
                        )
        _sum_up(result, entry.name, general, inside=inside)
    return result


def _inside(model: LoadedModel | None, optics: Optics) -> bool | None:
    """Whether a model was trained on such optics; None where its card does not say."""
    if model is None or model.card.optics_range is None:
        return None
    return not model.card.optics_range.outside(optics)


def _specimens(
    optics: Optics, side_px: int, depth_um: float
) -> dict[str, dict[str, object]]:
    """Specimens of one density and size in pixels, whatever the objective."""
    pixel = optics.pixel_size_um
    wide = side_px * pixel
    volume = wide**2 * depth_um / 1000
    return {
        "beads": {"per_1000_um3": 60 / volume},
        # a body's haze is made of points by volume: millions under a weak objective
        "nuclei": {"number": 250, "radius_um": (4 * pixel, 11 * pixel), "haze": 0.0},
    }


def _sum_up(
    result: Result, objective: str, general: LoadedModel | None, *, inside: bool | None
) -> None:
    where = " (outside training)" if inside is False else ""
    rows = [r for r in result.rows if r["objective"] == objective]
    for m in (3, 5):
        ours = [row for row in rows if row["planes"] == m]
        mean = over_specimens(ours, "psnr_db")
        result.sum_up(
            f"{objective}{where}, M={m}: PSNR", mean, unit="dB", digits=1, headline=True
        )
        if general is not None and _OWN in mean:
            label = general.card.name
            result.sum_up(
                f"{objective}{where}, M={m}: behind a model trained for it",
                {label: gains_over(ours, "psnr_db", label)[_OWN]},
                unit="dB",
                headline=True,
            )


def draw(result: Result, figure: Figure) -> None:
    """Bars by objective, M = 3 and 5."""
    panels = figure.subplots(2, 1, sharex=True)
    names = labels_of(result.rows, "objective")
    for axes, m in zip(panels, (3, 5), strict=True):
        ours = [row for row in result.rows if row["planes"] == m]
        groups = {
            name: [row for row in ours if row["objective"] == name] for name in names
        }
        by_group(axes, groups, "psnr_db", points=True)
        axes.set_ylabel(f"PSNR, dB, M={m}")
    legend_beside(figure, panels[0])
