"""When a scan stops, number by number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PyQt6.QtCore import pyqtSignal
from PyQt6.QtWidgets import QComboBox, QGridLayout, QLabel, QWidget

from rmz_acquire.gui.views.form_fields import may_shrink, spin, whole
from rmz_acquire.scanning import ScanPlan

if TYPE_CHECKING:
    from rmz_acquire.gui.models.scan_settings import ScanSettings

__all__ = ["StopBox"]

POLICIES: dict[str, str] = {
    "bisect": "Middle of the largest gap",
    "uniform": "Equal spacing",
    "error": "Largest predicted error",
    "disagreement": "Where estimates differ",
}


class StopBox(QWidget):
    """Change, innovation, planes and light; and where the next plane is taken."""

    changed = pyqtSignal()

    def __init__(self) -> None:
        super().__init__()
        self.epsilon = spin(
            0.1,
            99.0,
            5.0,
            " %",
            1,
            "The scan stops when a plane changes the volume by less (epsilon)",
        )
        self.tau = spin(
            0.0,
            999.0,
            0.0,
            " %",
            1,
            "And only when the planes whose z was drawn by chance, or without any the "
            "last one, were predicted with a smaller error (tau)",
        )
        self.min_planes = whole(1, 999, 4, "Never stop with fewer planes")
        self.max_planes = whole(0, 9999, 0, "Stop with so many planes at the latest")
        self.max_planes.setSpecialValueText("no limit")
        self.max_light = spin(
            0, 1e7, 0, " ms", 0, "All exposures together, ms: the light budget"
        )
        self.max_light.setSpecialValueText("no limit")
        self.policy = may_shrink(QComboBox())
        for key, text in POLICIES.items():
            self.policy.addItem(text, key)
        self.policy.setToolTip("Where the next plane is taken")
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(5)
        grid.setColumnStretch(1, 1)
        for row, (text, field) in enumerate(
            (
                ("Change below ε", self.epsilon),
                ("Innovation below τ", self.tau),
                ("At least", self.min_planes),
                ("At most", self.max_planes),
                ("Light at most", self.max_light),
                ("Next plane", self.policy),
            )
        ):
            grid.addWidget(QLabel(text), row, 0)
            grid.addWidget(field, row, 1)
        for box in (self.epsilon, self.tau, self.max_light):
            box.valueChanged.connect(self.changed)
        for count in (self.min_planes, self.max_planes):
            count.valueChanged.connect(self.changed)
        self.policy.currentIndexChanged.connect(self._say_usual)
        self.policy.currentIndexChanged.connect(self.changed)
        self._say_usual()

    def _say_usual(self) -> None:
        """Say what is asked where no tau is typed: it hangs on the policy."""
        plan = ScanPlan.from_grid((0.0, 1.0), policy=self.policy.currentData())
        usual = plan.innovation_limit
        told = "not asked" if usual is None else f"as usual, {100 * usual:g} %"
        self.tau.setSpecialValueText(told)

    def values(self) -> dict[str, Any]:
        """Give what is typed, as fields of `ScanSettings`."""
        return {
            "tau": self.tau.value() / 100 or None,
            "epsilon": self.epsilon.value() / 100,
            "policy": self.policy.currentData(),
            "min_planes": self.min_planes.value(),
            "max_planes": self.max_planes.value() or None,
            "max_light_ms": self.max_light.value() or None,
        }

    def set_settings(self, settings: ScanSettings) -> None:
        """Fill it in."""
        self.tau.setValue(100 * (settings.tau or 0))
        self.epsilon.setValue(100 * settings.epsilon)
        if self.policy.findData(settings.policy) < 0:
            # somebody else's
            self.policy.addItem(settings.policy, settings.policy)
        self.policy.setCurrentIndex(self.policy.findData(settings.policy))
        self.min_planes.setValue(settings.min_planes)
        self.max_planes.setValue(settings.max_planes or 0)
        self.max_light.setValue(settings.max_light_ms or 0)
