"""Channels are shown in the colour of their label, or the one that was chosen."""

from __future__ import annotations

import numpy as np
import pytest
from grabbing import pixels_of
from PyQt6.QtGui import QColor
from PyQt6.QtWidgets import QDialog

from rmz_acquire.gui.controllers.state import State
from rmz_acquire.gui.models.channels import PALETTE, ChannelColours, colour_of

LABELS = {
    "Blue": "DAPI, Hoechst, hoechst, Hoechst 33342, BFP, DAPI_20x, 405",
    "Green": "GFP, EGFP, sfGFP, FITC, fitc, Alexa 488, AF488, 488 nm, mNeonGreen, "
    "FITC-20x, 488, GFP 560ms, Fluo-4, Ex488",
    "Red": "TRITC, mCherry, MCHERRY, TexasRed, Texas Red, TEXAS RED, RFP, texas-red, "
    "mRFP, Rhodamine, tdTomato, Cy3, Alexa 568, 561, Red",
    "Magenta": "Cy5, CY5, Cy 5, Cy5.5, AF647, Far Red, iRFP670, SiR",
    "Cyan": "CFP",
    "Yellow": "YFP",
    "Grey": "Brightfield, DIC, Phase, camera, , DAPI/FITC, GFP+mCherry, Filtered",
}


@pytest.mark.parametrize(
    ("label", "name"),
    [(label, name) for name, told in LABELS.items() for label in told.split(", ")],
)
def test_a_label_tells_its_colour(label, name):
    assert colour_of(label) == PALETTE[name]


def test_dominant_primaries():
    for name, k in (("Red", 0), ("Green", 1), ("Blue", 2)):
        code = QColor(PALETTE[name])
        values = [code.red(), code.green(), code.blue()]
        assert values.index(max(values)) == k
    assert np.ptp([QColor(PALETTE["Grey"]).red(), QColor(PALETTE["Grey"]).blue()]) == 0


def test_what_was_chosen_is_remembered_and_nonsense_is_not():
    colours = ChannelColours()
    colours.choose("GFP", PALETTE["Cyan"])
    again = ChannelColours(colours.text())
    assert again.of("GFP") == PALETTE["Cyan"] and again.of("RFP") == PALETTE["Red"]
    again.choose("GFP", None)
    assert again.of("GFP") == PALETTE["Green"] and again.text() == "{}"
    for text in ("[1]", "{", '{"GFP": "no colour"}', '{"GFP": 3}'):
        assert ChannelColours(text).of("GFP") == PALETTE["Green"]


def hue_of(view):
    """Which of red, green and blue is strongest in the brightest pixels."""
    pixels = pixels_of(view.canvas).reshape(-1, 3).astype(int)
    coloured = pixels[np.ptp(pixels, axis=1) > 100]
    assert len(coloured) > 50
    return "rgb"[int(coloured.mean(axis=0).argmax())]


def test_live_pictures_and_runs_have_the_colour_of_their_channel(desk):
    desk.connect()
    window, core = desk.window, desk.presenter.microscope.core
    core.setProperty("Camera", "Specimen", "nuclei")
    window.live.trigger()
    for preset, hue in (("RFP", "r"), ("DAPI", "b"), ("GFP", "g")):
        core.setConfig("Channel", preset)
        desk.until(
            lambda p=preset: (
                desk.presenter.facts.channel == ("Channel", p)
                and window.camera._channel_colour == colour_of(p)
            )
        )
        desk.bot.wait(200)
        assert hue_of(window.camera) == hue
    window.live.trigger()
    desk.until(lambda: desk.state is State.ready)
    core.setConfig("Channel", "RFP")
    desk.until(lambda: desk.presenter.facts.channel == ("Channel", "RFP"))
    desk.fill(max_planes=4)
    desk.scan()
    desk.finish()
    assert hue_of(window.volume) == hue_of(window.camera) == "r"
    # a run keeps its colour while the microscope goes on to another channel
    core.setConfig("Channel", "DAPI")
    desk.until(lambda: desk.presenter.facts.channel == ("Channel", "DAPI"))
    window.runs.list.itemActivated.emit(window.runs.list.item(0))
    desk.bot.wait(300)
    assert hue_of(window.volume) == "r"


def test_a_colour_is_chosen_in_the_dialog(desk):
    desk.connect()
    window = desk.window
    window.channel_colours.trigger()
    (dialog,) = window.findChildren(QDialog, "channel colours")
    assert list(dialog.boxes) == ["Cy5", "DAPI", "GFP", "RFP"]
    box = dialog.boxes["GFP"]
    assert box.currentData() == PALETTE["Green"]
    window.colouring.camera_shows("GFP")
    box.setCurrentIndex(box.findData(PALETTE["Orange"]))
    box.activated.emit(box.currentIndex())
    assert window.camera._channel_colour == PALETTE["Orange"]
    dialog.close()
    from rmz_acquire.gui.views.colouring import Colouring

    panes = window.camera, window.volume
    assert (
        Colouring(window, window.store, *panes).colours.of("GFP") == PALETTE["Orange"]
    )
