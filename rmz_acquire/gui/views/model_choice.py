"""A choice of models: which of them fit, and what to choose instead."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtWidgets import QComboBox, QFileDialog, QLabel, QVBoxLayout, QWidget

from rmz_acquire.gui.models.fitting import Site
from rmz_acquire.gui.views.form_fields import may_shrink, restyle
from rmz_acquire.models import list_models

if TYPE_CHECKING:
    from rmz_acquire.gui.models.fitting import Fit

__all__ = ["ModelChoice"]

_OTHER = "Choose a folder…"
_USE, _WITHOUT = "use:", "without:"


class ModelChoice(QWidget):
    """A list of models with marks on those that fit, and a word on the chosen one."""

    changed = pyqtSignal()
    #: An estimator that needs no model is wanted.
    without_asked = pyqtSignal()

    def __init__(self) -> None:
        super().__init__()
        self.site = Site()
        self._chosen: str | None = None
        self.model = may_shrink(QComboBox())
        self.model.setToolTip("The trained network; its card says what it is for")
        self.fit = QLabel()
        self.fit.setWordWrap(True)
        self.fit.linkActivated.connect(self._follow)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(5)
        column.addWidget(self.model)
        column.addWidget(self.fit)
        self.refresh_models()
        self.model.activated.connect(self._activated)

    @property
    def chosen(self) -> str | None:
        """Name or folder of the model; None for the one that fits."""
        return self._chosen

    def refresh_models(self) -> None:
        """List the bundled models, and one from elsewhere that is chosen."""
        names: list[str | None] = [None, *list_models()]
        if self._chosen not in names:
            names.insert(1, self._chosen)
        self.model.clear()
        for name in names:
            self.model.addItem("", name)
        self.model.insertSeparator(self.model.count())
        self.model.addItem(_OTHER, _OTHER)
        self.model.setCurrentIndex(self.model.findData(self._chosen))
        self.show_fit()

    def choose(self, name: str | None) -> None:
        """Choose a model by its name or folder, which need not be in the list."""
        self._chosen = name
        if self.model.findData(name) < 0:
            self.refresh_models()
        self.model.setCurrentIndex(self.model.findData(name))
        self.show_fit()

    def set_site(self, site: Site) -> None:
        """Take optics and range, which say what fits."""
        if site != self.site:
            self.site = site
            self.show_fit()

    def show_fit(self) -> None:
        """Mark the list, and say of the chosen one whether it fits."""
        for index in range(self.model.count()):
            name = self.model.itemData(index)
            if name == _OTHER or (
                name is None and not self.model.itemText(index) and index
            ):
                continue
            fit = self.site.fit(name)
            self.model.setItemText(index, self._title(name, fit))
            tip = fit.more or fit.text
            self.model.setItemData(index, tip, Qt.ItemDataRole.ToolTipRole)
        fit = self.site.fit(self._chosen)
        self.fit.setText(_with_link(fit))
        self.fit.setToolTip(fit.more)
        self.fit.setObjectName(fit.kind)
        restyle(self.fit)

    def _title(self, name: str | None, fit: Fit) -> str:
        if name is None:
            proposed = self.site.proposed()
            return "Automatic" if proposed is None else f"Automatic: {proposed}"
        shown = Path(name).name
        if not self.site.optics:
            return shown
        return f"{shown}  ✓ fits" if fit.fits else f"{shown}  – does not fit"

    def _activated(self) -> None:
        name = self.model.currentData()
        if name == _OTHER:
            self.model.setCurrentIndex(self.model.findData(self._chosen))
            name = QFileDialog.getExistingDirectory(self, "Folder of a model")
            if not name:
                return
        self.choose(name)
        self.changed.emit()

    def _follow(self, link: str) -> None:
        if link.startswith(_WITHOUT):
            self.without_asked.emit()
        else:
            self.choose(link.removeprefix(_USE))
            self.changed.emit()


def _with_link(fit: Fit) -> str:
    """The words, with what to choose as a link."""
    text = fit.text.replace("<", "&lt;")
    if fit.instead is None:
        return text
    if not fit.instead:
        return (
            f'{text} <a href="{_WITHOUT}">Use the Wiener filter</a>, which needs none.'
        )
    return f'{text} <a href="{_USE}{fit.instead}">Use {fit.instead}</a>, which fits.'
