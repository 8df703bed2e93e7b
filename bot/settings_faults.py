"""What is wrong with settings, in sentences for the operator who edits them.

It knows how settings are named, in files and in the environment, and not what they are for.
"""

import os
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from typing import Any, Final, cast, get_origin

from pydantic import BaseModel, SecretStr, ValidationError
from pydantic_core import ErrorDetails

from bot.sections import RoleSettings

ENVIRONMENT_PREFIX: Final = "OMOST_"
NESTED: Final = "__"

_IN_FILES: Final = frozenset({"database.url"})
"""Secrets that a file may have; all others are taken from the environment alone."""
_UNTOLD: Final = frozenset({"database", "openai", "discord", "telegram"})
"""Nothing that stands in these tables is ever repeated: a password may be among it. Nor is any secret."""


def variable(name: str) -> str:
    """The environment variable of a setting: `OMOST_WEB__PORT` for `web.port`."""
    return ENVIRONMENT_PREFIX + name.upper().replace(".", NESTED)


def names_of(model: type[BaseModel]) -> tuple[str, ...]:
    """Every setting's name, dotted as in `web.port`; those of `roles` are the operator's to choose."""
    return tuple(name for name, _ in _leaves(model))


def of_unreadable(error: ValueError) -> str:
    """A variable with a list or a table in it that is no JSON; pydantic-settings names the table alone."""
    text = getattr(error.__cause__, "doc", None)
    ours = [name for name in os.environ if name.upper().startswith(ENVIRONMENT_PREFIX)]
    if named := [name for name in sorted(ours) if os.environ[name] == text]:
        what = "lists and tables are JSON there, as in OMOST_WORKER__ROLES='[\"image\"]'"
        return f"environment: {' or '.join(named)} cannot be read: {what}."
    return f"environment: {error}"


class Faults:
    """Finds words for what is wrong with the settings of a model.

    Args:
        model: All settings, with tables as their fields.
        source: The file's name.
        environment: What variables say, as values of the model.
    """

    def __init__(self, model: type[BaseModel], source: str, environment: dict[str, Any]) -> None:
        self._known = (*names_of(model), *model.model_fields)
        self._secrets = tuple(name for name, kind in _leaves(model) if kind is SecretStr)
        self._source = source
        self._environment = environment

    def of_variables(self) -> list[str]:
        """Variables that are no setting; pydantic-settings itself passes over them in silence."""
        known = {variable(name) for name in self._known}
        strange = [name for name in os.environ if name.upper().startswith(ENVIRONMENT_PREFIX)]
        return [self._strange(name) for name in sorted(strange) if name.upper() not in known]

    def of_keys(self, values: dict[str, Any]) -> list[str]:
        """Takes keys out of what a file says, which is copied, shown and committed."""
        told: list[str] = []
        for name in sorted(set(self._secrets) - _IN_FILES):
            table, _, key = name.rpartition(".")
            section: Any = values.get(table)
            if isinstance(section, dict) and cast("dict[str, Any]", section).pop(key, None):
                told.append(
                    f"{self._source}: {name}: a key is taken from the environment alone: set "
                    f"{variable(name)}, and remove it from the file."
                )
        return told

    def of_values(self, error: ValidationError) -> list[str]:
        """What is not allowed, beside the variables that are no setting."""
        problems = error.errors()
        return [
            self._sentence(problem)
            for problem in problems
            if not (_follows(problem, problems) or self._is_strange(problem))
        ]

    def of_unfiltered(self, name: str, model: str) -> str:
        """A model that refuses nothing, named by a setting, without anything that refuses in its place."""
        place, shown = self._place(name.split("."))
        return (
            f"{place}: {shown} is {model!r}, a model that refuses nothing: "
            "say under [safety] what is not composed, as block or classifier."
        )

    def _is_strange(self, problem: ErrorDetails) -> bool:
        stem = variable(".".join(map(str, problem["loc"]))) + NESTED
        in_variables = any(f"{found.upper()}{NESTED}".startswith(stem) for found in os.environ)
        return problem["type"] == "extra_forbidden" and in_variables

    def _strange(self, found: str) -> str:
        name = found[len(ENVIRONMENT_PREFIX) :].lower().replace(NESTED, ".")
        return f"environment: {found} is no setting. The nearest is {variable(self._nearest(name))}."

    def _sentence(self, problem: ErrorDetails) -> str:
        parts = [
            part for part in problem["loc"] if isinstance(part, str) and part != "[key]"
        ]  # no places in lists
        name = ".".join(parts)
        place, shown = self._place(parts)
        if problem["type"] == "extra_forbidden":
            nearest = _nearest_of_role(parts[-1]) if parts[0] == "roles" else self._nearest(name)
            return f"{place}: {shown} is no setting. The nearest is {nearest}."
        if problem["type"] in ("model_type", "model_attributes_type", "dict_type"):
            return f"{place}: {shown}: it must be a table, [{name}]."
        is_untold = parts[0] in _UNTOLD or name in self._secrets
        found = "" if is_untold else f" is {problem['input']!r}"
        reason = problem["msg"][:1].lower() + problem["msg"][1:].replace("tuple", "list")
        return f"{place}: {shown}{found}: {reason}."

    def _place(self, parts: Sequence[str]) -> tuple[str, str]:
        """Where a setting was set, and what it is called there; a variable may hold its whole table."""
        variables = {found.upper() for found in os.environ}
        for depth in range(len(parts), 0, -1):
            holder, inner = variable(".".join(parts[:depth])), ".".join(parts[depth:])
            if holder in variables and _says(self._environment, parts):
                return "environment", f"{inner} in {holder}" if inner else holder
        return self._source, ".".join(parts)

    def _nearest(self, wrong: str) -> str:
        """The setting that was most likely meant: misspelt, or in the wrong table."""

        def likeness(name: str) -> float:
            last, wrong_last = name.rpartition(".")[2], wrong.rpartition(".")[2]
            return _likeness(name, wrong) + _likeness(last, wrong_last)

        return max(self._known, key=likeness)


def _follows(problem: ErrorDetails, problems: Sequence[ErrorDetails]) -> bool:
    """Whether it only says that a list is empty without its elements, which have sentences of their own."""
    place = problem["loc"]
    return problem["type"] == "too_short" and any(other["loc"][:-1] == place for other in problems)


def _nearest_of_role(wrong: str) -> str:
    return max(RoleSettings.model_fields, key=lambda name: _likeness(name, wrong))


def _says(values: Any, parts: Sequence[str]) -> bool:
    """Whether there is something at a place in tables."""
    if not parts:
        return True
    return isinstance(values, dict) and parts[0] in values and _says(values[parts[0]], parts[1:])


def _likeness(one: str, other: str) -> float:
    return SequenceMatcher(None, one, other).ratio()


def _leaves(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Every setting's name and type."""
    for name, info in model.model_fields.items():
        kind: Any = info.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from _leaves(kind, f"{prefix}{name}.")
        elif get_origin(kind) is not dict:
            yield prefix + name, kind
