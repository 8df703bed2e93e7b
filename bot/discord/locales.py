"""In what language people's Discord is: told with what they press, and with no message that they write."""

from typing import Final

import structlog

from bot.chat.recent import Recent
from storage.errors import StorageError
from storage.records import PersonKey
from storage.store import Store

LOCALE: Final = "locale"
"""Among a person's preferences: as their Discord was the last time that it told."""
REMEMBERED: Final = 4096

_log = structlog.get_logger()


class Locales:
    """Remembers locales, also for the next process."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: Recent[PersonKey, str] = Recent(REMEMBERED)

    async def note(self, person: PersonKey, locale: str) -> None:
        """Somebody's Discord has told its locale."""
        if self._known.get(person) == locale:
            return
        self._known.note(person, locale)
        try:
            if (await self._store.preferences(person)).get(LOCALE) != locale:
                await self._store.set_preferences(person, **{LOCALE: locale})
        except StorageError as error:
            _log.warning("locale_not_kept", why=repr(error))

    async def of(self, person: PersonKey) -> str:
        """The locale that was told last; empty where none was."""
        if person not in self._known:
            try:
                found = (await self._store.preferences(person)).get(LOCALE)
            except StorageError as error:
                _log.warning("locale_not_read", why=repr(error))
                return ""
            self._known.note(person, str(found or ""))
        return self._known[person]
