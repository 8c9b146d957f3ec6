"""Documents and paths to draw from, and how a path of plain_paths is written."""

from __future__ import annotations

import json

from hypothesis import strategies as st
from reference.plain_paths import ALL, Segment, Selector

NAMES = st.sampled_from(["a", "b", "long name number one", "", "ü", "1", "0", 'q"\\'])
DOCUMENTS = st.recursive(
    st.integers(-9, 9) | st.sampled_from(["x", "", "[,]", '"{', True, None, 1.5]),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(NAMES, inner, max_size=5),
    max_leaves=25,
)
SELECTORS = (
    NAMES
    | st.just(ALL)
    | st.integers(0, 4)
    | st.builds(
        slice,
        st.none() | st.integers(0, 4),
        st.none() | st.integers(0, 5),
        st.none() | st.integers(1, 3),
    )
)
SEGMENTS = st.tuples(st.booleans(), st.lists(SELECTORS, min_size=1, max_size=3))


def write(selector: Selector) -> str:
    if selector is ALL:
        return "*"
    if isinstance(selector, slice):
        parts = (selector.start, selector.stop, selector.step)
        return ":".join("" if part is None else str(part) for part in parts)
    return json.dumps(selector, ensure_ascii=False)


def text_of(path: list[Segment]) -> str:
    return "$" + "".join(
        (".." if descend else "") + "[" + ",".join(map(write, selectors)) + "]"
        for descend, selectors in path
    )
