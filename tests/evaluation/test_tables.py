"""Tables, goals, and an evaluation that goes on where it was stopped."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from rmz_acquire.cli import main
from rmz_acquire.errors import InputError
from rmz_acquire.evaluation import runner
from rmz_acquire.evaluation.acceptance import goals
from rmz_acquire.evaluation.evaluation_config import EvaluationConfig
from rmz_acquire.evaluation.result import Result
from rmz_acquire.evaluation.tables import (
    BEGIN,
    END,
    full_table,
    put_figures,
    put_table,
    short_table,
)
from rmz_acquire.resources import resource_dir

if TYPE_CHECKING:
    from pathlib import Path

NETWORK = "Recurrent-MZ on wiener"


def line(quantity: str, **values: float) -> dict[str, Any]:
    result = Result("", "")
    named = {k.replace("_", " "): v for k, v in values.items()}
    result.sum_up(quantity, {NETWORK: named.pop("ours", None), **named}, headline=True)
    return result.summary[0]


SUMMARIES = {
    "fig2": [
        line(
            "beads, M=3: PSNR, all unmeasured planes",
            **{"ours": 30.0, "linear": 25.0, "nearest": 27.0, "wiener": 28.0},
            **{"Deep-Z": 28.5},
        ),
        line("beads, M=3: least gain over wiener in reach, by plane", ours=-0.3),
    ],
    "fig3": [
        line("crowded beads: FWHM of the same beads, off the truth", ours=-0.4),
        line(
            "crowded beads: KL divergence from the truth",
            **{"ours": 0.2, "Deep-Z": 0.1},
        ),
    ],
    "fig5": [line("neurons: NRMSE gained at σ = 1 µm", ours=12.0)],
    "fig6": [
        line(
            "neurons: spread over orders, of the RMSE", **{"ours": 6.0, "3D U-Net": 4.0}
        )
    ],
    "real": [line("nucleus.tif, M=3: PSNR", ours=40.0, wiener=39.9, linear=37.0)],
}


def test_goals_by_hand() -> None:
    reached = [
        (g.experiment, g.estimator, round(g.measured, 6), g.limit, g.met)
        for g in goals(SUMMARIES)
    ]
    assert reached == [
        ("fig2", NETWORK, 3.0, 4.0, False),  # nearest is the better of the two
        ("fig2", NETWORK, 2.0, 1.5, True),
        ("fig2", NETWORK, 1.5, 1.5, True),
        ("fig2", NETWORK, -0.3, -0.1, False),
        ("fig3", NETWORK, -0.4, 1.0, True),
        ("fig3", NETWORK, 0.2, 0.1, False),
        ("fig5", NETWORK, 12.0, 20.0, True),
        ("fig6", NETWORK, 6.0, 5.0, False),
        ("fig6", "3D U-Net", 4.0, 5.0, False),
        ("real", NETWORK, 0.1, 0.0, True),
    ]


def test_the_goal_on_a_real_stack_names_whom_it_judges() -> None:
    values = {"widefield": 38.0, "richardson-lucy": 40.2, "linear": 37.0}
    real = [line("some.tif, M=5: PSNR", wiener=39.9, **values)]
    judged = {g.estimator: g for g in goals({"real": real}) if "linear" in g.goal}
    assert set(judged) == {"widefield", "richardson-lucy"}
    assert judged["widefield"].measured == pytest.approx(-1.9)
    assert not judged["widefield"].met
    assert judged["richardson-lucy"].measured == pytest.approx(0.3)
    assert judged["richardson-lucy"].met


def over_wiener(quantity: str, gain: float) -> dict[str, Any]:
    return line(quantity, **{"wiener": 30.0, "richardson-lucy": 30.0 + gain})


NUCLEUS = "wf_nucleus_40x12w.tif"


@pytest.mark.parametrize(
    ("experiment", "quantity", "limit"),
    [
        ("real", f"{NUCLEUS}, M=3: PSNR", 0.4),
        ("real", f"{NUCLEUS}, M=5: PSNR", 0.9),
        ("fig2", "beads, M=3: PSNR, all unmeasured planes", 0.25),
        ("exposures", "beads, M=3: PSNR", 0.25),
    ],
)
def test_what_richardson_lucy_has_to_gain(
    experiment: str, quantity: str, limit: float
) -> None:
    for gain, met in ((limit + 0.01, True), (limit - 0.01, False)):
        reached = goals({experiment: [over_wiener(quantity, gain)]})
        (goal,) = (g for g in reached if f"over wiener by {limit:g} dB" in g.goal)
        assert (goal.estimator, goal.experiment) == ("richardson-lucy", experiment)
        assert goal.measured == pytest.approx(gain)
        assert (goal.limit, goal.met) == (limit, met)


def test_where_richardson_lucy_loses_most_is_named() -> None:
    lines = [
        over_wiener("beads, M=2: PSNR", -0.29),
        over_wiener("beads, M=4: PSNR", 3.0),
        over_wiener("beads, M=4: NRMSE", -9.0),  # less is better there
        line("beads, M=5: PSNR", wiener=30.0),  # not measured
    ]
    (goal,) = goals({"exposures": lines})
    assert goal.estimator == "richardson-lucy" and goal.met
    assert goal.goal.endswith("least: beads, M=2: PSNR")
    assert goal.measured == pytest.approx(-0.29)
    real = [over_wiener("other.tif, M=3: PSNR", -0.31)]
    both = goals({"exposures": lines, "real": real})
    below = {g.experiment: g.met for g in both if "nowhere" in g.goal}
    assert below == {"exposures": True, "real": False}


DEFAULT = "richardson-lucy + on-layers"


@pytest.mark.parametrize(
    ("of", "limit"),
    [
        *(("nuclei 20x, M=3", 8.0), ("filaments 20x, M=3", 2.0)),
        *(("beads 20x, M=3", 0.6), ("nuclei 20x, M=15", 6.0)),
        *(("filaments 20x, M=15", 2.5), ("beads 20x, M=15", 2.0)),
        *(("nuclei 63x, M=3", 6.0), ("neurons, M=3", 6.0)),
        *(("filaments 63x, M=3", 0.9), ("beads, M=3", 0.25)),
    ],
)
def test_what_the_exposures_have_to_show(of: str, limit: float) -> None:
    for gain, met in ((limit + 0.01, True), (limit - 0.01, False)):
        reached = goals({"exposures": [over_wiener(f"{of}: PSNR", gain)]})
        (goal,) = (g for g in reached if g.goal.startswith(of))
        assert goal.goal == f"{of}: over wiener by {limit:g} dB or more"
        assert (goal.met, goal.measured) == (met, pytest.approx(gain))


def test_what_the_default_has_to_gain_and_where_it_may_not_lose() -> None:
    def gained(of: str, mean: float, least: float) -> list[dict[str, Any]]:
        return [
            line(f"{of}: gain over richardson-lucy", **{DEFAULT: mean}),
            line(
                f"{of}: least gain of a specimen over richardson-lucy",
                **{DEFAULT: least},
            ),
        ]

    exposures = [
        *gained("beads 20x, M=3", 0.1, 0.0),
        *gained("beads 20x, M=15", 0.5, 0.3),
        *gained("filaments 20x, M=3", 0.4, -0.05),
        *gained("nuclei 20x, M=3", -0.5, -0.8),  # no part of the mean
        line("neurons, M=3: PSNR", wiener=30.0),  # it is not there
    ]
    stack = "some.tif, M=3: PSNR"
    real = [line(stack, **{DEFAULT: 31.0, "richardson-lucy": 31.09})]
    reached = [
        (g.experiment, g.goal, round(g.measured, 6), g.met)
        for g in goals({"exposures": exposures, "real": real})
        if g.estimator == DEFAULT
    ]
    below = "below richardson-lucy by over 0.1 dB; least:"
    mean = "beads 20x, filaments 20x, all M: over richardson-lucy by 0.3 dB on average"
    assert reached == [
        ("exposures", mean, 0.35, True),
        ("exposures", f"on no specimen {below} nuclei 20x, M=3", -0.8, False),
        ("real", f"nowhere {below} {stack}", -0.09, True),
    ]


def test_the_papers_network_is_no_part_of_what_the_released_models_met() -> None:
    others = {"Recurrent-MZ": 30.0, "widefield": 21.0}
    summary = [line("neurons: NRMSE gained at σ = 1 µm", ours=12.0, **others)]
    each = {"title": "Errors", "summary": summary, "missing": [], "notes": []}
    table = full_table(found(experiments={"fig5": each}))
    assert "### Goals: 1 of 2 met" in table
    assert "### Recurrent-MZ as in the paper, to compare with: 0 of 1 met" in table


def test_networks_that_have_seen_as_much_are_held_against_each_other() -> None:
    values = {"Recurrent-MZ": 19.0, "Deep-Z": 18.5, "linear": 18.2, "widefield": 20.0}
    of_all = line("beads 20x, M=3: PSNR, all unmeasured planes", **values)
    reached = {(g.estimator, g.goal): g.met for g in goals({"fig2": [of_all]})}
    assert reached == {
        ("Recurrent-MZ", "beads 20x, M=3: over linear by 1 dB or more"): False,
        ("Recurrent-MZ", "beads 20x, M=3: over Deep-Z"): True,
        ("widefield", "beads 20x, M=3: over Deep-Z by 1.5 dB or more"): True,
    }


def test_the_table_says_what_the_networks_had_seen() -> None:
    seen = {"steps": 400, "sequences": 400, "specimens": "unknown", "note": "a note"}
    models = {"Deep-Z": {"estimator": "deep-z", "model": "some-model"}}
    config = {"sets": {"beads": {"models": models}}}
    for table in (full_table, short_table):
        told = table(found(budgets={"some-model": seen}, config=config))
        row = "| some-model | Deep-Z (beads) | 400 | 400 | unknown | a note |"
        assert row in told
        assert "seen" not in table(found())


def test_what_was_not_measured_is_no_goal() -> None:
    assert goals({}) == []
    assert goals({"fig2": [line("beads, M=3: PSNR, all", linear=20.0)]}) == []


def found(**changes: Any) -> dict[str, Any]:
    result = Result("claims", "Claims")
    result.sum_up(
        "exposures saved", {"linear": 1.0, "its own": 2.5}, paper="30", headline=True
    )
    result.sum_up("of no interest", {"linear": 7.0})
    each = {
        "title": result.title,
        "summary": result.summary,
        "missing": ["Deep-Z (some-model)"],
        "notes": ["A note."],
    }
    return {
        "quick": False,
        "seed": 9000,
        "date": "2026-01-02T03:04:05",
        "device": "an abacus",
        "experiments": {"claims": each},
        **changes,
    }


def test_the_paper_has_a_column_of_its_own_that_says_what_it_is() -> None:
    table = full_table(found())
    assert (
        "|  | unit | specimens | its own | linear | paper, measured on other data |"
        in table
    )
    assert "| exposures saved |  |  | 2.50 | 1.00 | 30 |" in table
    assert "of no interest" in table and "A note." in table
    assert "No model, so not shown: Deep-Z (some-model)." in table
    short = short_table(found())
    assert "| exposures saved |  |  | 2.50 | 1.00 | 30 |" in short
    assert "of no interest" not in short and "](" not in short
    assert "quick" not in short and "quick" in short_table(found(quick=True))


def test_the_papers_column_is_where_the_paper_has_a_number() -> None:
    table = full_table(found(experiments={"claims": each_without_the_paper()}))
    assert "|  | unit | specimens | linear |" in table
    assert "| of no interest |  |  | 7.00 |" in table


def each_without_the_paper() -> dict[str, Any]:
    each = found()["experiments"]["claims"]
    return {**each, "summary": [r for r in each["summary"] if r["paper"] is None]}


def test_figures_are_put_beside_the_page_that_shows_them(tmp_path: Path) -> None:
    out, page = tmp_path / "evaluation", tmp_path / "docs" / "results.md"
    for folder in (out, page.parent):
        folder.mkdir()
    (out / "claims.png").write_bytes(b"a picture")
    table = short_table(found(), put_figures(page, found(), out))
    assert "![Claims](results/claims.png)" in table
    assert (page.parent / "results" / "claims.png").read_bytes() == b"a picture"


def test_the_table_is_put_between_its_marks(tmp_path: Path) -> None:
    path = tmp_path / "README.md"
    path.write_text(f"# One\n\n{BEGIN}\nold\n{END}\n\nmore\n", encoding="utf-8")
    for text in ("| new |\n", "| newer, µm |\n"):
        put_table(path, text)
        put = path.read_text(encoding="utf-8")
        assert put == f"# One\n\n{BEGIN}\n{text}{END}\n\nmore\n"
    assert [p.name for p in tmp_path.iterdir()] == ["README.md"]


@pytest.mark.parametrize("text", [None, "no marks", f"{END}\n{BEGIN}\n"])
def test_a_file_without_a_place_is_told_before_anything_runs(
    text: str | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, out = tmp_path / "README.md", tmp_path / "out"
    if text is not None:
        path.write_text(text)
    code = main(["evaluate", "--table", str(path), "--out", str(out)])
    assert code == 2
    assert "README.md" in capsys.readouterr().err
    assert not out.exists()


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Two experiments that count their runs, in place of the paper's."""
    ran: list[str] = []

    def experiment(key: str) -> runner.Experiment:
        def run(study: Any) -> Result:
            ran.append(key)
            result = Result(key, f"Experiment {key}")
            study.model("nobody-has-this")
            result.rows.append({"value": study.config.seed})
            result.sum_up("seed", {"linear": study.config.seed}, headline=True)
            return result

        return runner.Experiment(key, run, lambda _, figure: figure.subplots())

    both = {key: experiment(key) for key in ("one", "two")}
    monkeypatch.setattr(runner, "EXPERIMENTS", both)
    return ran


