"""Between the form and what is known of the microscope: fit, marks, cost."""

from __future__ import annotations

from dataclasses import replace
from statistics import median
from typing import TYPE_CHECKING

from rmz_acquire.gui.models.cost import cost_of
from rmz_acquire.gui.models.fitting import Site
from rmz_acquire.gui.models.pace import PaceTask
from rmz_acquire.gui.models.quality import QUALITIES, with_quality
from rmz_acquire.gui.models.region_rules import deciders
from rmz_acquire.gui.models.target_misfit import misfit_of
from rmz_acquire.methods import SCAN_METHODS, method_of
from rmz_acquire.models import list_models

if TYPE_CHECKING:
    from rmz_acquire.gui.controllers.pace_measurement import PaceController
    from rmz_acquire.gui.models.cost import Cost
    from rmz_acquire.gui.models.microscope_facts import ScopeFacts
    from rmz_acquire.gui.models.scan_settings import ScanSettings
    from rmz_acquire.gui.views.main_window import MainWindow
    from rmz_acquire.optics import Optics
    from rmz_acquire.scanning import Decision, Region

__all__ = ["FormPresenter"]


_FEW = 3


class FormPresenter:
    """Fills the form with what follows from what is typed.

    Parameters
    ----------
    window : MainWindow
        Whose form and series.
    pace : PaceController
        Measures how long planes take.
    """

    def __init__(self, window: MainWindow, pace: PaceController) -> None:
        self._form, self._series = window.form, window.series
        self._train = window.training
        self._pace = pace
        #: Time to move and settle, ms, as the last scan had it.
        self._seen_ms: float | None = None
        self._task: PaceTask | None = None
        self._timed: PaceTask | None = None
        self._now: Cost | None = None
        #: Seconds that a plane of the scan under way is believed to take.
        self.expected_s: float | None = None
        self._spent: list[float] = []
        self._facts: ScopeFacts | None = None
        self._optics: Optics | None = None
        #: Height and width of what is computed with each plane.
        self._computed_px = (0, 0)
        self._form.channels.picked.connect(self._series.set_channels)

    def settings(self) -> ScanSettings:
        """Give all that is typed."""
        return replace(self._form.settings(), **self._series.values())

    def refresh(self, facts: ScopeFacts | None, busy: str | None) -> None:
        """Look at form and microscope again: mark what is wrong, say what it costs.

        Parameters
        ----------
        facts : ScopeFacts, optional
            What the microscope tells; None while nothing can start.
        busy : str, optional
            Why nothing can start now.
        """
        form = self._form
        if facts is None:
            form.mark({}, form.settings(), busy=busy)
            return
        form.set_context(facts.exposure_ms, facts.channel)
        settings = self.settings()
        optics, wrong = facts.resolve(settings.overrides())
        site = _site(settings, facts, optics)
        form.reconstruction.optics_box.show_optics(optics, facts.optics)
        form.reconstruction.set_site(site)
        self._train.setup.propose_model(site.proposed())
        self._show_channels(settings, facts)
        self._facts, self._optics = facts, optics
        now = deciders(settings, facts.picture_px, optics)
        form.deciding.show_deciders(now.on_regions)
        self._computed_px = now.picture_px or facts.picture_px
        problems = settings.problems(
            stage_um=facts.stage_um,
            optics=wrong,
            models=list_models(),
            regions=now.fault,
            misfit=misfit_of(
                settings,
                shape=facts.picture_px,
                optics=site.optics,
                on_regions=now.on_regions,
            ),
        )
        form.mark(problems, settings, busy=busy or facts.missing)
        self._series.mark(problems)
        self._show_cost(settings, facts, site, ready=not (busy or problems))

    def region_fault(self, region: Region) -> str:
        """Say why a region cannot decide; empty where it can."""
        if self._facts is None:
            return ""
        one = region.y, region.x, region.height, region.width
        settings = replace(self.settings(), regions=(one,))
        return deciders(settings, self._facts.picture_px, self._optics).fault

    def begin(self) -> None:
        """A scan of what is typed begins: its times are those of the task shown."""
        self._timed, self._spent = self._task, []
        now = self._now
        if now is not None and now.think_s is not None:
            self.expected_s = now.plane_s + now.think_s

    def learn(self, decision: Decision) -> None:
        """Take the times of a plane that a scan has taken."""
        stage, camera = decision.stage_ms, decision.camera_ms
        exposure = decision.exposure_ms
        if stage is not None and camera is not None and exposure is not None:
            self._seen_ms = stage + max(0.0, camera - exposure)
        if decision.inference_ms is not None:
            self._spent.append(decision.inference_ms / 1000)

    def end(self) -> None:
        """The scan is over: what it took is better than any measurement."""
        if self._timed is not None and len(self._spent) > _FEW:
            self._pace.book.learn(self._timed, median(self._spent[1:]))
        self._timed = self.expected_s = None

    def _task_of(
        self, settings: ScanSettings, facts: ScopeFacts, site: Site
    ) -> PaceTask | None:
        return _task(settings, facts, site, self._computed_px)

    # ---- what it costs ------------------------------------------------------------

    def _show_cost(
        self, settings: ScanSettings, facts: ScopeFacts, site: Site, *, ready: bool
    ) -> None:
        form = self._form
        full = settings.full_planes
        task = None if full is None else self._task_of(settings, facts, site)
        self._task = task
        costs = {
            name: self._cost(with_quality(settings, name), facts, site, task)
            for name in QUALITIES
        }
        form.quality.show_costs(costs)
        now = self._now = self._cost(settings, facts, site, task)
        slow = ""
        others: list[PaceTask] = []
        if now is not None and now.slow:
            slow, others = self._instead(settings, facts, site, now)
        self._pace.want([t for t in (task, *others) if t is not None])
        if ready and now is not None:
            waiting = task is not None and now.think_s is None
            note = " Computing time is being measured." if waiting else ""
            form.say(now.sentence() + note, slow=slow)
        elif not form.start.isEnabled():
            form.slow.hide()

    def _cost(
        self,
        settings: ScanSettings,
        facts: ScopeFacts,
        site: Site,
        task: PaceTask | None,
    ) -> Cost | None:
        method = method_of(settings.estimator)
        rest = facts.settle_ms if self._seen_ms is None else self._seen_ms
        return cost_of(
            settings,
            plane_s=(settings.longest_ms + rest) / 1000,
            think_s=None if task is None else self._pace.book.seconds(task),
            reach_um=site.reach_um(settings.model) if method.model else None,
        )

    def _instead(
        self, settings: ScanSettings, facts: ScopeFacts, site: Site, now: Cost
    ) -> tuple[str, list[PaceTask]]:
        """Say that a scan takes longer than the full stack, and what would not.

        With the tasks that are still to be measured to know it.
        """
        wanted: list[PaceTask] = []
        faster = None
        for name, method in SCAN_METHODS.items():
            if name == settings.estimator or (method.optics and not site.optics):
                continue
            other = replace(settings, estimator=name, model=None)
            task = self._task_of(other, facts, site)
            if task is None:
                continue
            cost = self._cost(other, facts, site, task)
            if cost is None or cost.think_s is None:
                wanted.append(task)
                continue
            if not cost.slow:
                faster = method
                break
        return now.slow_words(faster.title if faster else None), wanted

    def _show_channels(self, settings: ScanSettings, facts: ScopeFacts) -> None:
        picker = self._form.channels
        picker.offer(self._series.presets)
        here = "the current channel"
        if facts.channel is not None:
            here = f"{facts.channel[1]}, the current one, {facts.exposure_ms:g} ms"
        channels = settings.channels
        picker.show_picked(
            [c.config for c in channels], [c.exposure for c in channels], here
        )


