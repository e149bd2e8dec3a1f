"""Adaptive z-scans on Micro-Manager with a recurrent network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rmz_acquire.errors import InputError, ScanFailed

if TYPE_CHECKING:
    from rmz_acquire.acquisition import open_core
    from rmz_acquire.experiments import load, resume, run

    __version__: str

__all__ = [
    "InputError",
    "ScanFailed",
    "__version__",
    "load",
    "open_core",
    "resume",
    "run",
]


def __getattr__(name: str) -> Any:
    """Import what is heavy (torch, Micro-Manager) only when it is asked for."""
    if name == "__version__":
        from importlib.metadata import PackageNotFoundError, version

        try:
            return version("rmz-acquire")
        except PackageNotFoundError:  # run from a folder that nobody installed
            return "0+unknown"
    if name == "open_core":
        from rmz_acquire import acquisition

        return acquisition.open_core
    if name in ("load", "resume", "run"):
        from rmz_acquire import experiments

        return getattr(experiments, name)
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)


def __dir__() -> list[str]:
    """What is meant to be used."""
    return __all__
