"""Options that several commands take together, and what is made of them."""

from __future__ import annotations

import functools
import inspect
from dataclasses import dataclass, fields, is_dataclass
from typing import TYPE_CHECKING, Any, get_type_hints

from rmz_acquire.cli.flags import STACK
from rmz_acquire.cli.optics_file import optics_told
from rmz_acquire.cli.options import (
    NA,
    Immersion,
    PixelSize,
    SampleIndex,
    Wavelength,
    ZAxis,
    ZStep,
    positive,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from rmz_acquire.optics import Optics
    from rmz_acquire.stacks import Given, Stack

__all__ = ["OpticsOptions", "StackOptions", "flattened"]


@dataclass(frozen=True)
class OpticsOptions:
    """What is said of the optics."""

    pixel_size: PixelSize = None
    na: NA = None
    immersion: Immersion = None
    wavelength: Wavelength = None
    sample_index: SampleIndex = None

    def __post_init__(self) -> None:
        """Refuse a pixel of no size."""
        if self.pixel_size is not None:
            positive(self.pixel_size, "--pixel-size")

    def optics(
        self,
        told: Optics | Stack | None = None,
        *,
        pixel_size_um: float | None = None,
        file: Path | None = None,
    ) -> Optics | None:
        """Give the optics, as `optics_told` does.

        Parameters
        ----------
        told : Optics, Stack or None
            What the planes came with.
        pixel_size_um : float, optional
            Of the planes, where they have one.
        file : Path, optional
            YAML of `Optics`.
        """
        return optics_told(
            file,
            told,
            na=self.na,
            immersion=self.immersion,
            wavelength_um=self.wavelength,
            pixel_size_um=pixel_size_um or self.pixel_size,
            sample_index=self.sample_index,
        )


@dataclass(frozen=True)
class StackOptions(OpticsOptions):
    """What is said of a stack, where its file does not."""

    z_step: ZStep = None
    z_axis: ZAxis = None

    def __post_init__(self) -> None:
        """Refuse what is not above 0."""
        super().__post_init__()
        if self.z_step is not None:
            positive(self.z_step, "--z-step")

    @property
    def given(self) -> Given:
        """The same for the reading of a stack."""
        from rmz_acquire.stacks import Given

        return Given(
            z_step_um=self.z_step,
            pixel_size_um=self.pixel_size,
            z_axis=self.z_axis,
            names=STACK,
        )


def flattened(command: Callable[..., None]) -> Callable[..., None]:
    """Make the fields of each parameter that is one of these options of a command."""
    signature = inspect.signature(command, eval_str=True)
    groups: dict[str, Any] = {}
    flat: list[inspect.Parameter] = []
    for parameter in signature.parameters.values():
        kind = parameter.annotation
        if not is_dataclass(kind):
            flat.append(parameter)
            continue
        groups[parameter.name] = kind
        hints = get_type_hints(kind, include_extras=True)
        flat += [
            parameter.replace(
                name=field.name, annotation=hints[field.name], default=field.default
            )
            for field in fields(kind)
        ]

    @functools.wraps(command)
    def called(**given: Any) -> None:
        for name, kind in groups.items():
            told = {field.name: given.pop(field.name) for field in fields(kind)}
            given[name] = kind(**told)
        command(**given)

    # what typer reads; options come last, since all of them have defaults
    flat.sort(key=lambda parameter: parameter.default is not parameter.empty)
    called.__signature__ = signature.replace(parameters=flat)  # type: ignore[attr-defined]
    called.__annotations__ = {each.name: each.annotation for each in flat}
    return called