def _site(settings: ScanSettings, facts: ScopeFacts, optics: Optics | None) -> Site:
    """The optics of all channels, and the range."""
    bottom, top = settings.bottom_um, settings.top_um
    span = None
    if bottom is not None and top is not None and top > bottom:
        span = (bottom, top)
    if optics is None:
        return Site(range_um=span)
    names = tuple(str(channel.config) for channel in settings.channels)
    each: tuple[Optics, ...] = (optics,)
    if names and settings.wavelength_um is None:
        each = tuple(facts.optics_of(names, optics))
    return Site(each, names, span, facts.objective_for(optics))


def _task(
    settings: ScanSettings, facts: ScopeFacts, site: Site, shape: tuple[int, int]
) -> PaceTask | None:
    """What is to be measured; None where something is missing for it."""
    bottom, top = settings.bottom_um, settings.top_um
    method = method_of(settings.estimator)
    if bottom is None or top is None or min(facts.picture_px) < 8:
        return None
    if method.optics and not site.optics:
        return None
    if settings.estimator not in SCAN_METHODS:
        return None  # somebody else's is measured by its owner
    return PaceTask(
        settings.estimator,
        (settings.model or site.proposed()) if method.model else None,
        shape,
        (0.0, round(top - bottom, 6), settings.step_um),
        site.optics[0] if method.optics else None,
    )
