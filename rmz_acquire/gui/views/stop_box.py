"""When a scan stops, number by number: by change, or at a stated error."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PyQt6.QtCore import pyqtSignal
from PyQt6.QtWidgets import QComboBox, QGridLayout, QLabel, QWidget

from rmz_acquire.gui.models.stop_target import StopTarget
from rmz_acquire.gui.views.form_fields import may_shrink, spin, whole
from rmz_acquire.gui.views.target_fields import TargetFields
from rmz_acquire.scanning import ScanPlan

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rmz_acquire.gui.models.scan_settings import ScanSettings

__all__ = ["StopBox"]

POLICIES: dict[str, str] = {
    "bisect": "Middle of the largest gap",
    "uniform": "Equal spacing",
    "error": "Largest predicted error",
    "disagreement": "Where estimates differ",
}
_MISFIT = {"warn": "Warn", "full": "Take the full stack", "stop": "Stop"}


class StopBox(QWidget):
    """Change and innovation, or a target; planes and light; the next plane; misfits."""

    changed = pyqtSignal()

    def __init__(self) -> None:
        super().__init__()
        self.rule = may_shrink(QComboBox())
        self.rule.addItem("A small change", "change")
        self.rule.addItem("A stated error", "target")
        self.rule.setToolTip("By which rule the scan stops (stop_rule)")
        self.target = TargetFields()
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
            "And only when the planes whose z was drawn at random (without any: the "
            "last plane) were predicted with a smaller error (tau)",
        )
        self.min_planes = whole(1, 999, 4, "Never stop with fewer planes")
        self.max_planes = whole(0, 9999, 0, "Stop after this many planes at the latest")
        self.max_planes.setSpecialValueText("no limit")
        self.max_light = spin(
            0, 1e7, 0, " ms", 0, "All exposures together, ms: the light budget"
        )
        self.max_light.setSpecialValueText("no limit")
        self.policy = may_shrink(QComboBox())
        for key, text in POLICIES.items():
            self.policy.addItem(text, key)
        self.policy.setToolTip("Where the next plane is taken")
        self.misfit = may_shrink(QComboBox())
        for key, text in _MISFIT.items():
            self.misfit.addItem(text, key)
        self.misfit.setToolTip(
            "What to do where the planes do not match the optics (misfit)"
        )
        self.untold = QLabel()
        self.untold.setObjectName("muted")
        self.untold.setWordWrap(True)
        self.untold.hide()
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(5)
        grid.setColumnStretch(1, 1)
        self._labels: dict[QWidget, QLabel] = {}
        for row, (text, field) in enumerate(
            (
                ("Stops at", self.rule),
                ("", self.target),
                ("Change below ε", self.epsilon),
                ("Innovation below τ", self.tau),
                ("At least", self.min_planes),
                ("At most", self.max_planes),
                ("Light at most", self.max_light),
                ("Next plane", self.policy),
                ("Optics do not fit", self.misfit),
                ("", self.untold),
            )
        ):
            if not text:
                grid.addWidget(field, row, 0, 1, 2)
                continue
            self._labels[field] = QLabel(text)
            grid.addWidget(self._labels[field], row, 0)
            grid.addWidget(field, row, 1)
        for number in (self.epsilon, self.tau, self.max_light):
            number.valueChanged.connect(self.changed)
        for count in (self.min_planes, self.max_planes):
            count.valueChanged.connect(self.changed)
        self.policy.currentIndexChanged.connect(self._say_usual)
        for box in (self.policy, self.misfit):
            box.currentIndexChanged.connect(self.changed)
        self.rule.currentIndexChanged.connect(self._show_rule)
        self.rule.currentIndexChanged.connect(self.changed)
        self.target.changed.connect(self.changed)
        self._say_usual()
        self._show_rule()

    @property
    def aimed(self) -> bool:
        """Whether it stops at a stated error."""
        return bool(self.rule.currentData() == "target")

    def mark(self, problems: Mapping[str, str]) -> None:
        """Mark what is wrong with the target."""
        self.target.mark(problems)

    def say_untold(self, why: str) -> None:
        """Switch the choice of what follows a misfit off, with the reason, or on."""
        self.misfit.setEnabled(not why)
        self._labels[self.misfit].setEnabled(not why)
        self.untold.setText(why)
        self.untold.setVisible(bool(why))

    def _show_rule(self) -> None:
        """Show the fields at which the rule looks."""
        self.target.setVisible(self.aimed)
        for field in (self.epsilon, self.tau):
            field.setVisible(not self.aimed)
            self._labels[field].setVisible(not self.aimed)

    def _say_usual(self) -> None:
        """Say what is asked where no tau is typed: it hangs on the policy."""
        plan = ScanPlan.from_grid((0.0, 1.0), policy=self.policy.currentData())
        usual = plan.innovation_limit
        told = "not asked" if usual is None else f"as usual, {100 * usual:g} %"
        self.tau.setSpecialValueText(told)

    def values(self) -> dict[str, Any]:
        """Give what is typed, as fields of `ScanSettings`."""
        return {
            "target": self.target.target() if self.aimed else None,
            "tau": None if self.aimed else self.tau.value() / 100 or None,
            "epsilon": self.epsilon.value() / 100,
            "policy": self.policy.currentData(),
            "min_planes": self.min_planes.value(),
            "max_planes": self.max_planes.value() or None,
            "max_light_ms": self.max_light.value() or None,
            "misfit": "warn" if self.untold.text() else self.misfit.currentData(),
        }

    def set_settings(self, settings: ScanSettings) -> None:
        """Fill it in."""
        self.rule.setCurrentIndex(0 if settings.target is None else 1)
        self.target.set_target(settings.target or StopTarget())
        self.tau.setValue(100 * (settings.tau or 0))
        self.epsilon.setValue(100 * settings.epsilon)
        if self.policy.findData(settings.policy) < 0:
            # somebody else's
            self.policy.addItem(settings.policy, settings.policy)
        self.policy.setCurrentIndex(self.policy.findData(settings.policy))
        self.min_planes.setValue(settings.min_planes)
        self.max_planes.setValue(settings.max_planes or 0)
        self.max_light.setValue(settings.max_light_ms or 0)
        self.misfit.setCurrentIndex(self.misfit.findData(settings.misfit))
