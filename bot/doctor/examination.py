"""Everything that is looked at, and what it comes to."""

import os
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bot.doctor.clock import clock
from bot.doctor.configuration import classifier, configuration, secrets
from bot.doctor.database import database
from bot.doctor.discord import discord
from bot.doctor.disk import disk
from bot.doctor.findings import Case, Clocks, Finding, Look, gather
from bot.doctor.gpu import gpu
from bot.doctor.machine import fonts, program
from bot.doctor.models import composers, renderers
from bot.doctor.ports import ports
from bot.doctor.telegram import telegram
from bot.log import MIN_SECRET_CHARS, masked
from bot.replies import Words, words
from bot.settings import read_settings, settings_file
from bot.settings_faults import ENVIRONMENT_PREFIX


@dataclass(frozen=True, slots=True)
class Examination:
    """What was found.

    Attributes:
        findings: Without a token, key or password in any of them.
        words: Of the language that the settings name.
        is_complete: Whether all have answered in time; where not, threads are left that cannot be ended.
    """

    findings: tuple[Finding, ...]
    words: Words
    is_complete: bool

    @property
    def can_run(self) -> bool:
        """Whether nothing that was found keeps the bot from running."""
        return not self.count("failure")

    def count(self, status: str) -> int:
        """How many findings there are of a kind."""
        return sum(finding.status == status for finding in self.findings)


def examine(config: Path | None = None) -> Examination:
    """Looks at everything that the settings speak of; blocking, for half a minute at the most.

    Args:
        config: The settings' file, as `bot.settings.load_settings` takes it.
    """
    settings, faults = read_settings(config)
    spoken = words(settings.language if settings else "en")
    variables = sum(name.upper().startswith(ENVIRONMENT_PREFIX) for name in os.environ)
    found = [*program(spoken), *configuration(settings_file(config), faults, variables, spoken)]
    if settings is None:  # of what it says nothing is known
        return Examination(tuple(found), spoken, is_complete=True)
    case = Case(settings, spoken, Clocks())
    more, is_complete = gather(_looks(case), spoken)
    found += [*more, *clock(case)]
    hidden = tuple(secret for secret in settings.secrets() if len(secret) >= MIN_SECRET_CHARS)
    return Examination(tuple(_without_secrets(each, hidden) for each in found), spoken, is_complete)


def _looks(case: Case) -> dict[str, Look]:
    looks = {
        "configuration": secrets,
        "classifier": classifier,
        "database": database,
        "disk": disk,
        "gpu": gpu,
        "composer": composers,
        "renderer": renderers,
        "telegram": telegram,
        "discord": discord,
        "ports": ports,
        "fonts": fonts,
    }
    if not case.settings.safety.classifier:
        del looks["classifier"]
    return {name: partial(look, case) for name, look in looks.items()}


def _without_secrets(finding: Finding, secrets: tuple[str, ...]) -> Finding:
    summary, advice = (_on_a_line(str(masked(text, secrets))) for text in (finding.summary, finding.advice))
    return Finding(finding.name, finding.status, summary, advice)


def _on_a_line(text: str) -> str:
    """What others call themselves must not move a terminal's cursor."""
    return "".join(char if char.isprintable() else " " for char in text)
