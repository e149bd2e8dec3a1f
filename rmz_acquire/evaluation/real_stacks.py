"""Real wide-field stacks: planes of them in, the others compared."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from rmz_acquire.evaluation.context import UNTRAINED, Contender
from rmz_acquire.evaluation.figures import by_group, labels_of, panels
from rmz_acquire.evaluation.metrics import planes_not_taken, score
from rmz_acquire.evaluation.positions import even_positions
from rmz_acquire.evaluation.result import Result, over_specimens, where
from rmz_acquire.resources import data_folder
from rmz_acquire.stacks import Given, read_stack

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from rmz_acquire.evaluation.context import Study

KEY, TITLE = "real", "Real wide-field stacks, 3 and 5 evenly spread planes"


def middle(stack: NDArray[Any], side_px: int) -> NDArray[Any]:
    """Cut the middle out of the planes of a large stack."""
    corner = [max(0, (n - side_px) // 2) for n in stack.shape[1:]]
    top, left = corner
    return stack[:, top : top + side_px, left : left + side_px]


def run(study: Study) -> Result:
    """PSNR, NRMSE and SSIM over the planes not taken, of the stacks that are there."""
    result = Result(KEY, TITLE)
    settings, folder = study.config.real, data_folder()
    contenders = [Contender(name, name) for name in UNTRAINED]
    model = study.model(settings.model)
    if model is None:
        result.missing.append(f"{settings.model}")
    else:
        contenders.insert(0, Contender(model.card.name, model.card.network.kind, model))
    for entry in settings.stacks:
        path = folder / entry.file
        if not path.exists():
            result.notes.append(f"{entry.file} is not in {folder}: left out.")
            continue
        if entry.guessed:
            result.notes.append(f"The optics of {entry.file} are a guess.")
        optics = entry.optics
        given = Given(z_step_um=entry.z_step_um, pixel_size_um=optics.pixel_size_um)
        counts = middle(read_stack(path, given).data, study.size.real_px)
        z = np.arange(len(counts), dtype=np.float64) * entry.z_step_um
        for m in (3, 5):
            taken = even_positions(len(z), m)
            unseen = planes_not_taken(list(z), list(z[taken]))
            for who in (*contenders, *study.by_default(optics, z)):
                study.say(f"{KEY} {entry.file} M={m} {who.label}")
                estimator = who.fresh(z, optics)
                for i in taken:
                    estimator.add(counts[i], float(z[i]))
                volume = estimator.volume
                if volume is None:
                    continue
                result.rows.append(
                    {
                        "stack": entry.file,
                        "planes": m,
                        "estimator": who.label,
                        **score(counts, volume, unseen).to_dict(),
                    }
                )
    for name in labels_of(result.rows, "stack"):
        for m in (3, 5):
            rows = where(result.rows, stack=name, planes=m)
            values = over_specimens(rows, "psnr_db")
            result.sum_up(
                f"{name}, M={m}: PSNR", values, unit="dB", digits=1, headline=True
            )
    return result


draw = panels(
    partial(by_group, named="{stack}\nM={planes}", points=True),
    {"psnr_db": "PSNR, dB"},
    empty="no real stacks here: set RMZ_ACQUIRE_DATA to their folder",
)
