"""Five objectives: the model for any microscope, and one trained for each."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from rmz_acquire.evaluation.comparison import Case, Comparison, Line, means
from rmz_acquire.evaluation.context import UNTRAINED, Contender
from rmz_acquire.evaluation.figures import by_group, panels
from rmz_acquire.evaluation.held_out import simulate
from rmz_acquire.evaluation.positions import even_positions
from rmz_acquire.evaluation.result import Mean, Rows, gains_over
from rmz_acquire.optics import Optics

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rmz_acquire.evaluation.context import Study
    from rmz_acquire.evaluation.evaluation_config import ObjectiveEntry
    from rmz_acquire.evaluation.held_out import HeldOut
    from rmz_acquire.models import LoadedModel

__all__ = ["OBJECTIVES"]

_WAVELENGTH_UM, _CAMERA_UM, _PLANES = 0.52, 6.5, 31
_SIDE_PX = 96
_OWN = "its own"
"""Label of a model trained for the objective."""


def _entry(study: Study, name: str) -> tuple[ObjectiveEntry, Optics]:
    entry = next(each for each in study.config.objectives.list if each.name == name)
    return entry, Optics.from_camera(
        na=entry.na,
        immersion_index=entry.immersion_index,
        wavelength_um=_WAVELENGTH_UM,
        camera_pixel_um=_CAMERA_UM,
        magnification=entry.magnification,
    )


def _contenders(study: Study, name: str) -> tuple[list[Contender], list[str]]:
    """The model for any objective, one trained for this one, and the untrained."""
    general, own = study.config.objectives.model, _entry(study, name)[0].model
    found, missing = [], []
    for label, wanted in ((None, general), (_OWN, own)):
        model = None if wanted is None else study.model(wanted)
        if model is not None:
            named = label or model.card.name
            found.append(Contender(named, model.card.network.kind, model))
        elif wanted is not None:
            missing.append(wanted)
    return [*found, *(Contender(each, each) for each in UNTRAINED)], missing


def _stacks(study: Study, name: str) -> Iterator[tuple[dict[str, Any], HeldOut]]:
    """Beads and nuclei scaled to the field."""
    _, optics = _entry(study, name)
    settings = study.config.objectives
    inside = _inside(study.model(settings.model), optics)
    side = min(_SIDE_PX, study.size.side_px)
    # the same blur in pixels from end to end
    length = settings.blur_px / optics.blur_radius_px_per_um
    z = np.linspace(-0.5, 0.5, _PLANES) * length
    for specimen, options in _specimens(optics, side, float(z[-1] - z[0])).items():
        for seed in study.seeds(study.size.few_seeds):
            yield (
                {
                    "objective": name,
                    "outside": " (outside training)" if inside is False else "",
                    "inside": inside,
                    "specimen": specimen,
                    "seed": seed,
                },
                simulate(
                    specimen,
                    seed,
                    optics,
                    z,
                    side_px=side,
                    exposure_ms=50,
                    options=options,
                ),
            )


def _cases(_: Study, __: str, stack: HeldOut) -> Iterator[Case]:
    for m in (3, 5):
        taken = even_positions(len(stack.z_um), m)
        yield Case({"planes": m}, [int(i) for i in taken])


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


def _behind(rows: Rows, study: Study) -> Mapping[str, Mean]:
    """What one trained for the objective gains over the model for any."""
    general = study.model(study.config.objectives.model)
    if general is None:
        return {}
    gains = gains_over(rows, "psnr_db", general.card.name)
    return {general.card.name: gains[_OWN]} if _OWN in gains else {}


_LINE = "{objective}{outside}, M={planes}: "

OBJECTIVES = Comparison(
    key="objectives",
    title="Five objectives, 3 and 5 planes over the same blur",
    over=lambda study: [each.name for each in study.config.objectives.list],
    contenders=_contenders,
    stacks=_stacks,
    cases=_cases,
    values=("psnr_db",),
    by_z=False,
    groups=("objective", "outside", "planes"),
    lines=(
        Line(f"{_LINE}PSNR", means("psnr_db")),
        Line(f"{_LINE}behind a model trained for it", _behind, digits=2),
    ),
    draw=panels(
        partial(by_group, named="{objective}", points=True),
        {"psnr_db": "PSNR, dB"},
        split="planes",
        named="M = {planes}",
        tall=True,
    ),
)
