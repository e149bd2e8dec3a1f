"""From a run to a released model: averaged weights, card, scores, declared range."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from pydantic import ValidationError

from rmz_acquire.errors import InputError
from rmz_acquire.models import (
    Budget,
    LoadedModel,
    ModelCard,
    load_model,
    save_model,
)
from rmz_acquire.networks import DeepZ, Network, OnLayers, RecurrentMZ, UNet3D
from rmz_acquire.recording.progress import ProgressLog, TrainingProgress
from rmz_acquire.training.budget import budget_of
from rmz_acquire.training.claiming import CHECKPOINT, TOLD, NotReleased
from rmz_acquire.training.module import TrainingModule, training_module
from rmz_acquire.training.recorded_dataset import training_stacks
from rmz_acquire.training.release_range import declare, worst
from rmz_acquire.training.scoring import Standing, score_model
from rmz_acquire.training.training_config import TrainingConfig
from rmz_acquire.training.training_run import fit

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["release", "release_again", "train"]

_WIDE = 0.5
"""Share of other objectives from which on a model is one for any."""


def train(
    config_path: Path,
    out: Path,
    *,
    workers: int = 1,
    threads: int | None = None,
    on_progress: Callable[[TrainingProgress], None] | None = None,
    finetune: str | None = None,
    min_gain_db: float | None = None,
    devices: int | None = None,
) -> LoadedModel | None:
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
    on_progress : callable, optional
        Is told how far it is, twice a second at most, and each specimen that the
        scores are made of.
    finetune : str, optional
        Name or folder of the model whose weights training starts from: goes before
        the configuration's `start_from`.
    min_gain_db, devices : optional
        Go before the configuration's.

    Returns
    -------
    LoadedModel or None
        As released; None in the other processes of a run on several devices, the
        first of which releases.

    Raises
    ------
    InputError
        For a bad configuration, or a folder that holds another run.
    NotReleased
        Where the trained model loses to a linear method.
    """
    config = TrainingConfig.from_yaml(config_path)
    if finetune is not None:
        config = config.model_copy(update={"start_from": finetune})
    if min_gain_db is not None:
        config = config.model_copy(update={"min_gain_db": min_gain_db})
    if devices is not None:
        config = config.on_devices(devices)
    module = fit(config, out, workers=workers, threads=threads, on_progress=on_progress)
    if not module.trainer.is_global_zero:
        return None
    watched = ProgressLog(out, on_progress)

    def say(step: str) -> None:
        watched.write(scoring=step)

    trainer = module.trainer
    steps = trainer.global_step // module.optimisers
    budget = budget_of(config, steps, processes=trainer.world_size)
    try:
        model = release(
            config, _averaged(module), out / config.name, budget=budget, on_step=say
        )
    except NotReleased as refused:
        watched.write(model=refused.folder.name)
        raise
    watched.write(model=config.name)
    return model


