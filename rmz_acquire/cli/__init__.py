"""The command line: parses, calls, prints. What a run is stands in other rooms."""

from __future__ import annotations

from rmz_acquire.cli.app import main

__all__ = ["main"]
