"""The volumes of an experiment: what useq's events say, with z left open.

A plain run of a `useq.MDASequence` is a list of events. Here those that differ in z
alone are taken together as one `Volume`: where it is, how it is lit, and the z grid
that is its outer bound. The scan then chooses the z; everything else stays as the
events have it, one after the other as they come.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import useq
from useq import HardwareAutofocus

from rmz_acquire.errors import InputError
from rmz_acquire.methods import NO_VOLUME
from rmz_acquire.scanning import ScanPlan

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rmz_acquire.experiments.block import ExperimentSettings

__all__ = ["Volume", "channel_of_index", "channels_at", "volumes_of"]

_AXES = "tpgc"


@dataclass(frozen=True, slots=True)
class Volume:
    """One volume of an experiment, or one plane where the sequence asks for no stack.

    Parameters
    ----------
    number : int
        Its place in the experiment, from 0.
    first : useq.MDAEvent
        The first event that a plain run has here.
    z_um : tuple of float
        Every z that a plain run takes here, in its order, µm; a single one where the
        channel is not stacked (``do_stack: false``).
    base_um : float
        What the z_plan counts from, µm: for an absolute one the channel's offset.
    autofocus : useq.MDAEvent or None
        The hardware autofocus before it.
    camera : str or None
        Label of the camera that its channel names.
    """

    number: int
    first: useq.MDAEvent
    z_um: tuple[float, ...]
    base_um: float
    autofocus: useq.MDAEvent | None
    camera: str | None = None

    @property
    def index(self) -> dict[str, int]:
        """Its index without z: t, p, g and c, as far as the sequence has them."""
        return {axis: n for axis, n in self.first.index.items() if axis != "z"}

    @property
    def key(self) -> tuple[int, int, int, int]:
        """The same as (t, p, g, c), 0 for an axis that the sequence has not."""
        index = self.index
        t, p, g, c = (index.get(axis, 0) for axis in _AXES)
        return t, p, g, c

    @property
    def channel(self) -> str | None:
        """Name of its channel."""
        return None if self.first.channel is None else self.first.channel.config

    @property
    def name(self) -> str:
        """The same for people: "t 0 p 1 GFP"."""
        axes = [f"{axis} {n}" for axis, n in self.index.items() if axis != "c"]
        return " ".join([*axes, self.channel or ""]).strip() or "the volume"

    @property
    def single(self) -> bool:
        """Whether it is one plane only, with nothing to decide."""
        return len(self.z_um) == 1

    def event(self, z_um: float, order: int) -> useq.MDAEvent:
        """Make the event that takes a plane.

        Parameters
        ----------
        z_um : float
            Where, µm.
        order : int
            How many planes of this volume were taken before.

        Returns
        -------
        useq.MDAEvent
            Its index z is that of the nearest z of the plan, so that a viewer shows
            the plane in its place; ``metadata["rmz_acquire"]`` has the order.
        """
        first = self.first
        nearest = int(np.argmin(np.abs(np.asarray(self.z_um) - z_um)))
        index = {**first.index}
        if "z" in index and not self.single:
            index["z"] = nearest
        update: dict[str, Any] = {
            "index": type(first.index)(index),
            "z_pos": z_um,
            "metadata": {**first.metadata, "rmz_acquire": {"order": order}},
        }
        if order > 0:
            update |= {"reset_event_timer": False, "properties": None}
        return first.model_copy(update=update)

    def plan(
        self, settings: ExperimentSettings, z_exact_um: Sequence[float] | None = None
    ) -> ScanPlan:
        """Plan its scan.

        Parameters
        ----------
        settings : ExperimentSettings
            The block.
        z_exact_um : sequence of float, optional
            Take these z, µm (the stage's), as a channel does that follows another.

        Returns
        -------
        ScanPlan

        Raises
        ------
        InputError
            If the settings make no sense on this grid.
        """
        exact = z_exact_um
        if exact is None and settings.z_um is not None:
            exact = [round(z + self.base_um, 9) for z in settings.z_um]
        if exact is None and settings.estimator == NO_VOLUME:
            exact = self.z_um
        options = settings.plan_options()
        try:
            return ScanPlan.from_grid(
                sorted(self.z_um),
                **options,
                z_exact_um=None if exact is None else tuple(exact),
            )
        except InputError as error:
            # as the block calls it
            raise InputError(str(error).replace("z_exact_um", "z_um")) from error


def volumes_of(sequence: useq.MDASequence, here_um: float = 0.0) -> list[Volume]:
    """Take the events of a sequence together to volumes.

    Parameters
    ----------
    sequence : useq.MDASequence
        The experiment.
    here_um : float
        Where the focus stage stands, µm: what a relative z_plan counts from where
        the sequence has no positions.

    Returns
    -------
    list of Volume
        In the order in which they are taken.

    Raises
    ------
    InputError
        If z is not the innermost axis, there is no z_plan, or a position that a
        relative z_plan counts from has no z. Names the key.
    """
    # a copy: an autofocus plan remembers where its last iteration ended
    sequence = sequence.model_copy(deep=True)
    _check_axis_order(sequence, "axis_order")
    for number, position in enumerate(sequence.stage_positions):
        if position.sequence is not None:
            where = f"stage_positions.{number}.sequence.axis_order"
            _check_axis_order(position.sequence, where)
    made: list[Volume] = []
    for group in _groups(sequence):
        first, autofocus = group.first, group.autofocus
        plan, z_of_position, where = _z_plan_of(sequence, first.index)
        shift = 0.0
        channel = channel_of_index(sequence, first.index)
        base = 0.0 if channel is None else float(channel.z_offset)
        if plan is not None and plan.is_relative:
            if first.index.get("p") is None:
                shift = here_um
            elif z_of_position is None:
                msg = (
                    f"{where}.z is missing: the z_plan is relative to it "
                    "(or make the z_plan absolute)"
                )
                raise InputError(msg)
            base += (z_of_position or 0.0) + shift
        z_um = tuple(round(z + shift, 9) for z in group.z_um)
        if shift:
            first = first.model_copy(update={"z_pos": z_um[0]})
            if autofocus is not None and autofocus.z_pos is not None:
                here = autofocus.z_pos + shift
                autofocus = autofocus.model_copy(update={"z_pos": here})
        camera = None if channel is None else channel.camera
        made.append(Volume(len(made), first, z_um, base, autofocus, camera))
    if not any(not volume.single for volume in made):
        msg = "z_plan is missing, or has one plane: it is the outer bound of a scan"
        raise InputError(msg)
    return made


@dataclass(slots=True)
class _Group:
    """Events that differ in z alone, as they are found."""

    first: useq.MDAEvent
    autofocus: useq.MDAEvent | None
    z_um: list[float]


def _groups(sequence: useq.MDASequence) -> Iterable[_Group]:
    """Collect the events that differ in z alone, in the order of the first of each.

    useq goes over the z of a whole sequence before it goes over the grid of one
    position: there, too, z becomes the innermost.
    """
    groups: dict[tuple[tuple[str, int], ...], _Group] = {}
    autofocus: useq.MDAEvent | None = None
    for event in sequence.iter_events():
        if isinstance(event.action, HardwareAutofocus):
            autofocus = autofocus or event
            continue
        key = tuple(item for item in event.index.items() if item[0] != "z")
        group = groups.setdefault(key, _Group(event, autofocus, []))
        group.z_um.append(_z(event))
        # one that comes between the planes of a volume is left out: once per volume
        autofocus = None
    return groups.values()


def _check_axis_order(sequence: useq.MDASequence, key: str) -> None:
    used = sequence.used_axes
    if "z" in used and used[-1] != "z":
        msg = (
            f"{key}: z must come last, since the scan of a volume chooses it, "
            f"not {used!r}"
        )
        raise InputError(msg)


def _z(event: useq.MDAEvent) -> float:
    if event.z_pos is None:
        axes = ", ".join(f"{axis} {n}" for axis, n in event.index.items())
        msg = (
            f"z_plan is missing for the plane at {axes}, and its position has no z: "
            "give stage_positions.z or a z_plan"
        )
        raise InputError(msg)
    return float(event.z_pos)


def _z_plan_of(sequence: useq.MDASequence, index: Any) -> tuple[Any, float | None, str]:
    """Which z_plan holds here, the z of the position, and the position's key."""
    number = index.get("p")
    if number is None:
        return sequence.z_plan, None, ""
    position = sequence.stage_positions[number]
    inner = position.sequence
    plan = sequence.z_plan
    if inner is not None and inner.z_plan:
        plan = inner.z_plan
    z_um = None if position.z is None else float(position.z)
    return plan, z_um, f"stage_positions.{number}"


def channels_at(
    sequence: useq.MDASequence, place: int | None
) -> tuple[tuple[useq.Channel, ...], str]:
    """Give the channels that hold at a position, by index c, and the key they have.

    Parameters
    ----------
    sequence : useq.MDASequence
        The experiment.
    place : int or None
        Index of the position.
    """
    if place is not None:
        inner = sequence.stage_positions[place].sequence
        if inner is not None and inner.channels:
            return inner.channels, f"stage_positions.{place}.sequence.channels"
    return sequence.channels, "channels"


def channel_of_index(sequence: useq.MDASequence, index: Any) -> useq.Channel | None:
    """Give the channel of an event by its index; None where there are none."""
    channels, _ = channels_at(sequence, index.get("p"))
    return channels[index.get("c", 0)] if channels else None
