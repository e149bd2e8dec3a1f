"""Asks once before an experiment's file may name code that is somebody else's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QMessageBox, QWidget

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["ForeignCode"]


class ForeignCode:
    """Remembers what was agreed to, until the window closes.

    Parameters
    ----------
    parent : QWidget
        The window.
    """

    def __init__(self, parent: QWidget) -> None:
        self._parent = parent
        self._agreed: set[str] = set()

    def ask(
        self,
        file: str,
        names: Sequence[str],
        agreed: Callable[[], None],
        refused: Callable[[], None],
    ) -> None:
        """Call one of two, at once where there is nothing new to be asked.

        Parameters
        ----------
        file : str
            Name of the file, for people.
        names : sequence of str
            Classes that would be imported, ``package.module:Class``.
        agreed, refused : callable
            What follows.
        """
        new = [name for name in names if name not in self._agreed]
        if not new:
            agreed()
            return
        box = QMessageBox(self._parent)
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        box.setIcon(QMessageBox.Icon.Question)
        box.setWindowTitle("Third-party code")
        box.setText(f"{file} names code that is not part of rmz-acquire:")
        listed = "\n".join(new)
        box.setInformativeText(
            f"{listed}\n\nIt is imported from what is installed on this computer, or "
            "from the folder of plugins, never from the file's own folder. Use it?"
        )
        use = box.addButton("Use it", QMessageBox.ButtonRole.AcceptRole)
        box.addButton(QMessageBox.StandardButton.Cancel)

        def answered() -> None:
            if box.clickedButton() is use:
                self._agreed.update(new)
                agreed()
            else:
                refused()

        box.finished.connect(answered)
        box.open()
