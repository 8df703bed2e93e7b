"""The settings: everything that is wrong with them at once, and with the files that they name."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from bot.doctor.findings import Case, Finding
from bot.replies import Words
from bot.settings import CONFIG_FILE, SettingsError
from bot.settings_faults import ENVIRONMENT_PREFIX

NAME = "configuration"


def configuration(file: Path | None, faults: tuple[str, ...], variables: int, words: Words) -> list[Finding]:
    """What stands in the file and the environment.

    Args:
        file: That was read.
        faults: A sentence for each.
        variables: How many there are in the environment.
        words: To tell it in.
    """
    if faults:
        advice = words.text("Correct it; omost-bot config prints every option with what it means.")
        found = [Finding(NAME, "failure", fault) for fault in faults]
        return [*found[:-1], replace(found[-1], advice=advice)]
    where = str(file) if file else words.text("no {file} in this folder, so the defaults", file=CONFIG_FILE)
    if variables:
        named = words.count(
            "Settings: {where}; {number} variable {prefix}… in the environment.",
            "Settings: {where}; {number} variables {prefix}… in the environment.",
            variables,
            where=where,
            prefix=ENVIRONMENT_PREFIX,
        )
        return [Finding(NAME, "ok", named)]
    return [Finding(NAME, "ok", words.text("Settings: {where}.", where=where))]


def secrets(case: Case) -> Iterator[Finding]:
    """Tokens and passwords in files of their own, and whether the page may be served where it is to be."""
    settings = case.settings
    reads: tuple[Callable[[], object], ...] = (settings.page_password, settings.telegram_token)
    for read in reads:
        try:
            read()
        except SettingsError as error:
            yield Finding(NAME, "failure", str(error))


def classifier(case: Case) -> Iterator[Finding]:
    """The operator's own function that looks at requests."""
    try:
        case.settings.studio_safety()
    except SettingsError as error:
        advice = case.words.text("Install its module, or put its folder into PYTHONPATH.")
        yield Finding("classifier", "failure", str(error), advice)
    else:
        name = case.settings.safety.classifier
        yield Finding("classifier", "ok", case.words.text("Requests are looked at by {name}.", name=name))
