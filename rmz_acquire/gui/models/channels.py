"""The colour in which a channel is shown: by its label, or as somebody has chosen."""

from __future__ import annotations

import json
import re

__all__ = ["PALETTE", "ChannelColours", "colour_of"]

PALETTE = {
    "Blue": "#4a7dff",
    "Cyan": "#2fd4e8",
    "Green": "#35e04a",
    "Yellow": "#f2d93a",
    "Orange": "#ff9a2e",
    "Red": "#ff4438",
    "Magenta": "#ff4bf0",
    "Grey": "#ffffff",
}
"""Colours to choose from: those that microscopists use, light enough on black."""

_UNKNOWN = "Grey"
# what a label says of the emission; far red first, so that it is not taken for red
_DYES = {
    "Magenta": r"cy\s?5|(af|alexa|fluor|atto|cf|jf|\ba)\s?6[3-9]\d|far\s?red|irfp|"
    r"draq|\bsir\b",
    "Orange": r"cy\s?7|icg|(af|alexa|fluor|\ba)\s?7\d\d|near\s?ir\b|\bnir\b",
    "Red": r"texas|tx\s?red|tritc|rhod|cherry|rfp|tomato|scarlet|ruby|kate|cy\s?3|"
    r"propidium|\bpi\b|(af|alexa|fluor|atto|cf|jf|\ba)\s?5[4-9]\d|(\b|ds|hc)red\b",
    "Yellow": r"yfp|venus|citrine|\byellow\b",
    "Green": r"gfp|fitc|fluorescein|neon\s?green|clover|gcamp|calcein|fluo\s?[34]|"
    r"bodipy|(af|alexa|fluor|atto|cf|jf|\ba)\s?488|green\b",
    "Cyan": r"cfp|cerulean|turquoise|\bteal\b|\bcyan\b",
    "Blue": r"dapi|ho\w*ch\w*t|bfp|(af|alexa|fluor|\ba)\s?(350|405)|\bblue\b|\buv\b",
}
# a line of a laser or lamp, nm, where no dye is named
_LINES = {
    "Magenta": r"(?<!\d)6[34]\d(?!\d)",
    "Orange": r"(?<!\d)7\d\d(?!\d)",
    "Red": r"(?<!\d)5[5-9]\d(?!\d)",
    "Yellow": r"(?<!\d)51[0-9](?!\d)",
    "Green": r"(?<!\d)4[7-9]\d(?!\d)",
    "Cyan": r"(?<!\d)4[3-6]\d(?!\d)",
    "Blue": r"(?<!\d)(3[5-9]|40)\d(?!\d)",
}


def colour_of(label: str) -> str:
    """Give the usual colour of a channel by its label.

    Parameters
    ----------
    label : str
        As in the configuration: ``DAPI``, ``mCherry``, ``488 nm``.

    Returns
    -------
    str
        #rrggbb; white, a picture in grey, where the label tells no dye or several.
    """
    # "TexasRed_20x": words that run together are words, too; an exposure is no line
    words = re.sub(r"(?<=[a-z])(?=[A-Z][a-z])", " ", label)
    words = re.sub(r"[_\-/.,+&()]+", " ", words).lower()
    words = re.sub(r"\d+\s?ms\b", "", words)
    for table in (_DYES, _LINES):
        found, left = [], words
        for name, pattern in table.items():
            left, hits = re.subn(pattern, "·", left)
            if hits:
                found.append(name)
        if found:
            return PALETTE[found[0] if len(found) == 1 else _UNKNOWN]
    return PALETTE[_UNKNOWN]


class ChannelColours:
    """Colours of channels: chosen ones, and otherwise those of the labels.

    Parameters
    ----------
    text : str
        As `text` gave it; anything else counts as nothing chosen.
    """

    def __init__(self, text: str = "") -> None:
        try:
            known = json.loads(text) if text else {}
        except ValueError:
            known = {}
        items = known.items() if isinstance(known, dict) else ()
        self._chosen = {
            str(label): colour
            for label, colour in items
            if isinstance(colour, str) and re.fullmatch(r"#[0-9a-fA-F]{6}", colour)
        }

    def of(self, label: str) -> str:
        """Colour of a channel, #rrggbb."""
        return self._chosen.get(label) or colour_of(label)

    def choose(self, label: str, colour: str | None) -> None:
        """Show a channel in a colour, #rrggbb; None for the usual one again."""
        if colour is None or colour == colour_of(label):
            self._chosen.pop(label, None)
        else:
            self._chosen[label] = colour

    def text(self) -> str:
        """What was chosen, to be remembered."""
        return json.dumps(self._chosen, sort_keys=True)
