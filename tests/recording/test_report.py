"""The report as a picture: nothing clipped, nothing on top of another, one scale."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from itertools import combinations

import numpy as np
import pytest
from matplotlib.text import Text
from PIL import Image
from scan_fakes import START, blobs

from rmz_acquire.recording import Summary, candidates_of, draw_report, write_report
from rmz_acquire.recording.report_images import _choose_cut, _round_length
from rmz_acquire.scanning import Decision, ScanPlan


def a_decision(index, z_um, change, **kw):
    first = index == 0
    values = {
        "index": index,
        "z_requested_um": z_um,
        "z_actual_um": z_um,
        "exposure_ms": 20.0,
        "delta": None if first else 1e4 * change,
        "delta_relative": None if first else change,
        "innovation": None if first else 2 * change,
        "gap_um": 3.0,
        "decision": "continue",
        "reason": "…",
        "stage_ms": 5.0,
        "camera_ms": 25.0,
        "inference_ms": 60.0,
        "time": START,
    }
    return Decision(**(values | kw))


def a_page(
    *,
    planes=7,
    z_um=None,
    shape=(60, 70),
    truth=True,
    volume=True,
    stop="converged",
    reason="change 0.032 is at or below epsilon 0.05 after 7 planes",
    pixel_um=0.325,
    against="truth",
    scores=True,
    full=None,
    plan=None,
    change=0.6,
    **kw,
):
    z_um = np.linspace(0, 30, 61) if z_um is None else z_um
    plan = plan or ScanPlan.from_grid(z_um)
    order = np.random.default_rng(1).permutation(len(z_um))[:planes]
    decisions = [
        a_decision(i, float(z_um[k]), change * 0.6**i, **kw)
        for i, k in enumerate(order)
    ]
    stack = blobs(z_um, shape=shape)
    psnr = {"psnr_db": 36.1, "nrmse": 0.1, "ssim": 0.951}
    summary = Summary(
        status="failed" if stop == "failed" else "completed",
        volumes=1,
        volumes_done=1,
        stop_reason=stop,
        reason=reason,
        error=None,
        planes_taken=planes,
        planes_full_scan=len(z_um),
        dose_ms=20.0 * planes,
        dose_full_scan_ms=20.0 * len(z_um),
        started=datetime(2026, 1, 2, tzinfo=UTC),
        wall_s=12.0,
        estimator="recurrent-mz",
        model="generalist-20x-0.75-air",
        model_sha256="0" * 64,
        optics={"na": 0.75, "wavelength_um": 0.52},
        z_um=list(z_um),
        z_taken_um=[d.z_actual_um for d in decisions],
        pixel_size_um=pixel_um,
        plan=plan.model_dump(mode="json", exclude={"z_um"}),
        candidates=candidates_of(decisions),
        versions={},
        scored_against=against if truth else None,
        **(psnr if truth and scores else {}),
        baselines={
            "wiener": {"psnr_db": 33.0, "nrmse": 0.1, "ssim": 0.9},
            "linear": {"psnr_db": 28.7, "nrmse": 0.3, "ssim": 0.7},
            "nearest": None,
        }
        if truth and scores
        else None,
        full_stack={"planes": 61.0, "psnr_db": full, "nrmse": 0.05, "ssim": None}
        if truth and full
        else None,
    )
    return (
        summary,
        decisions,
        {
            "volume": stack + 3.0 if volume else None,
            "truth": stack if truth and volume else None,
        },
    )


COMPARED = {
    "predictions": {
        "richardson-lucy": 0.2,
        "wiener": 0.24,
        "linear": 0.31,
        "richardson-lucy, few steps": 0.22,
        "recurrent-mz": 0.19,
    },
    "shares": {"richardson-lucy": 0.3, "recurrent-mz": 0.7},
    "winner": "recurrent-mz",
}
EQUAL = {"richardson-lucy": 0.25, "wiener": 0.25}
TERMS = [
    {"name": "change", "value": 0.0321, "limit": 0.05, "met": True},
    {"name": "planes", "value": 7, "limit": 4, "met": True},
    {
        "name": "distance to the nearest plane, µm",
        "value": 0.5,
        "limit": 0.125,
        "met": True,
    },
    {"name": "frame", "value": None, "limit": None, "met": True},
    {"name": "audit innovation", "value": 0.2345, "limit": 0.2, "met": False},
    {"name": "largest gap, µm", "value": 12.345, "limit": 5.5, "met": False},
    {"name": "planes in a row", "value": 0, "limit": 2, "met": False},
    {"name": "somebody’s own", "value": None, "limit": 1.0, "met": False},
]
LONG = "change 0.0321 is at or below epsilon 0.05, but " + "a gap is unseen and " * 12
PAGES = {
    "truth": {"full": 38.2},
    "recorded": {"against": "recorded stack"},
    "recorded, tall": {"against": "recorded stack", "shape": (200, 30)},
    "no truth": {"truth": False},
    "nothing": {"volume": False, "truth": False, "planes": 0, "stop": "failed"},
    "one plane": {"planes": 1, "truth": False},
    "no pixel size": {"pixel_um": None},
    "wide": {"shape": (20, 200)},
    "tall": {"shape": (200, 30)},
    "thin": {"z_um": np.linspace(0, 1, 5), "shape": (80, 90), "planes": 2},
    "deep": {"z_um": np.linspace(-150, 150, 61), "shape": (40, 40)},
    "two planes of grid": {"z_um": np.array([0.0, 1.0]), "planes": 1},
    "many": {"planes": 61},
    "long reason": {"reason": LONG, "stop": "max_planes"},
    "tiny changes": {"change": 1e-7},
    "no change at all": {"change": 0.0},
    "unknown times": {
        "truth": False,
        "stage_ms": None,
        "camera_ms": None,
        "inference_ms": None,
        "exposure_ms": None,
    },
    "list": {
        "plan": ScanPlan.from_range(0, 30, 0.5, z_exact_um=(3.0, 9.0)),
        "stop": "list_done",
    },
    "compared": COMPARED,
    "compared, no truth": {"truth": False, **COMPARED},
    "compared, no volume": {"volume": False, "truth": False, **COMPARED},
    "compared, one alike": {"predictions": EQUAL, "winner": "wiener"},
    "compared, far apart": {
        "predictions": {"richardson-lucy": 1e-5, "wiener": 0.0, "linear": 30.0},
        "winner": "wiener",
    },
    "terms": {"terms": TERMS, "stop": "max_planes"},
    "terms, many, compared": {"terms": TERMS, "planes": 61, **COMPARED},
    "absolute": {
        "plan": ScanPlan.from_range(0, 30, 0.5, epsilon=900, epsilon_kind="absolute")
    },
}


def texts(figure, monkeypatch):
    """Every text that is really drawn, with its box in pixels."""
    drawn = []
    draw = Text.draw

    def note(self, renderer, *args, **kw):
        if self.get_visible() and self.get_text().strip():
            drawn.append((self.get_text(), self.get_window_extent(renderer)))
        return draw(self, renderer, *args, **kw)

    monkeypatch.setattr(Text, "draw", note)
    figure.canvas.draw()
    return drawn


@pytest.mark.slow  # together
@pytest.mark.parametrize("name", PAGES)
def test_no_text_is_clipped_or_covered(name, monkeypatch):
    summary, decisions, stacks = a_page(**PAGES[name])
    figure = draw_report(summary, decisions, **stacks)
    width, height = figure.get_size_inches() * figure.dpi
    boxes = texts(figure, monkeypatch)
    assert len(boxes) > 8
    for text, box in boxes:
        inside = box.x0 >= 0 and box.y0 >= 0 and box.x1 <= width and box.y1 <= height
        assert inside, f"{text!r} is clipped"
    for (a, box_a), (b, box_b) in combinations(boxes, 2):
        across = min(box_a.x1, box_b.x1) - max(box_a.x0, box_b.x0)
        along = min(box_a.y1, box_b.y1) - max(box_a.y0, box_b.y0)
        assert across < 1 or along < 1, f"{a!r} and {b!r} overlap"


def test_the_panels_align():
    summary, decisions, stacks = a_page()
    figure = draw_report(summary, decisions, **stacks)
    places = {ax.get_title(loc="left"): ax.get_position() for ax in figure.axes}
    assert places["Planes taken"].y1 == pytest.approx(places["Change of the volume"].y1)
    assert places["Dose"].y0 == pytest.approx(places["Quality, planes not taken"].y0)
    xy = next(box for title, box in places.items() if title.startswith("Volume, xy"))
    assert xy.y1 == pytest.approx(places["Planes taken"].y1)


@pytest.mark.parametrize(
    ("against", "title"), [("truth", "Truth"), ("recorded stack", "Recorded")]
)
def test_a_recorded_stack_is_not_called_the_truth(against, title):
    summary, decisions, stacks = a_page(against=against)
    figure = draw_report(summary, decisions, **stacks)
    titles = [each.get_text() for each in figure.findobj(Text)]
    assert titles.count(title) == 2
    other = {"Truth", "Recorded"} - {title}
    assert not other & set(titles)


@pytest.mark.parametrize("full", [38.2, None])
def test_the_full_stack_as_exposed_has_a_row_where_it_is_known(full):
    summary, decisions, stacks = a_page(full=full)
    figure = draw_report(summary, decisions, **stacks)
    written = {each.get_text() for each in figure.findobj(Text)}
    shown = {"full stack,\nas exposed", "38.2 dB"}
    assert written & shown == (shown if full else set())


def test_volume_and_truth_share_one_colour_scale():
    summary, decisions, stacks = a_page()
    figure = draw_report(summary, decisions, **stacks)
    shown = [image for ax in figure.axes for image in ax.images]
    sections = [c for ax in figure.axes[:4] for c in ax.collections]
    scales = {image.get_clim() for image in shown}
    assert len(shown) == 2
    assert len(scales) == 1
    for section in sections:
        assert section.get_clim() in scales


def test_images_keep_their_proportions():
    summary, decisions, stacks = a_page(shape=(40, 80), pixel_um=1.0)
    figure = draw_report(summary, decisions, **stacks)
    wide, high = figure.get_size_inches()
    xy, xz = figure.axes[0].get_position(), figure.axes[1].get_position()
    assert (xy.height * high) / (xy.width * wide) == pytest.approx(40 / 80)
    # 61 planes of 0.5 µm under 80 pixels of 1 µm
    assert (xz.height * high) / (xz.width * wide) == pytest.approx(30.5 / 80)
    assert "z ×" not in figure.axes[1].get_title(loc="left")


def test_a_section_that_cannot_keep_them_says_so():
    summary, decisions, stacks = a_page(z_um=np.linspace(0, 1, 5), planes=2)
    figure = draw_report(summary, decisions, **stacks)
    assert "z ×" in figure.axes[1].get_title(loc="left")


def test_the_section_shows_low_z_at_the_bottom():
    summary, decisions, stacks = a_page()
    figure = draw_report(summary, decisions, **stacks)
    low, high = figure.axes[1].get_ylim()
    assert low < high


def test_the_shown_plane_was_not_taken():
    z_um = np.arange(30.0)
    taken = np.array([0.0, 10.0, 20.0, 29.0])
    stack = np.zeros((30, 16, 16))
    # the brightest plane was measured; of the others, 15 has the most contrast
    stack[10, 8, 4:12] = 100
    stack[15, 5, 4:12] = 50
    stack[25, 5, 4:12] = 20
    assert _choose_cut(stack, z_um, taken) == (15, 5)


@pytest.mark.parametrize(
    ("about", "length"), [(1.0, 1), (1.9, 1), (2.1, 2), (7, 5), (83, 50), (0.34, 0.2)]
)
def test_scale_bars_are_round(about, length):
    assert _round_length(about) == pytest.approx(length)


@pytest.mark.slow
@pytest.mark.usefixtures("drawn")
def test_the_users_style_changes_nothing(tmp_path):
    import matplotlib as mpl

    summary, decisions, stacks = a_page()
    write_report(tmp_path / "a.png", summary, decisions, **stacks)
    with mpl.rc_context({"font.size": 30, "axes.facecolor": "red"}):
        write_report(tmp_path / "b.png", summary, decisions, **stacks)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    with Image.open(tmp_path / "a.png") as picture:
        assert picture.width > 1200 and picture.height > 600
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.png", "b.png"]


def test_the_table_tells_what_every_term_was_and_which_was_met_last():
    summary, decisions, stacks = a_page(terms=TERMS[:5])
    met = [{**term, "met": True} for term in TERMS[:4]]
    met.append({**TERMS[4], "value": 0.15, "met": True})
    decisions[-1] = replace(decisions[-1], terms=met)
    figure = draw_report(summary, decisions, **stacks)
    written = [each.get_text() for each in figure.findobj(Text)]
    for line in (
        "Stop rule: guarded",
        "change 0.0321 ≤ 0.05",
        "distance to the nearest plane 0.5 ≥ 0.125 µm",
        "▸ audit innovation 0.15 ≤ 0.2",
        "met last: audit innovation",
    ):
        assert line in written
    # at the planes before it was not met
    assert written.count("0.234") == len(decisions) - 1
    decisions[-1] = replace(decisions[-1], terms=TERMS[:5])
    figure = draw_report(
        summary.model_copy(update={"stop_reason": "max_planes"}), decisions, **stacks
    )
    written = [each.get_text() for each in figure.findobj(Text)]
    assert "audit innovation 0.234 > 0.2" in written
    assert "not met: audit innovation" in written
