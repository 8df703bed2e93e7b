"""An examination on paper: a line for each finding, with a sign before it and what to do below it."""

import json
import os
import sys
from typing import Final

import typer
from rich.console import Console
from rich.text import Text

from bot.doctor.examination import Examination
from bot.doctor.findings import Finding, Status
from bot.report import ExitStatus

_SIGNS: Final[dict[Status, tuple[str, str]]] = {
    "ok": ("✔", "green"),
    "warning": ("!", "yellow"),
    "failure": ("✘", "red"),
}


def print_examination(found: Examination, *, as_json: bool) -> None:
    """On standard output, for people in colours where it is a terminal, or as one JSON object."""
    if as_json:
        typer.echo(json.dumps(_as_values(found)))
        return
    console = Console(file=sys.stdout, highlight=False, soft_wrap=True)
    with console.capture() as text:  # for it would end the process by itself when nobody reads on
        for finding in found.findings:
            console.print(_line(finding))
        console.print(_verdict(found))
    typer.echo(text.get(), nl=False)


def end_with(found: Examination) -> None:
    """Ends the process with the exit status, whoever has not answered yet.

    Raises:
        typer.Exit: Unless there are threads that cannot be ended and would be waited for.
    """
    status = 0 if found.can_run else ExitStatus.REFUSED
    if not found.is_complete:
        sys.stdout.flush()
        os._exit(status)
    raise typer.Exit(status)


def _as_values(found: Examination) -> dict[str, object]:
    checks = [
        {"name": each.name, "status": each.status, "summary": each.summary, "advice": each.advice}
        for each in found.findings
    ]
    return {"ok": found.can_run, "checks": checks}


def _line(finding: Finding) -> Text:
    sign, color = _SIGNS[finding.status]
    line = Text.assemble((sign, color), " ", finding.summary)
    if finding.advice:
        line.append(f"\n  {finding.advice}", style="dim")
    return line


def _verdict(found: Examination) -> str:
    words = found.words
    failures, warnings = found.count("failure"), found.count("warning")
    if failures:
        return words.count(
            "It cannot run like this: {number} thing has to be mended.",
            "It cannot run like this: {number} things have to be mended.",
            failures,
        )
    if warnings:
        return words.count(
            "It can run; {number} thing is worth a look.",
            "It can run; {number} things are worth a look.",
            warnings,
        )
    return words.text("It can run.")
