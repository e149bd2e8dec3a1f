"""The quality of a scan in three steps, each with what it asks for and its time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import pyqtSignal
from PyQt6.QtWidgets import QButtonGroup, QGridLayout, QLabel, QRadioButton, QWidget

from rmz_acquire.gui.models.cost import duration
from rmz_acquire.gui.models.quality import CUSTOM, QUALITIES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rmz_acquire.gui.models.cost import Cost

__all__ = ["QualityBox"]


class QualityBox(QWidget):
    """Fast, balanced, careful; and custom, where the settings are none of these."""

    chosen = pyqtSignal(str)

    def __init__(self) -> None:
        super().__init__()
        self._group = QButtonGroup(self)
        self.buttons: dict[str, QRadioButton] = {}
        self.notes: dict[str, QLabel] = {}
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(3)
        grid.setColumnStretch(1, 1)
        titles = {name: quality.title for name, quality in QUALITIES.items()}
        for row, (name, title) in enumerate({**titles, CUSTOM: "Custom"}.items()):
            button, note = QRadioButton(title), QLabel()
            note.setObjectName("muted")
            note.setWordWrap(True)
            self._group.addButton(button)
            self.buttons[name], self.notes[name] = button, note
            grid.addWidget(button, row, 0)
            grid.addWidget(note, row, 1)
            if name != CUSTOM:
                button.clicked.connect(lambda _, n=name: self.chosen.emit(n))
        for name, quality in QUALITIES.items():
            said = (
                f"Stops when a plane changes the volume by less than "
                f"{quality.epsilon:.0%} (epsilon), after {quality.min_planes} planes "
                "or more.\nMore planes than that are needed where none may be far "
                "from all taken."
            )
            self.buttons[name].setToolTip(said)
            self.notes[name].setToolTip(said)
        self.notes[CUSTOM].setText("as set under More")
        self.show_quality("balanced")

    def show_quality(self, name: str) -> None:
        """Show which step the settings are."""
        self.buttons[name].setChecked(True)
        for widget in (self.buttons[CUSTOM], self.notes[CUSTOM]):
            widget.setVisible(name == CUSTOM)

    def show_costs(self, costs: Mapping[str, Cost | None]) -> None:
        """Say beside each step what it asks for, and how long it takes at least."""
        for name, quality in QUALITIES.items():
            cost = costs.get(name)
            fewest = quality.min_planes if cost is None else cost.fewest
            said = f"ε {quality.epsilon:.0%}, from {fewest} planes"
            least = None if cost is None else cost.seconds(cost.fewest)
            if least is not None:
                said += f", {duration(least)}"
            self.notes[name].setText(said)
