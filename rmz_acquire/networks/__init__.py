"""Torch modules only: tensors in, tensors out."""

from __future__ import annotations

from rmz_acquire.networks.recurrent_mz import RecurrentMZ, RecurrentMZConfig, State

__all__ = ["RecurrentMZ", "RecurrentMZConfig", "State"]
