"""Models on disk: weights as safetensors beside their card, checked when loaded."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import yaml
from pydantic import ValidationError

from rmz_acquire.atomic_io import replace_file, replace_text
from rmz_acquire.errors import InputError, message_of
from rmz_acquire.models.card import ModelCard
from rmz_acquire.resources import resource_dir

if TYPE_CHECKING:
    from rmz_acquire.networks import Network

__all__ = [
    "LoadedModel",
    "comparison_models",
    "list_models",
    "load_model",
    "normalisation_kind",
    "read_card",
    "save_model",
]

WEIGHTS, CARD = "model.safetensors", "card.yaml"
COMPARISON = "comparison"
"""Folder of the models that are there to be compared with only; not in a wheel."""


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A model ready for use.

    Attributes
    ----------
    card : ModelCard
        What it is for.
    network : Network
        In eval mode, on the CPU.
    sha256 : str
        Of its weights.
    """

    card: ModelCard
    network: Network
    sha256: str


def list_models() -> list[str]:
    """Names of the bundled models, sorted: those that scans may use."""
    return _names(resource_dir("models"))


def comparison_models() -> list[str]:
    """Names of the models to be compared with only, sorted: none in an installation."""
    return _names(resource_dir("models") / COMPARISON)


def _names(folder: Path) -> list[str]:
    return sorted(path.parent.name for path in folder.glob(f"*/{CARD}"))


def _folder(name_or_path: str | Path) -> Path:
    path = Path(name_or_path)
    if (path / CARD).is_file():
        return path
    box = resource_dir("models")
    if path.name == str(name_or_path):
        for place in (box / path.name, box / COMPARISON / path.name):
            if (place / CARD).is_file():
                return place
    known = ", ".join(list_models()) or "none"
    msg = (
        f"no model {str(name_or_path)!r}: give the name of a bundled one ({known}) or "
        f"a folder that holds {CARD} and {WEIGHTS}"
    )
    raise InputError(msg)


def read_card(name_or_path: str | Path) -> ModelCard:
    """Read a model's card.

    Parameters
    ----------
    name_or_path : str or Path
        A name from `list_models` or `comparison_models`, or a folder.

    Returns
    -------
    ModelCard

    Raises
    ------
    InputError
        Where there is no such model, or its card is damaged.
    """
    path = _folder(name_or_path) / CARD
    return _card(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=64)
def _card(path: Path, _changed: int) -> ModelCard:
    """Read a card, once while its file stays as it is: it is asked for at every key."""
    try:
        return ModelCard.model_validate(yaml.safe_load(path.read_text("utf-8")))
    except (yaml.YAMLError, ValidationError, UnicodeDecodeError) as error:
        first = message_of(error)[:200]
        msg = f"the card {path} is damaged, get the model again: {first}"
        raise InputError(msg) from error


def load_model(name_or_path: str | Path) -> LoadedModel:
    """Load a model and make sure that its weights are those of the card.

    Parameters
    ----------
    name_or_path : str or Path
        A name from `list_models` or `comparison_models`, or a folder.

    Returns
    -------
    LoadedModel

    Raises
    ------
    InputError
        Where there is no such model, or card and weights do not belong together.
    """
    card = read_card(name_or_path)
    path = _folder(name_or_path) / WEIGHTS
    if not path.is_file():
        msg = f"model {card.name} has a card but no weights: {path} is missing"
        raise InputError(msg)
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != card.sha256:
        msg = (
            f"the weights of model {card.name} are not those of its card "
            f"(sha256 {found[:12]} instead of {card.sha256[:12]}): get the model again"
        )
        raise InputError(msg)
    # not above: a card is read before anything decides that torch is needed
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    from rmz_acquire.networks import build_network

    network = build_network(card.network)
    try:
        network.load_state_dict(load_file(path))
    except (RuntimeError, SafetensorError) as error:
        msg = f"the weights of model {card.name} do not fit the network of its card"
        raise InputError(msg) from error
    return LoadedModel(card, network.eval(), found)


def normalisation_kind(model: LoadedModel) -> Literal["live", "edf"]:
    """How counts become the numbers that a model was trained on.

    Parameters
    ----------
    model : LoadedModel
        Its card tells; one that does not was trained as planes come live.

    Returns
    -------
    {"live", "edf"}
    """
    return "edf" if model.card.training.get("normalisation") == "edf" else "live"


def save_model(folder: Path, network: Network, card: ModelCard) -> ModelCard:
    """Write weights, in half precision, and card.

    Parameters
    ----------
    folder : Path
        Made where it is missing.
    network : Network
        The weights.
    card : ModelCard
        Its `sha256` is replaced by that of the file written.

    Returns
    -------
    ModelCard
        As written.
    """
    from safetensors.torch import save

    folder.mkdir(parents=True, exist_ok=True)
    # half the room; and safetensors knows one layout of memory only
    weights = {
        name: (w.half() if w.is_floating_point() else w).contiguous()
        for name, w in network.state_dict().items()
    }
    # and writes more than one line of metadata in any order, which changes the hash
    written = save(weights, metadata={"format": "pt"})
    with replace_file(folder / WEIGHTS) as file:
        file.write(written)
    card = card.model_copy(update={"sha256": hashlib.sha256(written).hexdigest()})
    text = yaml.safe_dump(
        json.loads(card.model_dump_json()), sort_keys=False, allow_unicode=True
    )
    replace_text(folder / CARD, text)
    return card
