"""What a window remembers of its layout from one day to the next."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from PyQt6.QtCore import QSettings
    from PyQt6.QtWidgets import QMainWindow, QSplitter

__all__ = ["Layout"]

_VERSION = 2


class Layout:
    """Geometry, docks and splitters of a window.

    Parameters
    ----------
    window : QMainWindow
        As it is laid out first: the standard that one can go back to.
    splitters : mapping
        By the names under which they are remembered.
    store : QSettings
        Where.
    """

    def __init__(
        self, window: QMainWindow, splitters: Mapping[str, QSplitter], store: QSettings
    ) -> None:
        self._window = window
        self._splitters = splitters
        self._store = store
        self._first = window.saveState(_VERSION)

    def save(self) -> None:
        """Write it down."""
        self._store.setValue("geometry", self._window.saveGeometry())
        self._store.setValue("docks", self._window.saveState(_VERSION))
        for name, splitter in self._splitters.items():
            self._store.setValue(f"split/{name}", splitter.saveState())

    def restore(self) -> None:
        """Lay the window out as it was."""
        geometry, docks = self._store.value("geometry"), self._store.value("docks")
        if geometry is not None:
            self._window.restoreGeometry(geometry)
        if docks is not None:
            self._window.restoreState(docks, _VERSION)
        for name, splitter in self._splitters.items():
            value = self._store.value(f"split/{name}")
            if value is not None:
                splitter.restoreState(value)

    def standard(self) -> None:
        """Lay the docks out as they were first."""
        self._window.restoreState(self._first, _VERSION)
