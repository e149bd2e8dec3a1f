"""From a finished run to a released model: averaged weights, card, held-out scores."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from rmz_acquire.evaluation.held_out import held_out_scores
from rmz_acquire.models import LoadedModel, ModelCard, load_model, save_model
from rmz_acquire.networks import RecurrentMZ
from rmz_acquire.training.config import TrainingConfig
from rmz_acquire.training.run import fit

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["release", "train"]


def train(
    config_path: Path,
    out: Path,
    *,
    workers: int = 1,
    threads: int | None = None,
    progress: bool = True,
    on_step: Callable[[str], None] | None = None,
) -> LoadedModel:
    """Train as a configuration says, go on where a run was cut off, release.

    Parameters
    ----------
    config_path : Path
        A YAML file: see `TrainingConfig`.
    out : Path
        Checkpoints, scalars and at last `out`/NAME with weights and card.
    workers : int
        Processes that simulate specimens.
    threads : int, optional
        Of torch in this process.
    progress : bool
        Show a bar with the time left.
    on_step : callable, optional
        Is told each specimen that the scores are made of.

    Returns
    -------
    LoadedModel
        As released.

    Raises
    ------
    InputError
        For a bad configuration, or a folder that holds another run.
    """
    config = TrainingConfig.from_yaml(config_path)
    module = fit(config, out, workers=workers, threads=threads, progress=progress)
    averaged = module.average.module
    if not isinstance(averaged, RecurrentMZ):
        msg = f"the run gave a {type(averaged).__name__}, not a Recurrent-MZ"
        raise TypeError(msg)
    return release(config, averaged, out / config.name, on_step=on_step)


def release(
    config: TrainingConfig,
    network: RecurrentMZ,
    folder: Path,
    *,
    on_step: Callable[[str], None] | None = None,
) -> LoadedModel:
    """Write a model with its card, scored on held-out specimens.

    Parameters
    ----------
    config : TrainingConfig
        Of the run.
    network : RecurrentMZ
        Its weights.
    folder : Path
        Where to.
    on_step : callable, optional
        Is told each specimen that the scores are made of.

    Returns
    -------
    LoadedModel
    """
    simulation = config.simulation
    families = ", ".join(sorted(simulation.families))
    card = ModelCard(
        name=config.name,
        description=config.description,
        network=config.network,
        optics=simulation.optics,
        z_range_um=simulation.z_range_um,
        z_step_um=simulation.z_step_um,
        largest_gap_um=config.largest_gap_um,
        planes=config.planes,
        order="any: evenly spaced, halving, random and bunched, sorted or not",
        dz_unit=f"signed blur radius in pixels over {config.network.dz_scale_px:g}",
        normalisation=(
            "background: 1st percentile of all planes taken; scale: their standard "
            "deviation"
        ),
        data=(
            f"simulated {families}; training specimens from seed "
            f"[{config.seed}, 0...], validation from [{config.seed}, 1000000000...]"
        ),
        training=config.model_dump(mode="json"),
        date=datetime.now(UTC).date().isoformat(),
        sha256="",
    )
    save_model(folder, network.eval(), card)
    scores = held_out_scores(load_model(folder), on_step=on_step)
    save_model(folder, network, card.model_copy(update={"scores": scores}))
    return load_model(folder)
