"""Text matching and byte scans at the speed of the hardware."""

from fastcore.text.matcher import Lines, Match, Matcher, Matches
from fastcore.text.scan import count_byte, find_any, find_byte, line_offsets

__all__ = [
    "Lines",
    "Match",
    "Matcher",
    "Matches",
    "count_byte",
    "find_any",
    "find_byte",
    "line_offsets",
]
