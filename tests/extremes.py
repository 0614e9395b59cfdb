"""Numbers at the ends of what a float holds, and equal ones: what every reader of values must pass."""

from __future__ import annotations

import math

from hypothesis import strategies as st

ENDS = (5e-324, 1e-320, 1e-308, 1e-16, 1e308, -1e308, 1.7976931348623157e308, -0.0, 0.0, 1.0, float(2**53 + 2))
"""The ends, and some numbers between."""

FINITE = st.one_of(st.sampled_from(ENDS), st.floats(allow_nan=False, allow_infinity=False))
ANY = st.one_of(FINITE, st.sampled_from([math.nan, math.inf, -math.inf]))

CURVES = st.one_of(
    st.lists(FINITE, min_size=1, max_size=12),
    st.tuples(FINITE, st.integers(1, 12)).map(lambda pair: [pair[0]] * pair[1]),
)
"""Finite values in a row, some rows all equal."""

MIXED = st.lists(ANY, min_size=1, max_size=12)
