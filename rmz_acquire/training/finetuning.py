"""The configuration of a fine-tuning, from a model's card and a few dense stacks."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import yaml
from pydantic import ValidationError

from rmz_acquire.errors import InputError, message_of
from rmz_acquire.models import read_card, suitable_model
from rmz_acquire.networks import OnLayersConfig
from rmz_acquire.stacks import read_stack
from rmz_acquire.training.files_config import StackFile
from rmz_acquire.training.training_config import TrainingConfig

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from rmz_acquire.models import ModelCard
    from rmz_acquire.optics import Optics

__all__ = ["AUTO", "FEWEST_STACKS", "finetuning_config", "list_stacks"]

AUTO = "auto"
FEWEST_STACKS = 3
"""Two to learn from, and one to be judged by."""

_VOXEL_TOLERANCE = 0.02
_RATE = 2e-4
"""Of Adam: a quarter of what the released models were trained with."""


def list_stacks(paths: Sequence[Path]) -> list[StackFile]:
    """Find the stacks in what was named.

    Parameters
    ----------
    paths : sequence of Path
        Files, OME-Zarr folders, and folders that `acquire-stacks` has left.

    Returns
    -------
    list of StackFile
        Each once, with an absolute path. Those without a specimen of their own count
        as one each.

    Raises
    ------
    InputError
        Where a path is none of these.
    """
    found: dict[Path, StackFile] = {}
    for path in paths:
        listed = path / "stacks.yaml"
        entries: list[Any] = [{"path": path.name}]
        folder = path.parent
        if listed.is_file():
            folder, entries = path, _read_list(listed)
        elif not path.exists():
            msg = f"{path}: no such stack"
            raise InputError(msg)
        for entry in entries:
            stack = StackFile.model_validate(entry)
            whole = (folder / stack.path).resolve()
            told = stack.specimen
            # the names that acquire-stacks gives are the same in every folder
            if told is None or whole.name.startswith(f"{told}."):
                told = str(whole)
            found[whole] = stack.model_copy(update={"path": whole, "specimen": told})
    return list(found.values())


def _read_list(path: Path) -> list[Any]:
    try:
        entries = yaml.safe_load(path.read_text("utf-8"))["stacks"]
        for entry in entries:
            StackFile.model_validate(entry)
    except (OSError, UnicodeDecodeError, yaml.YAMLError, ValidationError) as error:
        msg = f"{path} cannot be read: {message_of(error)[:120]}"
        raise InputError(msg) from error
    except (KeyError, TypeError) as error:
        msg = f"{path} lists no stacks: it needs a key stacks"
        raise InputError(msg) from error
    return list(entries)


def finetuning_config(
    model: str | Path,
    stacks: Sequence[StackFile],
    *,
    name: str,
    steps: int,
    optics: Optics | None = None,
    seed: int = 1,
) -> TrainingConfig:
    """Make the configuration that goes on from a model on these stacks.

    Network, loss, normalisation and kinds of sequences are those of the model's own
    training; voxel size, depth and crops are those of the stacks.

    Parameters
    ----------
    model : str or Path
        Name or folder of the model; "auto" for the bundled one for `optics`.
    stacks : sequence of StackFile
        Three or more, of one voxel size; one in five of the specimens is kept apart.
    name : str
        Of the new model.
    steps : int
        Of the optimiser.
    optics : Optics, optional
        Of the microscope that took them; by default the card's.
    seed : int
        Of everything random.

    Returns
    -------
    TrainingConfig

    Raises
    ------
    InputError
        In one line, where there are too few stacks or they do not fit.
    """
    if len(stacks) < FEWEST_STACKS:
        msg = (
            f"{len(stacks)} stacks are too few to fine-tune on: take "
            f"{FEWEST_STACKS} or more, at different places"
        )
        raise InputError(msg)
    read = [read_stack(entry.path, entry.given) for entry in stacks]
    advice = "list it in a stacks.yaml with "
    pixel = read[0].need_pixel_size(f"{advice}pixel_size_um")
    step = read[0].need_step(f"{advice}z_step_um")
    if model == AUTO:
        if optics is None:
            msg = f"the model {AUTO} is the one for your optics: give them too"
            raise InputError(msg)
        deep = max(len(stack.data) for stack in read) - 1
        model = suitable_model(optics, [0.0, step * deep])
    card = read_card(model)
    used = optics if optics is not None else card.optics
    if abs(pixel / used.pixel_size_um - 1) > _VOXEL_TOLERANCE:
        msg = (
            f"{stacks[0].path.name} has pixels of {pixel:.4g} µm, model {card.name} "
            f"was trained at {used.pixel_size_um:.4g}: give your microscope's optics"
        )
        raise InputError(msg)
    shapes = [stack.data.shape for stack in read]
    planes, side = (min(s[0] for s in shapes), min(min(s[1:]) for s in shapes))
    raw = {
        **_before(card),
        "name": name,
        "description": f"{card.name}, fine-tuned on {len(stacks)} stacks. "
        f"{card.description}",
        "seed": seed,
        "network": json.loads(card.network.model_dump_json()),
        "start_from": str(model),
        "files": {"stacks": [json.loads(s.model_dump_json()) for s in stacks]},
        "largest_gap_um": card.reach_um(used),
        "optimiser": _optimiser(steps),
        "validate_every": max(1, steps // 12),
        "validation_specimens": 8,
        "checkpoint_every": max(1, min(25, steps // 10)),
        "patience": None,
    }
    raw["simulation"] = _picture(card, raw.get("simulation"), used, planes, step, side)
    low, high = card.planes
    raw["planes"] = [min(low, planes), min(high, planes)]
    raw["targets"] = min(int(raw.get("targets", 6)), planes)
    try:
        return TrainingConfig.model_validate(raw)
    except ValidationError as error:
        msg = f"these stacks do not go with model {card.name}: {message_of(error)}"
        raise InputError(msg) from error


def _before(card: ModelCard) -> dict[str, Any]:
    """The model's own training, where its card tells it, without what was its data."""
    kept = [
        *("simulation", "normalisation", "loss", "loss_weights", "discriminator"),
        *("targets", "spacing_um", "order"),
    ]
    return {key: card.training[key] for key in kept if key in card.training}


def _picture(
    card: ModelCard,
    before: dict[str, Any] | None,
    optics: Optics,
    planes: int,
    step_um: float,
    side_px: int,
) -> dict[str, Any]:
    if isinstance(card.network, OnLayersConfig):
        msg = f"model {card.name} learns from simulation only: choose another model"
        raise InputError(msg)
    # crops that every level of the network can halve
    unit = 2 ** (card.network.levels - 1)
    told = dict(before or {"families": {"beads": 1.0}, "crop_px": 64})
    crop = min(int(told.get("crop_px", 64)), side_px) // unit * unit
    if crop < 32:
        msg = (
            f"planes of {side_px} pixels are too small to train on: take stacks of "
            f"{max(32, unit)} × {max(32, unit)} pixels or more"
        )
        raise InputError(msg)
    return {
        **told,
        "optics": optics.model_dump(),
        "wide_optics": 0.0,
        "z_step_um": step_um,
        "z_range_um": step_um * (planes - 1),
        "crop_px": crop,
        "field_px": max(crop, int(told.get("field_px", crop))),
    }


def _optimiser(steps: int) -> dict[str, Any]:
    """Short runs have a shorter memory of the weights that they started from."""
    decay = min(0.998, max(0.5, 1 - 10 / steps))
    return {
        "steps": steps,
        "learning_rate": _RATE,
        "warmup": 0.05,
        "accumulate": 1,
        "average_decay": decay,
    }
