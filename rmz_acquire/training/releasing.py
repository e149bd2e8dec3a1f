"""From a finished run to a released model: averaged weights, card, held-out scores."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from rmz_acquire.evaluation.held_out import held_out_scores
from rmz_acquire.models import LoadedModel, ModelCard, load_model, save_model
from rmz_acquire.networks import DeepZ, Network, RecurrentMZ, UNet3D
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
    finetune: str | None = None,
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
    finetune : str, optional
        Name or folder of the model whose weights training starts from: goes before
        the configuration's `start_from`.

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
    if finetune is not None:
        config = config.model_copy(update={"start_from": finetune})
    module = fit(config, out, workers=workers, threads=threads, progress=progress)
    averaged = module.average.module
    if not isinstance(averaged, (RecurrentMZ, DeepZ, UNet3D)):
        msg = f"the run gave a {type(averaged).__name__}, not one of our networks"
        raise TypeError(msg)
    return release(config, averaged, out / config.name, on_step=on_step)


def release(
    config: TrainingConfig,
    network: Network,
    folder: Path,
    *,
    on_step: Callable[[str], None] | None = None,
) -> LoadedModel:
    """Write a model with its card, scored on held-out specimens.

    Parameters
    ----------
    config : TrainingConfig
        Of the run.
    network : Network
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
    card = ModelCard(
        name=config.name,
        description=config.description,
        network=config.network,
        optics=simulation.optics,
        z_range_um=simulation.z_range_um,
        z_step_um=simulation.z_step_um,
        largest_gap_um=config.largest_gap_um,
        planes=config.planes,
        order=_order(config),
        dz_unit=f"signed blur radius in pixels over {config.network.dz_scale_px:g}",
        normalisation=_NORMALISATION[config.normalisation],
        data=_data(config),
        training=config.model_dump(mode="json"),
        date=datetime.now(UTC).date().isoformat(),
        sha256="",
    )
    save_model(folder, network.eval(), card)
    low, high = config.planes
    counted = [m for m in (3, 5, 8, 12) if low <= m <= max(high, 3)] or [high]
    if config.network.kind == "recurrent-mz" and high >= 10:
        counted = [3, 5, 8, 12]
    scores = held_out_scores(load_model(folder), planes=counted, on_step=on_step)
    save_model(folder, network, card.model_copy(update={"scores": scores}))
    return load_model(folder)


_NORMALISATION = {
    "live": (
        "background: 1st percentile of all planes taken; scale: their standard "
        "deviation"
    ),
    "edf": (
        "edf: mean background and 99th percentile of the foreground of the extended "
        "depth of field image, parted by the triangle threshold; of the whole stack "
        "in training, of the planes taken in use"
    ),
}


def _order(config: TrainingConfig) -> str:
    spread = "evenly spaced, halving, random and bunched"
    if config.spacing_um is not None:
        spread = f"{config.spacing_um:g} µm apart"
    orders = {
        "any": "sorted or not",
        "sorted": "sorted by z",
        "shuffled": "shuffled",
        "by-distance": "from the farthest to the nearest of each output plane",
    }
    if config.order == "any":
        return f"any: {spread}, {orders['any']}"
    return f"{spread}, {orders[config.order]}"


def _data(config: TrainingConfig) -> str:
    parts = []
    if config.files is not None:
        stacks = config.files.stacks
        specimens = {stack.specimen or stack.path.name for stack in stacks}
        parts.append(
            f"{len(stacks)} recorded stacks of {len(specimens)} specimens "
            f"({config.files.share:.0%} of the training specimens), split by specimen "
            f"with seed {config.seed}"
        )
    if config.files is None or config.files.share < 1:
        families = ", ".join(sorted(config.simulation.families))
        parts.append(
            f"simulated {families}; training specimens from seed "
            f"[{config.seed}, 0...], validation from [{config.seed}, 1000000000...]"
        )
    if config.start_from is not None:
        parts.append(f"weights started from model {config.start_from}")
    return "; ".join(parts)
