"""Canvases for property tests: `st.from_type(Canvas)` draws one, its texts made of words or of anything."""

from hypothesis import strategies as st

from canvas.model import Canvas, GlobalDescription, LocalDescription
from canvas.names import AREAS, COLORS, LOCATIONS, OFFSETS

_WORDS = st.lists(
    st.sampled_from(
        ["a", "the", "red", "old", "dragon", "dogs", "sky", "of", "with", "playing", "children's"]
    ),
    max_size=8,
).map(" ".join)
_TEXTS = st.one_of(_WORDS, _WORDS.map(lambda words: words.capitalize() + "."), st.text(max_size=20))
_DISTANCES = st.one_of(
    st.sampled_from([1.0, 2.0, 3.0, 5.0, 10.0]),
    st.floats(min_value=0, exclude_min=True, allow_infinity=False, allow_nan=False),
)
_DETAILS = st.lists(_TEXTS, max_size=3).map(tuple)
_COLORS = st.sampled_from(sorted(COLORS))

_global_descriptions = st.builds(
    GlobalDescription, description=_TEXTS, detailed_descriptions=_DETAILS, tags=_TEXTS, color=_COLORS
)
_local_descriptions = st.builds(
    LocalDescription,
    description=_TEXTS,
    location=st.sampled_from(sorted(LOCATIONS)),
    offset=st.sampled_from(sorted(OFFSETS)),
    area=st.sampled_from(sorted(AREAS)),
    distance_to_viewer=_DISTANCES,
    detailed_descriptions=_DETAILS,
    tags=_TEXTS,
    atmosphere=_TEXTS,
    style=_TEXTS,
    quality_meta=_TEXTS,
    color=_COLORS,
)

st.register_type_strategy(GlobalDescription, _global_descriptions)
st.register_type_strategy(LocalDescription, _local_descriptions)
st.register_type_strategy(
    Canvas,
    st.builds(
        Canvas,
        global_description=_global_descriptions,
        local_descriptions=st.lists(_local_descriptions, max_size=6).map(tuple),
    ),
)
