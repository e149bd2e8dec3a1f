"""Sequences over all of useq's fields, as somebody writes them into a file."""

from __future__ import annotations

import useq
from hypothesis import strategies as st
from useq import _grid, _position  # the models behind useq's names

BLOCK = {
    "version": 1,
    "estimator": "linear",
    "max_planes": 2,
    "stage": {"settle_ms": 0},
    "ome_tiff": False,
}
small = st.sampled_from([0, 1, 2.5, -3])
above = st.sampled_from([0.5, 1, 2])
texts = st.sampled_from(["a", "left", "µ ü", "A/1: low"])
flags = st.booleans()
#: Rarely one that nobody obeys: most sequences shall run.
seldom = st.sampled_from([False] * 9 + [True])


def fields(needed=None, **optional):
    """A mapping with what is needed, and any of what is optional."""
    return st.fixed_dictionaries(needed or {}, optional=optional)


PROPERTIES = st.sampled_from(
    [
        [["Camera", "Binning", 2]],
        [["Camera", "Gain", "3"], ["Camera", "Offset", 7]],
        [["Core", "Camera", "Camera"]],
        [["Camera", "Gain", 99]],
    ]
)
STEPS = {"step": st.sampled_from([1, 1, 1, 0.5, -1]), "go_up": flags}
Z_PLANS = {
    useq.ZTopBottom: fields({"top": st.just(2), "bottom": small, **STEPS}),
    useq.ZRangeAround: fields({"range": st.sampled_from([2, 3, 0]), **STEPS}),
    useq.ZAboveBelow: fields({"above": above, "below": above, **STEPS}),
    useq.ZRelativePositions: fields({"relative": st.just([0, 1, 2.5])}, go_up=flags),
    useq.ZAbsolutePositions: fields({"absolute": st.just([3, 1, 2])}, go_up=flags),
}
INTERVALS = st.sampled_from([0, 0.01, {"milliseconds": 20}, "PT0.01S"])
TIMES = {
    useq.TIntervalLoops: fields(
        {"interval": INTERVALS, "loops": st.integers(1, 2)}, prioritize_duration=seldom
    ),
    useq.TDurationLoops: fields(
        {"duration": st.sampled_from([0, 0.02]), "loops": st.integers(1, 2)},
        prioritize_duration=seldom,
    ),
    useq.TIntervalDuration: fields(
        {"interval": INTERVALS, "duration": st.sampled_from([0.01, 0.02])},
        prioritize_duration=flags,
    ),
}
PHASES = st.lists(st.one_of(*TIMES.values()), min_size=1, max_size=2)
TIME = st.one_of(
    *TIMES.values(), PHASES, fields({"phases": PHASES}, prioritize_duration=seldom)
)
TILES = {
    "overlap": st.sampled_from([0, 10, [5, 10], -5]),
    "mode": st.sampled_from(["row_wise", "column_wise_snake", "spiral"]),
    "fov_width": st.sampled_from([30, 32]),
    "fov_height": st.just(32),
}
CENTRE = {"relative_to": st.sampled_from(["center", "top_left"])}
NAMES = {
    "name": texts,
    "plate_row": st.integers(0, 2),
    "plate_col": st.integers(0, 2),
    "grid_row": st.integers(0, 2),
    "grid_col": st.integers(0, 2),
}
POINT = fields(
    {"x": small, "y": small},
    z=st.sampled_from([0, 0, 1]),
    properties=st.none(),
    sequence=st.none(),
    fov_width=st.just(32),
    fov_height=st.just(32),
    **NAMES,
)
GRIDS = {
    _grid.GridRowsColumns: fields(
        {"rows": st.integers(1, 2), "columns": st.just(1)}, **TILES, **CENTRE
    ),
    _grid.GridWidthHeight: fields(
        {"width": st.just(40), "height": st.just(20)}, **TILES, **CENTRE
    ),
    _grid.GridFromEdges: fields(
        {
            "top": st.just(40),
            "left": st.just(0),
            "bottom": st.just(0),
            "right": st.just(20),
        },
        **TILES,
    ),
    _grid.GridFromPolygon: fields(
        {"vertices": st.just([[0, 0], [40, 0], [0, 20]])},
        convex_hull=flags,
        offset=st.sampled_from([1, -1, -30]),
        **TILES,
    ),
    _grid.RandomPoints: fields(
        {"num_points": st.just(2)},
        max_width=st.just(90),
        max_height=st.just(90),
        shape=st.sampled_from(["ellipse", "rectangle"]),
        random_seed=st.integers(0, 9),
        allow_overlap=flags,
        order=st.sampled_from(["nearest_neighbor", "two_opt"]),
        start_at=st.one_of(st.just(0), st.just({"x": 1, "y": 2})),
        fov_width=st.just(32),
        fov_height=st.just(32),
    ),
    _position.RelativePosition: POINT,
}
GRID = st.one_of(*GRIDS.values())
CHANNEL = fields(
    {"config": st.sampled_from(["DAPI", "FITC"])},
    group=st.just("Channel"),
    exposure=st.sampled_from([1, 2]),
    do_stack=st.sampled_from([True, True, False]),
    z_offset=small,
    acquire_every=st.integers(1, 2),
    camera=st.sampled_from(["Camera", None]),
)
CHANNELS = st.lists(
    st.one_of(CHANNEL, st.just("Cy5")), max_size=2, unique_by=lambda c: str(c)
)
FOCUS = fields(
    {"axes": st.sampled_from([["p"], ["t", "c"], ["z"]])},
    autofocus_device_name=st.none(),
    autofocus_motor_offset=st.none(),
)
METADATA = st.sampled_from([{"lab": {"mouse": 7, "day": "2026-01-02"}}, {"note": None}])
SETUP = fields(
    x_pos=small,
    y_pos=small,
    z_pos=st.none(),
    channel=st.sampled_from(["DAPI", {"config": "FITC", "group": "Channel"}]),
    exposure=st.sampled_from([1, 3]),
    properties=PROPERTIES,
    roi=st.sampled_from(
        [[0, 0, 16, 16], {"offset_x": 4, "offset_y": 4, "width": 16, "height": 8}]
    ),
    pos_name=texts,
    metadata=METADATA,
    min_start_time=st.none(),
    index=st.sampled_from([{}, {}, {"t": 1}]),
    slm_image=st.none(),
    sequence=st.none(),
    action=st.just({"type": "custom", "name": "setup", "data": {}}),
    keep_shutter_open=seldom,
    reset_event_timer=seldom,
)
ORDERS = st.sampled_from(["tpgcz", "ptgcz", "tpcgz", "tgpcz", "tpgzc", "tpcz"])
Z_PLAN = st.one_of(*Z_PLANS.values())
INNER = fields(
    channels=CHANNELS,
    z_plan=Z_PLAN,
    grid_plan=GRID,
    time_plan=TIME,
    autofocus_plan=FOCUS,
    axis_order=ORDERS,
    metadata=METADATA,
)
POSITION = fields(
    {"z": st.sampled_from([0, 1, 2.5])},
    x=small,
    y=small,
    properties=PROPERTIES,
    sequence=st.one_of(st.none(), st.none(), INNER),
    **NAMES,
)
WELLS = fields(
    {
        "rows": st.just(2),
        "columns": st.just(3),
        "well_spacing": st.sampled_from([0.1, [0.1, 0.2]]),
        "well_size": st.just(0.05),
    },
    circular_wells=flags,
    name=texts,
)
PLATE = fields(
    {
        "plate": st.one_of(st.sampled_from(["96-well", 24]), WELLS),
        "a1_center_xy": st.just([0, 0]),
        "selected_wells": st.sampled_from([[[0, 1], [0, 2]], [[0], [1]]]),
    },
    rotation=st.sampled_from([0.5, "2°"]),
    well_points_plan=st.one_of(POINT, GRIDS[_grid.GridRowsColumns]),
)
SEQUENCE = fields(
    {
        "z_plan": st.one_of(Z_PLAN, Z_PLAN, st.none()),
        "metadata": st.sampled_from(
            [{"rmz_acquire": BLOCK}, {"rmz_acquire": BLOCK, "lab": {"mice": [1, 2.5]}}]
        ),
    },
    axis_order=ORDERS,
    stage_positions=st.one_of(st.lists(POSITION, max_size=2), PLATE),
    grid_plan=GRID,
    channels=CHANNELS,
    time_plan=TIME,
    autofocus_plan=FOCUS,
    setup=SETUP,
    keep_shutter_open_across=st.sampled_from([[], [], [], ["z"]]),
)

#: The strategy of each of useq's models: a field that is in none is one too few here.
MODELS = {
    **Z_PLANS,
    **TIMES,
    **GRIDS,
    useq.Channel: CHANNEL,
    useq.AxesBasedAF: FOCUS,
    useq.MDAEvent: SETUP,
    useq.Position: POSITION,
    useq.WellPlate: WELLS,
    useq.WellPlatePlan: PLATE,
    useq.MDASequence: SEQUENCE,
}