def release_again(
    folder: Path,
    *,
    out: Path | None = None,
    min_gain_db: float | None = None,
    on_step: Callable[[str], None] | None = None,
) -> LoadedModel:
    """Score and release the last checkpoint of a run, or a model once more.

    Parameters
    ----------
    folder : Path
        Of a run, which may still go on, or of a model.
    out : Path, optional
        The model's folder; by default the run's NAME, or the same model.
    min_gain_db : float, optional
        Goes before the configuration's.
    on_step : callable, optional
        Is told each specimen that the scores are made of.

    Returns
    -------
    LoadedModel

    Raises
    ------
    InputError
        Where the folder holds neither.
    NotReleased
        Where the model loses to a linear method.
    """
    if (folder / TOLD).is_file() and (folder / CHECKPOINT).is_file():
        config = _config((folder / TOLD).read_text("utf-8"), folder)
        module = training_module(config)
        saved = torch.load(
            folder / CHECKPOINT, weights_only=False, map_location=torch.device("cpu")
        )
        module.load_state_dict(saved["state_dict"])
        network, target = _averaged(module), folder / config.name
        budget = budget_of(config, saved["global_step"] // module.optimisers)
    else:
        model = load_model(folder)
        config = _config(json.dumps(model.card.training), folder)
        network, target, budget = model.network, folder, model.card.budget
    if min_gain_db is not None:
        config = config.model_copy(update={"min_gain_db": min_gain_db})
    return release(config, network, out or target, budget=budget, on_step=on_step)


def _config(text: str, folder: Path) -> TrainingConfig:
    try:
        return TrainingConfig.model_validate_json(text)
    except ValidationError as error:
        msg = f"{folder} was not trained by this program, or by another version of it"
        raise InputError(msg) from error


def _averaged(module: TrainingModule) -> Network:
    averaged = module.average.module
    if not isinstance(averaged, (RecurrentMZ, OnLayers, DeepZ, UNet3D)):
        msg = f"the run gave a {type(averaged).__name__}, not one of our networks"
        raise TypeError(msg)
    return averaged


def release(
    config: TrainingConfig,
    network: Network,
    folder: Path,
    *,
    budget: Budget | None = None,
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
    budget : Budget, optional
        What the network has seen; by default unknown.
    on_step : callable, optional
        Is told each specimen that the scores are made of.

    Returns
    -------
    LoadedModel
        Declared for the range in which it gains as much as the configuration asks.

    Raises
    ------
    NotReleased
        Where there is no such range; the weights lie beside, with their scores.
    """
    beside = folder.with_name(f"{folder.name}.unreleased")
    card = _card(config).model_copy(update={"budget": budget or Budget()})
    save_model(beside, network.eval(), card)
    standing = score_model(
        load_model(beside),
        config,
        recorded=training_stacks(config)[1],
        before=_before(config),
        on_step=on_step,
    )
    card = card.model_copy(update=_scored(standing))
    save_model(beside, network, card)
    if config.min_gain_db is not None:
        declared = declare(
            standing.gains, config.planes, config.largest_gap_um, config.min_gain_db
        )
        if declared is None:
            raise NotReleased(_refusal(config, standing, beside), beside)
        card = card.model_copy(update={"comparison": False, **declared._asdict()})
    save_model(folder, network, card)
    shutil.rmtree(beside)
    return load_model(folder)


def _before(config: TrainingConfig) -> dict[str, LoadedModel]:
    """The model that a run started from, where it is still there."""
    if config.start_from is None:
        return {}
    try:
        return {Path(config.start_from).name: load_model(config.start_from)}
    except InputError:
        return {}


def _refusal(config: TrainingConfig, standing: Standing, beside: Path) -> str:
    kind, m, gap, gain = worst(standing.gains)
    return (
        f"model {config.name} is not released: on {kind} at {m}, up to {gap:.2g} µm "
        f"from a plane taken, it gains {gain:+.2f} dB over the better of wiener and "
        f"linear, where {config.min_gain_db:+g} is asked for; train it further, or "
        f"give a lower min_gain_db; its weights and scores are in {beside}"
    )


def _scored(standing: Standing) -> dict[str, object]:
    gains = {
        kind: {
            m: {f"to {gap:.3g} µm": gain for gap, gain in by_gap.items()}
            for m, by_gap in by_m.items()
        }
        for kind, by_m in standing.gains.items()
    }
    return {
        "scores": standing.scores,
        "gains": gains,
        "conditions": standing.conditions,
    }


def _card(config: TrainingConfig) -> ModelCard:
    """What is known of a model before it is scored."""
    simulation = config.simulation
    wide = simulation.wide_optics >= _WIDE
    return ModelCard(
        name=config.name,
        description=config.description,
        network=config.network,
        optics=simulation.optics,
        optics_range=simulation.wide_range if wide else None,
        z_range_um=simulation.z_range_um,
        z_step_um=simulation.z_step_um,
        largest_gap_um=config.largest_gap_um,
        planes=config.planes,
        order=_order(config),
        dz_unit=f"signed blur radius in pixels over {config.network.dz_scale_px:g}",
        normalisation=_NORMALISATION[config.normalisation],
        data=_data(config),
        training=config.model_dump(mode="json"),
        comparison=True,
        date=datetime.now(UTC).date().isoformat(),
        sha256="",
    )


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
