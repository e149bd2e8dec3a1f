"""The icons of the window and of the widgets in it, shipped: no network is asked.

pymmcore-widgets and superqt take icons through pyconify, which fetches each from the
internet and first asks there for news; microscope computers are offline. `install`
answers both questions from the files beside this one (Material Design Icons, Apache
2.0, and Bootstrap Icons, MIT; their licences lie here too). What is not shipped is
drawn as a dot.
"""

from __future__ import annotations

import json
import logging
from functools import cache
from importlib.resources import files
from typing import Any

__all__ = ["install", "svg", "window_icon"]

logger = logging.getLogger(__name__)

_FALLBACK = ("mdi", "circle-small")
# ndv asks for these of sets of which nothing else is used
_ALIASES = {
    ("foundation", "graph-bar"): ("mdi", "chart-bar"),
    ("fluent", "full-screen-maximize-24-filled"): ("mdi", "fullscreen"),
    ("f7", "view-2d"): ("mdi", "video-2d"),
    ("f7", "view-3d"): ("mdi", "video-3d"),
}
# upstream leaves many icons black, which nobody sees on a dark ground
_PLAIN = "#8a93a0"
_TURNS = {
    1: 90,
    2: 180,
    3: 270,
    90: 90,
    180: 180,
    270: 270,
    "90": 90,
    "180": 180,
    "270": 270,
    "-90": 270,
}


@cache
def _shipped(prefix: str) -> dict[str, Any]:
    file = files(__package__) / f"{prefix}.json"
    if not file.is_file():
        return {"icons": {}, "width": 24, "height": 24}
    data: dict[str, Any] = json.loads(file.read_text("utf-8"))
    return data


def svg(
    *key: str,
    color: str | None = None,
    height: str | int | None = None,
    width: str | int | None = None,
    flip: str | None = None,
    rotate: str | int | None = None,
    box: bool | None = None,
) -> bytes:
    """Give a shipped icon as SVG; stands in for `pyconify.svg`.

    Parameters
    ----------
    *key : str
        ``"mdi:play"``, or ``"mdi", "play"``.
    color : str, optional
        In place of ``currentColor``; by default a grey for dark and light grounds.
    height, width, flip, rotate, box
        As for pyconify.

    Returns
    -------
    bytes
        A whole SVG document.
    """
    prefix, name = key if len(key) == 2 else key[0].split(":", 1)
    prefix, name = _ALIASES.get((prefix, name), (prefix, name))
    data = _shipped(prefix)
    if name not in data["icons"]:
        logger.warning("icon %s:%s is not shipped: drawn as a dot", prefix, name)
        prefix, name = _FALLBACK
        data = _shipped(prefix)
    wide, high = data["width"], data["height"]
    body = data["icons"][name]
    turn = _TURNS.get(rotate, 0) if rotate is not None else 0
    moves = [f"rotate({turn} {wide / 2} {high / 2})"] if turn else []
    if flip:
        across = -1 if "horizontal" in flip else 1
        down = -1 if "vertical" in flip else 1
        shift = f"{wide if across < 0 else 0} {high if down < 0 else 0}"
        moves.append(f"translate({shift}) scale({across} {down})")
    if moves:
        body = f'<g transform="{" ".join(moves)}">{body}</g>'
    if box:
        body = f'<rect width="{wide}" height="{high}" fill="none"/>{body}'
    text = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width or "1em"}" '
        f'height="{height or "1em"}" viewBox="0 0 {wide} {high}">{body}</svg>'
    )
    return text.replace("currentColor", color or _PLAIN).encode()


def window_icon() -> str:
    """Path of the program's own icon, SVG."""
    return str(files(__package__) / "window.svg")


def install() -> None:
    """Let pyconify give the shipped icons and never ask the network."""
    import pyconify
    import pyconify.api

    def last_modified(*prefixes: str) -> dict[str, int]:
        return {}

    for module in (pyconify, pyconify.api):
        vars(module).update(svg=svg, last_modified=last_modified)
