"""From a finished run to a released model: averaged weights, card, held-out scores."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from rmz_acquire.evaluation.held_out import held_out_scores
from rmz_acquire.evaluation.recorded_scores import recorded_scores
from rmz_acquire.models import LoadedModel, ModelCard, load_model, save_model
from rmz_acquire.networks import DeepZ, Network, RecurrentMZ, UNet3D
from rmz_acquire.recording.progress import ProgressLog
from rmz_acquire.training.config import TrainingConfig
from rmz_acquire.training.files import held_out_stacks
from rmz_acquire.training.run import fit

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["release", "start_name", "train"]


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
    progress_log = ProgressLog(out)

    def say(step: str) -> None:
        progress_log.write(scoring=step)
        if on_step is not None:
            on_step(step)

    model = release(config, averaged, out / config.name, on_step=say)
    progress_log.write(model=config.name)
    return model


def release(
    config: TrainingConfig,
    network: Network,
    folder: Path,
    *,
    on_step: Callable[[str], None] | None = None,
) -> LoadedModel:
    """Write a model with its card, scored on specimens that it has not seen.

    Those are the stacks that were kept apart, where it was trained on stacks, and
    simulated ones, where it was trained on such.

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
    model = load_model(folder)
    scores = _recorded(config, model, on_step)
    if config.files is None or config.files.share < 1:
        scores |= _simulated(config, model, on_step)
    save_model(folder, network, card.model_copy(update={"scores": scores}))
    return load_model(folder)


def start_name(config: TrainingConfig) -> str | None:
    """Name the model that a run starts from, as its scores are named on the card."""
    return None if config.start_from is None else Path(config.start_from).name


def _recorded(
    config: TrainingConfig, model: LoadedModel, on_step: Callable[[str], None] | None
) -> dict[str, dict[str, dict[str, float]]]:
    """Scores on the stacks kept apart, beside those of the model it started from."""
    models: dict[str, LoadedModel] = {model.card.network.kind: model}
    before = start_name(config)
    if before is not None and config.files is not None:
        assert config.start_from is not None
        models[before] = load_model(config.start_from)
    return recorded_scores(
        models,
        held_out_stacks(config),
        config.simulation.optics,
        z_step_um=config.simulation.z_step_um,
        planes=config.planes,
        on_step=on_step,
    )


def _simulated(
    config: TrainingConfig, model: LoadedModel, on_step: Callable[[str], None] | None
) -> dict[str, dict[str, dict[str, float]]]:
    """Scores on simulated specimens that no training draws."""
    low, high = config.planes
    counted = [m for m in (3, 5, 8, 12) if low <= m <= max(high, 3)] or [high]
    if config.network.kind == "recurrent-mz" and high >= 10:
        counted = [3, 5, 8, 12]
    return held_out_scores(model, planes=counted, on_step=on_step)


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
