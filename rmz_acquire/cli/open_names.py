"""Options that take a name of ours, or the name of somebody else's class."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Annotated

import typer

from rmz_acquire.cli.flags import flagged
from rmz_acquire.errors import InputError
from rmz_acquire.methods import DEFAULT_METHOD
from rmz_acquire.plugins import ESTIMATOR, POLICY, STOP_RULE, Kind, allow, is_name, load

__all__ = [
    "PLUGINS",
    "AnyEstimator",
    "AnyPolicy",
    "AnyStopRule",
    "Plugins",
    "allow_plugins",
    "load_named",
]

PLUGINS = {"a folder of plugins": "the folder of --plugins"}
"""Of what is imported by name."""


def _one_of(kind: Kind, value: str | None) -> str | None:
    names = kind.ours
    if value is None or value in names or is_name(kind, value):
        return value
    near = difflib.get_close_matches(value, names, 1)
    meant = f"; did you mean {near[0]}?" if near else ""
    told = ", ".join(repr(name) for name in names)
    among = f"one of {told} or " if told else ""
    msg = f"{value!r} is not {among}package.module:Class{meant}"
    raise typer.BadParameter(msg)


def _estimator(value: str | None) -> str | None:
    return _one_of(ESTIMATOR, value)


def _stop_rule(value: str | None) -> str | None:
    return _one_of(STOP_RULE, value)


def _policy(value: str | None) -> str | None:
    return _one_of(POLICY, value)


AnyEstimator = Annotated[
    str | None,
    typer.Option(
        "--estimator",
        metavar=f"[{'|'.join(ESTIMATOR.ours)}|package.module:Class]",
        callback=_estimator,
        help=f"What computes the volume from the planes; by default {DEFAULT_METHOD} "
        "(richardson-lucy, and a network where it fits), or recurrent-mz with --model.",
    ),
]
AnyPolicy = Annotated[
    str,
    typer.Option(
        "--policy",
        metavar=f"[{'|'.join(POLICY.ours)}|package.module:Class]",
        callback=_policy,
        help="Where the next plane is taken.",
        rich_help_panel="Scan",
    ),
]
AnyStopRule = Annotated[
    str | None,
    typer.Option(
        "--stop-rule",
        metavar=f"[{'|'.join(STOP_RULE.ours)}|package.module:Class]",
        callback=_stop_rule,
        help="When to stop; by default guarded. paper uses --epsilon alone.",
        rich_help_panel="Scan",
    ),
]
Plugins = Annotated[
    Path | None,
    typer.Option(
        "--plugins",
        help="Also import estimators and policies from this folder, not only installed "
        "ones.",
        metavar="DIR",
    ),
]


def allow_plugins(folder: Path | None) -> None:
    """Let modules in a folder be imported by name.

    Raises
    ------
    InputError
        Naming the option.
    """
    if folder is None:
        return
    try:
        allow(folder)
    except InputError as error:
        raise InputError(f"--plugins {error}") from error


def load_named(kind: Kind, name: str, option: str) -> type:
    """Import somebody else's class.

    Raises
    ------
    InputError
        In one line that names the option.
    """
    try:
        with flagged(PLUGINS):
            return load(kind, name)
    except InputError as error:
        raise InputError(f"{option}: {error}") from error
