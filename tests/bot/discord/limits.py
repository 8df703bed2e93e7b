"""Discord's documented limits of messages, modals and commands; what breaks one is noted as wrong."""

import re
from collections.abc import Iterator
from typing import Any

NAME = re.compile(r"[-_'\w\u0900-\u097f\u0e00-\u0e7f]{1,32}")
MAX_COMMAND_CHARS = 8000


def check_message(payload: dict[str, Any], files: list[tuple[str, bytes]], wrongs: list[str]) -> None:
    """Texts, files and components of one message."""
    if len(payload.get("content") or "") > 2000:
        wrongs.append("content is longer than 2000")
    if len(files) > 10:
        wrongs.append("more than 10 files")
    if any(len(each.get("description") or "") > 1024 for each in payload.get("attachments", [])):
        wrongs.append("a description is longer than 1024")
    rows = payload.get("components") or []
    if len(rows) > 5:
        wrongs.append("more than 5 rows")
    items = [item for row in rows for item in row["components"]]
    if any(len(row["components"]) > 5 for row in rows):
        wrongs.append("more than 5 in a row")
    codes = [item["custom_id"] for item in items]
    if len(set(codes)) < len(codes):
        wrongs.append(f"a custom_id twice: {codes}")
    for item in items:
        _check_item(item, wrongs)


def check_modal(data: dict[str, Any], wrongs: list[str]) -> None:
    """A form."""
    if not 1 <= len(data["title"]) <= 45:
        wrongs.append(f"title {data['title']!r}")
    if not 1 <= len(data["components"]) <= 5:
        wrongs.append("a modal has 1 to 5 components")
    for label in data["components"]:
        if not 1 <= len(label["label"]) <= 45:
            wrongs.append(f"label {label['label']!r}")
        if not 1 <= len(label.get("description") or "-") <= 100:
            wrongs.append(f"description {label['description']!r}")
        _check_item(label["component"], wrongs)


def command_faults(command: dict[str, Any]) -> Iterator[str]:
    """What Discord would not take of a command, in any of its languages."""
    is_slash = command.get("type", 1) == 1
    for name in _localised(command, "name"):
        if is_slash and not (NAME.fullmatch(name) and name == name.lower()):
            yield f"name {name!r}"
        if not 1 <= len(name) <= 32:
            yield f"length of name {name!r}"
    yield from _descriptions(command) if is_slash else ()
    options = command.get("options", [])
    if len(options) > 25:
        yield "more than 25 options"
    required = [each.get("required", False) for each in options]
    if required != sorted(required, reverse=True):
        yield "required options come first"
    for option in options:
        yield from command_faults({**option, "type": 1})
        yield from _choices(option)
    for locale in {"", *(command.get("name_localizations") or {})}:
        names = [(each.get("name_localizations") or {}).get(locale, each["name"]) for each in options]
        if len(set(names)) < len(names):
            yield f"an option's name twice in {locale!r}: {names}"


def _choices(option: dict[str, Any]) -> Iterator[str]:
    choices = option.get("choices", [])
    if len(choices) > 25:
        yield "more than 25 choices"
    for choice in choices:
        yield from (f"choice {name!r}" for name in _localised(choice, "name") if not 1 <= len(name) <= 100)


def _descriptions(command: dict[str, Any]) -> Iterator[str]:
    for text in _localised(command, "description"):
        if not 1 <= len(text) <= 100:
            yield f"description {text!r}"


def _localised(thing: dict[str, Any], key: str) -> Iterator[str]:
    yield thing[key]
    yield from (thing.get(f"{key}_localizations") or {}).values()


def _check_item(item: dict[str, Any], wrongs: list[str]) -> None:
    if not 1 <= len(item["custom_id"]) <= 100:
        wrongs.append(f"custom_id {item['custom_id']!r}")
    match item:
        case {"type": 2}:
            if not 1 <= len(item.get("label") or "") <= 80:
                wrongs.append(f"button {item.get('label')!r}")
        case {"type": 3, "options": options}:
            _check_select(item, options, wrongs)
        case {"type": 4}:
            if len(item.get("value") or "") > min(4000, item.get("max_length", 4000)):
                wrongs.append("a value is longer than allowed")
        case _:
            pass


def _check_select(item: dict[str, Any], options: list[dict[str, Any]], wrongs: list[str]) -> None:
    if not 1 <= len(options) <= 25:
        wrongs.append(f"{len(options)} options")
    if len(item.get("placeholder") or "") > 150:
        wrongs.append("a placeholder is longer than 150")
    values = [option["value"] for option in options]
    if len(set(values)) < len(values):
        wrongs.append(f"a value twice: {values}")
    for option in options:
        for key in ("label", "value", "description"):
            text = option.get(key)
            if text is not None and not 1 <= len(text) <= 100:
                wrongs.append(f"{key} {text!r}")