@pytest.fixture(scope="module")
def config() -> EvaluationConfig:
    return EvaluationConfig.from_yaml(
        resource_dir("configs") / "evaluation" / "paper.yaml"
    )


def test_an_evaluation_that_was_stopped_goes_on(
    counted: list[str],
    config: EvaluationConfig,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    two = runner.EXPERIMENTS["two"]

    def stopped(study: Any) -> Result:
        raise KeyboardInterrupt

    monkeypatch.setitem(runner.EXPERIMENTS, "two", two._replace(run=stopped))
    with pytest.raises(KeyboardInterrupt):
        runner.evaluate(config, tmp_path)
    left = json.loads((tmp_path / "results.json").read_text())
    assert list(left["experiments"]) == ["one"]
    monkeypatch.setitem(runner.EXPERIMENTS, "two", two)
    whole = runner.evaluate(config, tmp_path)
    assert list(whole["experiments"]) == ["one", "two"]
    assert counted == ["one", "two"]  # neither of them twice
    assert whole["experiments"]["one"] == left["experiments"]["one"]


@pytest.mark.slow
def test_what_may_have_changed_is_done_again(
    counted: list[str], config: EvaluationConfig, tmp_path: Path
) -> None:
    def runs(told: EvaluationConfig, **options: Any) -> list[str]:
        counted.clear()
        runner.evaluate(told, tmp_path, **options)
        return list(counted)

    assert runs(config) == ["one", "two"]
    assert runs(config) == []
    assert runs(config, only=["two"], again=True) == ["two"]
    assert runs(config) == []
    (tmp_path / "one.png").unlink()
    assert runs(config) == ["one"]
    other = config.model_copy(update={"seed": 7})
    assert runs(other) == ["one", "two"]
    assert runs(other, quick=True) == ["one", "two"]
    (tmp_path / "results.json").write_text("{")
    assert runs(other, quick=True, only=["one"]) == ["one"]


def test_only_keeps_what_else_the_folder_holds(
    counted: list[str], config: EvaluationConfig, tmp_path: Path
) -> None:
    runner.evaluate(config, tmp_path, only=["two"])
    both = runner.evaluate(config, tmp_path, only=["one"])
    assert list(both["experiments"]) == ["one", "two"]
    with pytest.raises(InputError, match="no experiment 'three'"):
        runner.evaluate(config, tmp_path, only=["three"])
