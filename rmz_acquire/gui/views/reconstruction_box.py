"""What makes the volume: estimator, model with its fit, optics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PyQt6.QtCore import pyqtSignal
from PyQt6.QtWidgets import QComboBox, QLabel, QVBoxLayout, QWidget

from rmz_acquire.gui.views.form_fields import mark, may_shrink
from rmz_acquire.gui.views.model_choice import ModelChoice
from rmz_acquire.gui.views.optics_fields import OpticsFields
from rmz_acquire.methods import SCAN_METHODS, method_of
from rmz_acquire.models import list_models
from rmz_acquire.plugins import ESTIMATOR, installed_names

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rmz_acquire.gui.models.fitting import Site
    from rmz_acquire.gui.models.scan_settings import ScanSettings

__all__ = ["ReconstructionBox"]

_WITHOUT_MODEL = "wiener"


class ReconstructionBox(QWidget):
    """Estimator, model and optics, and a plain word on whether they fit."""

    changed = pyqtSignal()

    def __init__(self) -> None:
        super().__init__()
        self.estimator = may_shrink(QComboBox())
        for method in SCAN_METHODS.values():
            self.estimator.addItem(method.title, method.name)
        for name in installed_names(ESTIMATOR):
            self.estimator.addItem(f"{name} (installed)", name)
        self.estimator.setToolTip("What makes the volume of the planes")
        self.words = QLabel()
        self.words.setObjectName("muted")
        self.words.setWordWrap(True)
        self.choice = ModelChoice()
        self.optics_box = OpticsFields()
        self.model, self.fit = self.choice.model, self.choice.fit
        self.optics, self.optics_more = self.optics_box.line, self.optics_box.more
        self.optics_fields = self.optics_box.fields
        self.na, self.immersion, self.wavelength, self.pixel = (
            self.optics_box.inputs.values()
        )
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(5)
        for widget in (self.estimator, self.words, self.choice, self.optics_box):
            column.addWidget(widget)
        self.refresh_models()
        self.estimator.currentIndexChanged.connect(self.show_what_counts)
        self.estimator.currentIndexChanged.connect(self.changed)
        self.choice.changed.connect(self.changed)
        self.choice.without_asked.connect(lambda: self.use(_WITHOUT_MODEL))
        self.optics_box.changed.connect(self.changed)
        self.show_what_counts()

    def values(self) -> dict[str, Any]:
        """Give what is chosen, as fields of `ScanSettings`."""
        return {
            "estimator": self.estimator.currentData(),
            "model": self.choice.chosen,
            **self.optics_box.values(),
        }

    def set_settings(self, settings: ScanSettings) -> None:
        """Fill it in."""
        self.use(settings.estimator)
        self.choice.choose(settings.model)
        self.optics_box.set_settings(settings)
        self.show_what_counts()

    def use(self, estimator: str) -> None:
        """Choose an estimator; one that is somebody else's joins the list."""
        if self.estimator.findData(estimator) < 0:
            self.estimator.addItem(method_of(estimator).title, estimator)
        self.estimator.setCurrentIndex(self.estimator.findData(estimator))

    def set_site(self, site: Site) -> None:
        """Take optics and range, which say what fits."""
        self.choice.set_site(site)

    def refresh_models(self) -> None:
        """List the bundled models."""
        self.choice.refresh_models()
        if not list_models() and method_of(self.estimator.currentData()).model:
            self.use(_WITHOUT_MODEL)

    def add_model(self, name: str) -> None:
        """Choose a model by its name or folder, which need not be in the list."""
        self.choice.choose(name)
        self.changed.emit()

    def mark(self, problems: Mapping[str, str]) -> None:
        """Mark what is wrong."""
        said = problems.get("model", "")
        mark(self.choice.model, bool(said), said)
        self.optics_box.mark(problems)

    def show_what_counts(self) -> None:
        """Show the fields that the estimator needs."""
        method = method_of(self.estimator.currentData())
        self.words.setText(method.words)
        self.words.setVisible(bool(method.words))
        self.choice.setVisible(method.model)
        self.optics_box.setVisible(method.optics)
