"""Reading the settings again while people are served: at SIGHUP, as `systemctl reload` sends it."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from operator import attrgetter

import structlog

from bot.settings import Settings, SettingsError, setting_names
from engine.composer.safety import Safety
from engine.signals import on_hangup

LIVE = ("picture", "safety", "limits", "roles", "people", "chats")
"""The tables that can be replaced while people are served."""

LASTING = ("composer", "renderer")
"""But for these under `picture`: nothing but a restart sets another one up."""

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Changes:
    """What became of other settings, by their names.

    Attributes:
        made: Were taken over.
        waiting: Take a restart.
    """

    made: list[str]
    waiting: list[str]


Replace = Callable[[Settings, Safety], Changes]
"""Puts what was found, and what looks at requests from now on, in the place of the old."""


def take_over(settings: Settings, found: Settings) -> Changes:
    """Replaces what may change while people are served by what was found."""
    before, lasting = _by_name(settings), {name: getattr(settings.picture, name) for name in LASTING}
    for table in LIVE:
        setattr(settings, table, getattr(found, table))
    settings.picture = settings.picture.model_copy(update=lasting)
    now, wanted = _by_name(settings), _by_name(found)
    return Changes(
        [name for name in now if now[name] != before[name]],
        [name for name in now if now[name] != wanted[name]],
    )


async def reload_when_told(read: Callable[[], Settings], replace: Replace) -> None:
    """Hands on the settings that are read at each SIGHUP, until it is cancelled.

    What cannot be used is refused with its sentence in the log, and everything stays as it is.

    Args:
        read: Reads them.
        replace: Is handed them only where all of them can be used.
    """
    told = asyncio.Event()
    with on_hangup(told.set):
        while True:
            await told.wait()
            told.clear()
            await _reload(read, replace)


async def _reload(read: Callable[[], Settings], replace: Replace) -> None:
    try:
        found, safety = await asyncio.to_thread(_usable, read)
    except SettingsError as error:
        _log.error("settings_refused", why=str(error))
        return
    changes = replace(found, safety)
    _log.info("settings_read_again", changed=changes.made)
    if changes.waiting:
        _log.warning("settings_take_effect_after_a_restart", changed=changes.waiting)


def _usable(read: Callable[[], Settings]) -> tuple[Settings, Safety]:
    """The settings as they are read; a classifier that they name is imported, however long that takes."""
    found = read()
    return found, found.studio_safety()


def _by_name(settings: Settings) -> dict[str, object]:
    return {name: attrgetter(name)(settings) for name in (*setting_names(), "roles")}
