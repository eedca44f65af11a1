"""Turns what pydantic says about a value into problems with a place."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple, TypeAlias, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from collector.problem import quoted

Where: TypeAlias = tuple[Hashable, ...]
M = TypeVar("M", bound=BaseModel)


class Fault(NamedTuple):
    """What is wrong at one place of a value.

    Attributes:
        where: keys and indexes that lead there; what is missing is not part of them.
        message: what was found.
        allowed: what may stand there.
        found: the word to which an allowed one is suggested.
        at_key: whether the key is at fault rather than its value.
    """

    where: Where
    message: str
    allowed: tuple[str, ...] = ()
    found: str = ""
    at_key: bool = False


def validate(
    model: type[M], value: object, context: Mapping[str, Any] | None = None
) -> tuple[M | None, list[Fault]]:
    """Check a value against a model.

    Args:
        model: pydantic's.
        value: as YAML gave it.
        context: what its validators may ask for.

    Returns:
        The model's object, or None with everything that is wrong.
    """
    if not isinstance(value, Mapping):
        allowed = tuple(model.model_fields)
        return None, [Fault((), f"{quoted(value)} stands where keys are expected", allowed)]
    try:
        return model.model_validate(value, context=context), []
    except ValidationError as error:
        details = error.errors(include_url=False)
        return None, [_fault(model, detail) for detail in details if not _follows(detail, details)]


def _follows(detail: Mapping[str, Any], details: Iterable[Mapping[str, Any]]) -> bool:
    """Whether a list is only too short because an item of it is wrong, which is told by itself."""
    where = detail["loc"]
    return detail["type"] == "too_short" and any(
        len(other["loc"]) > len(where) and other["loc"][: len(where)] == where for other in details
    )


def _fault(model: type[BaseModel], detail: Mapping[str, Any]) -> Fault:
    where: Where = detail["loc"]
    make: Callable[[type[BaseModel], Where, Mapping[str, Any]], Fault]
    make = _MAKERS.get(detail["type"], _other)
    return make(model, where, detail)


def _unknown(model: type[BaseModel], where: Where, detail: Mapping[str, Any]) -> Fault:
    del detail
    key = str(where[-1])
    return Fault(where, f"unknown key {quoted(key)}", _keys(model, where[:-1]), key, at_key=True)


def _missing(model: type[BaseModel], where: Where, detail: Mapping[str, Any]) -> Fault:
    del detail
    about = _description(model, where)
    message = f"the key {quoted(where[-1])} is missing" + (f": {about}" if about else "")
    return Fault(where[:-1], message, at_key=True)


def _form(model: type[BaseModel], where: Where, detail: Mapping[str, Any]) -> Fault:
    form = _description(model, where) or f"what matches {detail['ctx']['pattern']}"
    return Fault(where, f"{_name(where)} is {quoted(detail['input'])}", (form,))


def _literal(model: type[BaseModel], where: Where, detail: Mapping[str, Any]) -> Fault:
    del model
    found = detail["input"]
    words = tuple(re.findall(r"'([^']*)'", str(detail["ctx"]["expected"])))
    return Fault(where, f"{_name(where)} is {quoted(found)}", words, str(found))


def _short(model: type[BaseModel], where: Where, detail: Mapping[str, Any]) -> Fault:
    del model
    least = detail["ctx"]["min_length"]
    return Fault(where, f"{_name(where)} is too short", (f"at least {least} of them",))


def _stated(model: type[BaseModel], where: Where, detail: Mapping[str, Any]) -> Fault:
    del model
    reason = str(detail["ctx"]["error"])
    return Fault(where, f"{_name(where)}: {reason}" if where else reason)


def _other(model: type[BaseModel], where: Where, detail: Mapping[str, Any]) -> Fault:
    del model
    allowed = re.sub(r"^\w+ should (be )?(a valid |an? (?=integer))?", "", str(detail["msg"]))
    allowed = _PLAIN.get(allowed.split(",")[0], allowed)
    return Fault(where, f"{_name(where)} is {quoted(detail['input'])}", (allowed,))


#: pydantic's words for types, in those of YAML.
_PLAIN = {
    "tuple": "a list",
    "list": "a list",
    "dictionary": "a mapping",
    "integer": "an integer",
    "number": "a number",
    "string": "text",
    "boolean": "true or false",
    "date in the format YYYY-MM-DD": "a date as YYYY-MM-DD",
    "date or datetime": "a date as YYYY-MM-DD",
}


_MAKERS: Mapping[str, Callable[[type[BaseModel], Where, Mapping[str, Any]], Fault]] = {
    "extra_forbidden": _unknown,
    "missing": _missing,
    "literal_error": _literal,
    "too_short": _short,
    "value_error": _stated,
    "string_pattern_mismatch": _form,
}


def _name(where: Where) -> str:
    """How a value is called: its key, with the index of an item."""
    if len(where) > 1 and isinstance(where[-1], int):
        return f"{where[-2]}[{where[-1]}]"
    return str(where[-1]) if where else "this"


def _description(model: type[BaseModel], where: Where) -> str:
    """What the model says about a key, or nothing."""
    inner = _inner(model, where[:-1])
    known = inner.model_fields.get(str(where[-1])) if inner else None
    return (known.description or "") if known else ""


def _keys(model: type[BaseModel], where: Where) -> tuple[str, ...]:
    """Keys that the model allows at a place."""
    inner = _inner(model, where)
    return tuple(inner.model_fields) if inner else ()


def _inner(model: type[BaseModel], where: Where) -> type[BaseModel] | None:
    """The model that holds at a place within a model."""
    found: type[BaseModel] | None = model
    for step in where:
        if found is not None and isinstance(step, str) and step in found.model_fields:
            found = next(_models(found.model_fields[step].annotation), None)
    return found


def _models(annotation: object) -> Iterator[type[BaseModel]]:
    """Models that an annotation names, however deep."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _models(inner)
