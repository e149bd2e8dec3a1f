"""Adaptive z-scans on Micro-Manager with a recurrent network."""

from __future__ import annotations

from rmz_acquire.errors import InputError, ScanFailed

__all__ = ["InputError", "ScanFailed", "__version__"]

__version__ = "0.1.0"
