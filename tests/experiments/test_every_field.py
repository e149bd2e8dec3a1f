"""No field of useq's is dropped: it comes back from the folder, or is refused."""

from __future__ import annotations

import os
import re
import warnings

import pytest
import useq
import yaml
from experiment_fakes import standing
from hypothesis import HealthCheck, event, given, settings
from useq_fields import INNER, MODELS, SEQUENCE

from rmz_acquire.errors import InputError
from rmz_acquire.experiments import StoredExperiment, read_experiment, resume, run
from rmz_acquire.experiments.export import export_ome_tiff
from rmz_acquire.experiments.keeping import as_json, as_yaml, from_json
from rmz_acquire.experiments.verify import verify

# more of them: RMZ_ACQUIRE_EXAMPLES=500 pytest tests/experiments/test_every_field.py
EXAMPLES = int(os.environ.get("RMZ_ACQUIRE_EXAMPLES", "25"))
# the model itself, or its name in one line: "setup.roi: it has no pixels"
KEY = re.compile(r"^(experiment\.yaml: )?(useq: |[a-z_]+(\.\w+)*( \(.*\))?(:| )).*\S")
SAME = settings(
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def keys_of(strategy):
    """The keys that a strategy of mappings can give."""
    while not hasattr(strategy, "mapping"):
        strategy = strategy.wrapped_strategy
    return set(strategy.mapping) | set(strategy.optional or {})


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_the_strategies_leave_no_field_out(model):
    assert set(model.model_fields) - keys_of(MODELS[model]) == set()


def test_a_sequence_of_a_position_has_what_useq_lets_it_have():
    own = {"stage_positions", "setup", "keep_shutter_open_across"}
    assert keys_of(INNER) == set(useq.MDASequence.model_fields) - own


def plain(sequence):
    """All of its values, set or not."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return sequence.model_dump(mode="json")


def read(tmp_path, told):
    path = tmp_path / "experiment.yaml"
    path.write_text(yaml.safe_dump(told, allow_unicode=True), encoding="utf-8")
    return read_experiment(path)


def is_one_line_with_a_key(error):
    text = str(error)
    assert "\n" not in text and KEY.match(text), text


@pytest.mark.slow
@given(told=SEQUENCE)
@settings(SAME, max_examples=3 * EXAMPLES)
def test_kept_or_refused_when_it_is_read(tmp_path, told):
    try:
        sequence = read(tmp_path, told)
    except InputError as error:
        is_one_line_with_a_key(error)
        return
    given_keys = {key for key, value in told.items() if value not in (None, [], {})}
    dumped = plain(sequence)
    assert all(dumped[key] for key in given_keys)
    # nothing is lost on the way to a file and back
    assert plain(from_json(as_json(sequence))) == dumped
    assert plain(read(tmp_path, yaml.safe_load(as_yaml(sequence)))) == dumped


def _quick(told):
    """Leave out long ways to the wells of a plate that is as large as real ones."""
    places = told.get("stage_positions")
    return not (isinstance(places, dict) and not isinstance(places["plate"], dict))


@pytest.mark.slow
@given(told=SEQUENCE.filter(_quick))
@settings(SAME, max_examples=EXAMPLES)
def test_kept_or_refused_by_a_run(demo, tmp_path_factory, told):
    folder = tmp_path_factory.mktemp("run")
    before, exposures = standing(demo), []
    snap = demo.snapImage
    demo.snapImage = lambda *args: exposures.append(1) or snap(*args)
    try:
        try:
            sequence = read(folder, told)
            summary = run(demo, sequence, folder / "run").summary
        except InputError as error:
            is_one_line_with_a_key(error)
            assert not exposures and not (folder / "run").exists()
            assert standing(demo) == before
            event("refused")
            return
        finally:
            del demo.snapImage
        event("run")
        # its XY stage stays where it is: the direction of the focus is not known
        assert {**standing(demo), "xyz": 0} == {**before, "xyz": 0}
        assert summary.status == "completed", summary.reason
        stored = StoredExperiment(folder / "run")
        assert plain(stored.sequence) == plain(sequence)
        own = read_experiment(folder / "run" / "experiment.yaml")
        assert plain(own) == plain(sequence)
        assert len(stored.prepared.volumes) == summary.volumes
        result = verify(folder / "run")
        assert not result.differences
        again = resume(demo, folder / "run").summary
        assert again.status == "completed"
        assert again.planes_taken == summary.planes_taken
        assert export_ome_tiff(folder / "run", folder / "tif")
        assert len(exposures) == summary.planes_taken
    finally:
        demo.setXYPosition(0.0, 0.0)
        demo.waitForDevice("XY")
