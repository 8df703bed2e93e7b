"""Makes docs/configuration.md of the settings: meanings from config.toml, what is allowed from the fields.

    python tools/make_configuration.py

A test compares the page with what this would write.
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.reloading import LASTING, LIVE
from bot.settings import Settings, sample_config

PAGE = Path(__file__).parents[1] / "docs" / "configuration.md"
INTRODUCTION = """\
# Configuration

Every option there is. This page is made from the settings themselves, by `tools/make_configuration.py`.

- The file is `./config.toml`, or the one that `--config FILE` names; `omost-bot config` prints one in which
  everything below stands. No file and no option is needed.
- The environment wins over the file. Lists are JSON there: `OMOST_WORKER__ROLES='["image"]'`.
- A name that is unknown, in the file or in a variable that begins with `OMOST_`, is refused with the nearest
  one, and so is a value that is not allowed. `omost-bot doctor` says so before a start.
- Secrets are taken from the environment alone, or from a file of their own where there is an option for one.
"""
RELOADED = "Read again at a [reload](operating.md#reload), while people are served."
NOT_RELOADED = "A change takes a restart."
KINDS = {"boolean": "true or false", "integer": "a whole number", "number": "a number", "string": "text"}


@dataclass(frozen=True, slots=True)
class Option:
    """An option as config.toml shows it."""

    name: str
    default: str
    meaning: str


def tables(text: str) -> dict[str, tuple[str, list[Option]]]:
    """Of config.toml, in its order, what each table is for and what options it has; the first has no name."""
    found: dict[str, tuple[str, list[Option]]] = {"": ("", [])}
    name, comment = "", []
    for line in text.splitlines():
        if option := re.match(r"#(\w+) = (.*)", line):
            found[name][1].append(Option(option[1], option[2], sentences(comment)))
        elif table := re.match(r"\[(\w+)\]", line):
            name = table[1]
            found[name] = (paragraphs(comment), [])
        elif line.startswith("#"):
            comment.append(line[1:].removeprefix(" "))
            continue
        comment = []
    return found


def sentences(lines: list[str]) -> str:
    """A comment on one line, fit for a cell of a table."""
    return " ".join(lines).replace("|", "\\|")


def paragraphs(lines: list[str]) -> str:
    """A comment as paragraphs; what is further in is code."""
    parts = re.split(r"((?:^ {4}.*\n?)+)", "\n".join(lines), flags=re.MULTILINE)
    return "\n\n".join(
        f"```toml\n{re.sub('^ {4}', '', part, flags=re.MULTILINE).rstrip()}\n```" if code else part.strip()
        for code, part in ((index % 2, part) for index, part in enumerate(parts))
    )


def allowed(field: dict[str, Any]) -> str:
    """What a field takes, in words."""
    if "enum" in field:
        return ", ".join(f"`{json.dumps(value)}`" for value in field["enum"])
    if field.get("format") == "password":
        return "a secret"
    if field["type"] == "array":
        return f"a list: {allowed(field['items'])}"
    least, most = field.get("minimum", field.get("exclusiveMinimum")), field.get("maximum")
    kind = KINDS[field["type"]]
    if least is not None and most is not None:
        return f"{kind}, {'above ' if 'minimum' not in field else ''}{least:g} to {most:g}"
    return f"{kind}, at least {least:g}" if least is not None else kind


def section(name: str, about: str, options: list[Option], schema: dict[str, Any]) -> str:
    """One table of the settings as a part of the page."""
    title = f"## [{name}]" if name else "## Before the first table"
    lines = [title, "", f"{about} {RELOADED if name in LIVE else NOT_RELOADED}".strip(), ""]
    if options:
        lines += ["| option, variable | default | allowed | meaning |", "|---|---|---|---|"]
    fields = schema["properties"] if not name else definition(schema, name)
    for option in options:
        variable = f"OMOST_{name.upper()}__{option.name.upper()}" if name else f"OMOST_{option.name.upper()}"
        lasts = f" {NOT_RELOADED}" if name == "picture" and option.name in LASTING else ""
        cells = (
            f"`{option.name}` `{variable}`",
            f"`{option.default}`",
            allowed(fields[option.name]),
            option.meaning + lasts,
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines).rstrip() + "\n"


def definition(schema: dict[str, Any], name: str) -> dict[str, Any]:
    """The fields of a table; none of one whose names are the operator's to choose."""
    reference = schema["properties"][name].get("$ref", "")
    return schema["$defs"][reference.rpartition("/")[2]]["properties"] if reference else {}


def page() -> str:
    """The whole page."""
    schema = Settings.model_json_schema()
    found = tables(sample_config())
    parts = (section(name, about, options, schema) for name, (about, options) in found.items())
    return "\n".join((INTRODUCTION, *parts))


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(PAGE)
