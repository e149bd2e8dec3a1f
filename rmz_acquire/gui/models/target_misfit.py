"""Whether the calibration of a stop is for the scan that is typed in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmz_acquire.errors import InputError
from rmz_acquire.experiments import ExperimentSettings
from rmz_acquire.experiments.block import BLOCK
from rmz_acquire.experiments.target_calibration import check_calibration
from rmz_acquire.gui.models.experiment_form import sequence_of
from rmz_acquire.methods import AUTO, method_of
from rmz_acquire.models import default_for, read_card, suitable_model
from rmz_acquire.scanning import ScanPlan

if TYPE_CHECKING:
    from rmz_acquire.gui.models.scan_settings import ScanSettings
    from rmz_acquire.optics import Optics

__all__ = ["misfit_of"]


def misfit_of(
    settings: ScanSettings,
    *,
    shape: tuple[int, int],
    optics: tuple[Optics, ...],
    on_regions: bool | None,
) -> dict[str, str]:
    """Say why the calibration is not for a scan, by key; as the experiment says it.

    Parameters
    ----------
    settings : ScanSettings
        What is typed.
    shape : (int, int)
        Of the pictures, pixels.
    optics : tuple of Optics
        Of each channel; empty where not known.
    on_regions : bool or None
        Whether regions decide; None while that is not known.
    """
    target = settings.target
    if target is None or target.card is None or on_regions is None or not min(shape):
        return {}
    try:
        block = ExperimentSettings.of(sequence_of(settings).metadata)
        z_um = settings.plan().z_um
        plan = ScanPlan.from_grid(z_um, **block.plan_options())
    except InputError:
        return {}  # which is said elsewhere
    block, sha256 = _named(block, settings, optics, z_um)
    try:
        for one in optics or (None,):
            check_calibration(
                block,
                plan,
                model_sha256=sha256,
                optics=one,
                shape=shape,
                on_regions=on_regions,
            )
    except InputError as error:
        said = str(error).removeprefix(f"{BLOCK}.")
        key = said.partition(":")[0]
        return {key if key == "regions" else "calibration": said}
    return {}


def _named(
    block: ExperimentSettings,
    settings: ScanSettings,
    optics: tuple[Optics, ...],
    z_um: tuple[float, ...],
) -> tuple[ExperimentSettings, str | None]:
    """Name the estimator that is taken, and give the hash of its model."""
    uses = [(one, z_um) for one in optics]
    model = settings.model
    if block.estimator == AUTO:
        name, model, _ = default_for(uses)
        block = block.model_copy(update={"estimator": name})
    elif not method_of(block.estimator).model:
        return block, None
    elif model is None and uses:
        model = suitable_model(*uses[0], uses[1:])
    return block, None if model is None else read_card(model).sha256
