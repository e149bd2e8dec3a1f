"""Released models: weights, the card that says what they are for, the choice of one."""

from __future__ import annotations

from rmz_acquire.models.card import Budget, ModelCard
from rmz_acquire.models.choice import (
    DEFAULT_MODEL,
    LAYERS_MODEL,
    WIDE_MODEL,
    Default,
    default_for,
    instead_of,
    misfits_of,
    suitable_model,
    tells_spread,
)
from rmz_acquire.models.store import (
    LoadedModel,
    comparison_models,
    list_models,
    load_model,
    normalisation_kind,
    read_card,
    save_model,
)

__all__ = [
    "DEFAULT_MODEL",
    "LAYERS_MODEL",
    "WIDE_MODEL",
    "Budget",
    "Default",
    "LoadedModel",
    "ModelCard",
    "comparison_models",
    "default_for",
    "instead_of",
    "list_models",
    "load_model",
    "misfits_of",
    "normalisation_kind",
    "read_card",
    "save_model",
    "suitable_model",
    "tells_spread",
]
