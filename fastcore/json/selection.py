"""What a user selects, as the plan that the native readers follow."""

from __future__ import annotations

import json as _json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from fastcore._native.json import COLUMN_TYPES
from fastcore.json.paths import Path, parse

__all__ = ["Field", "Schema", "Select", "field"]


@dataclass(frozen=True, slots=True)
class Field:
    """A path with what is to be made of its value; see `field`."""

    path: str
    type: str | None = None
    default: Any = None
    required: bool = False
    many: bool = False


def field(
    path: str,
    type: str | None = None,
    default: Any = None,
    required: bool = False,
    many: bool = False,
) -> Field:
    """Say more about a selected path than where it leads.

    Parameters
    ----------
    path : str
        JSONPath, JSON Pointer, or names joined by dots.
    type : str, optional
        One of the column types. The value must be of this type, or null: integers out
        of its range and values of another type are mismatches. ``"json"`` gives the raw
        text of the value, timestamps and dates are `numpy.datetime64`.
    default : object, optional
        In place of a value that is missing (not of a null).
    required : bool, default False
        A missing value is an error of the record.
    many : bool, default False
        A list of all values at the path, in the order of the document, in place of the first.

    Raises
    ------
    PathError
        `path` is not one.
    ValueError
        `type` is not a type; a column cannot have `many`.

    Examples
    --------
    >>> from fastcore import json
    >>> list(json.stream(b'{"n": 1}', [json.field("n", "float64"), json.field("m", default=0)]))
    [(1.0, 0)]
    """
    parse(path)
    if type is not None:
        if not isinstance(type, str):
            raise TypeError(f"type must be a str or None, not {type.__class__.__name__}")
        if type not in COLUMN_TYPES:
            raise ValueError(f"type {type!r} is not one of {', '.join(COLUMN_TYPES)}")
    return Field(path, type, default, bool(required), bool(many))


class ColumnType(str):
    """A type where a schema has a path or a field otherwise: what `fastcore.json.infer` gives.

    The name of the column is then its path.
    """

    __slots__ = ()


Selector: TypeAlias = "str | Field"
Select: TypeAlias = "Selector | Sequence[Selector] | Mapping[str, Selector] | None"
Schema: TypeAlias = "Mapping[str, Selector | tuple[str, str]]"


@dataclass(frozen=True, slots=True)
class Plan:
    """The fields in order, and the paths that feed them: (field, many, steps)."""

    shape: int
    fields: tuple[Field, ...]
    names: tuple[str, ...]
    paths: tuple[tuple[int, bool, Path], ...]
    default_texts: tuple[bytes | None, ...] = ()


_RECORD, _VALUE, _TUPLE, _DICT = range(4)


def _as_field(selector: object, what: str) -> Field:
    if isinstance(selector, Field):
        return selector
    if isinstance(selector, str):
        return Field(selector)
    raise TypeError(f"{what} must be a path or a field(), not {type(selector).__name__}")


def _paths(fields: Sequence[Field]) -> tuple[tuple[int, bool, Path], ...]:
    return tuple(
        (cell, field.many, steps)
        for cell, field in enumerate(fields)
        for steps in parse(field.path)
    )


def _named(selectors: Mapping[Any, Any], what: str) -> tuple[tuple[str, ...], tuple[Field, ...]]:
    for name in selectors:
        if not isinstance(name, str):
            raise TypeError(f"the names in {what} must be str, not {type(name).__name__}")
    fields = tuple(_as_field(value, f"{what}[{name!r}]") for name, value in selectors.items())
    return tuple(selectors), fields


def compile_select(select: object) -> Plan:
    """Turn what `fastcore.json.stream` calls ``select`` into a plan."""
    names: tuple[str, ...] = ()
    if select is None:
        return Plan(_RECORD, (), (), ())
    fields: tuple[Field, ...]
    if isinstance(select, (str, Field)):
        shape, fields = _VALUE, (_as_field(select, "select"),)
    elif isinstance(select, Mapping):
        shape = _DICT
        names, fields = _named(select, "select")
    elif isinstance(select, Sequence) and not isinstance(select, (bytes, bytearray, memoryview)):
        shape = _TUPLE
        fields = tuple(_as_field(value, f"select[{i}]") for i, value in enumerate(select))
    else:
        raise TypeError(
            "select must be None, a path, a list of paths or a dict of name to path, "
            f"not {type(select).__name__}"
        )
    return Plan(shape, fields, names, _paths(fields))


def compile_schema(schema: object) -> Plan:
    """Turn what `fastcore.json.columns` calls ``schema`` into a plan."""
    if not isinstance(schema, Mapping):
        raise TypeError(
            f"schema must be a dict of name to field(path, type), not {type(schema).__name__}"
        )
    if not schema:
        raise ValueError("schema must name at least one column")
    fields_of = {
        name: field(name, str(value)) if isinstance(value, ColumnType) else value
        for name, value in schema.items()
    }
    names, given = _named(fields_of, "schema")
    for name in names:
        if "\0" in name:
            raise ValueError(f"column name {name!r} must not hold a NUL")
    fields = tuple(f if f.type is not None else replace(f, type="json") for f in given)
    for name, one in zip(names, fields, strict=True):
        if one.many:
            raise ValueError(f"column {name!r}: many=True gives lists, which no column type holds")
    texts = tuple(
        None if f.default is None else _default_text(f, n)
        for f, n in zip(fields, names, strict=True)
    )
    return Plan(_DICT, fields, names, _paths(fields), texts)


def _default_text(one: Field, name: str) -> bytes:
    """The default as JSON, to be read by the column like any value."""
    value = one.default
    if one.type == "json":
        if not isinstance(value, str):
            raise TypeError(f"column {name!r}: the default of a json column must be its text")
        return value.encode()
    if isinstance(value, bytes):
        value = value.decode()
    try:
        return _json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except (TypeError, ValueError) as error:
        raise TypeError(f"column {name!r}: the default {value!r} is not JSON: {error}") from None
