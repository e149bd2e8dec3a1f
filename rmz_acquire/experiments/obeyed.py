"""Whether useq makes of a sequence what stands in it.

Where a position has a sequence of its own, useq leaves out some of what the whole
experiment says (a channel's offset, a channel that is not the first), without a word.
Each volume is therefore compared with what its channel, position and z_plan ask for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rmz_acquire.errors import InputError
from rmz_acquire.experiments.volumes import channel_of_index, channels_at

if TYPE_CHECKING:
    import useq

    from rmz_acquire.experiments.volumes import Volume

__all__ = ["check_obeyed"]

_SAME = 1e-6


def check_obeyed(sequence: useq.MDASequence, volumes: list[Volume]) -> None:
    """Refuse a sequence of which useq leaves something out.

    Parameters
    ----------
    sequence : useq.MDASequence
        The experiment.
    volumes : list of Volume
        What `volumes_of` made of it.

    Raises
    ------
    InputError
        Naming the key that has no effect.
    """
    taken: dict[tuple[int | None, int], set[int]] = {}
    seen = set()
    for volume in volumes:
        index = volume.index
        place, t, c = index.get("p"), index.get("t", 0), index.get("c", 0)
        taken.setdefault((place, t), set()).add(c)
        alike = (place, c, volume.z_um, volume.base_um)
        if alike not in seen:
            seen.add(alike)
            _check_z(sequence, volume)
        channel = channel_of_index(sequence, index)
        if channel is None:
            continue
        if channel.exposure != volume.first.exposure:
            _refuse(sequence, volume, "exposure", "another one would be used")
        if t % channel.acquire_every:
            _refuse(sequence, volume, "acquire_every", "it would be taken every time")
    for (place, t), found in taken.items():
        channels, key = channels_at(sequence, place)
        for c, channel in enumerate(channels):
            if c not in found and t % channel.acquire_every == 0:
                msg = f"{key}.{c}: it would be left out{_at(place)}"
                raise InputError(msg)
    for place in range(len(sequence.stage_positions)):
        if not any(p == place for p, _ in taken):
            msg = f"stage_positions.{place}: nothing would be taken there"
            raise InputError(msg)


def _check_z(sequence: useq.MDASequence, volume: Volume) -> None:
    index = volume.index
    place = index.get("p")
    position = None if place is None else sequence.stage_positions[place]
    inner = None if position is None else position.sequence
    plan = sequence.z_plan
    if inner is not None and inner.z_plan is not None:
        plan = inner.z_plan
    channel = channel_of_index(sequence, index)
    if plan is None:
        if channel is not None and channel.z_offset:
            _refuse(sequence, volume, "z_offset", "it would not be added")
        return
    ordered = list(plan)
    if channel is not None and not channel.do_stack:
        middle = ordered[plan.num_positions() // 2]
        if not volume.single:
            _refuse(sequence, volume, "do_stack", "a stack would be taken")
        ordered = [middle]
    wanted = [z + volume.base_um for z in ordered]
    if _same(volume.z_um, wanted):
        return
    offset = 0.0 if channel is None else channel.z_offset
    if offset and _same(volume.z_um, [z - offset for z in wanted]):
        _refuse(sequence, volume, "z_offset", "it would not be added")
    key = "z_plan" if place is None else f"stage_positions.{place}.sequence"
    msg = (
        f"{key}: {len(volume.z_um)} planes would be taken of {volume.name}, not the "
        f"{len(wanted)} of its z_plan"
    )
    raise InputError(msg)


def _refuse(sequence: useq.MDASequence, volume: Volume, name: str, what: str) -> None:
    place, c = volume.index.get("p"), volume.index.get("c", 0)
    _, key = channels_at(sequence, place)
    msg = f"{key}.{c}.{name}: {what}{_at(place)}"
    raise InputError(msg)


def _at(place: int | None) -> str:
    if place is None:
        return ""
    return (
        f" at stage_positions.{place}, which has a sequence of its own: give channels, "
        "z_plan and autofocus_plan there, or none of them"
    )


def _same(a: tuple[float, ...], b: list[float]) -> bool:
    return len(a) == len(b) and all(
        abs(x - y) <= _SAME for x, y in zip(sorted(a), sorted(b), strict=True)
    )
