"""Text matching and byte scans at the speed of the hardware."""

from fastcore.text.matcher import Lines, Match, Matcher, Matches
from fastcore.text.prefixes import PrefixTable
from fastcore.text.regex import RegexError, RegexSet
from fastcore.text.scan import count_byte, find_any, find_byte, line_offsets
from fastcore.text.scanner import Scanner

__all__ = [
    "Lines",
    "Match",
    "Matcher",
    "Matches",
    "PrefixTable",
    "RegexError",
    "RegexSet",
    "Scanner",
    "count_byte",
    "find_any",
    "find_byte",
    "line_offsets",
]
