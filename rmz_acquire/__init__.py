"""Adaptive z-scans on Micro-Manager with a recurrent network."""

from __future__ import annotations

__all__ = ["__version__"]

__version__ = "0.1.0"
