"""Panels are edited in place: of views that come faster than they may be shown, only the newest is shown.

So somebody who presses quickly takes as little as possible of what may be sent in a chat.
"""

import asyncio
from typing import Final

import structlog

from bot.chat.platform import Chat, Message, MessageGone, Platform, PlatformError, Unsure
from bot.chat.sending import Sender
from bot.chat.views import View

ATTEMPTS: Final = 3
"""So often an edit of which nobody knows whether it was made is made."""

_Place = tuple[str, str]

_log = structlog.get_logger()


class InPlace:
    """Edits panels, until it is closed."""

    def __init__(self, platform: Platform, sender: Sender) -> None:
        self._platform = platform
        self._sender = sender
        self._newest: dict[_Place, View] = {}
        self._editing: dict[_Place, asyncio.Task[bool]] = {}

    def show(self, panel: Message, view: View) -> asyncio.Task[bool]:
        """Makes a panel look like this when its turn comes, unless a newer view is there by then.

        Returns at once; the task ends when the newest view is shown, with whether the panel is still there.
        """
        place = _place(panel)
        self._newest[place] = view
        if place not in self._editing:
            self._editing[place] = asyncio.create_task(self._until_shown(panel, place))
        return self._editing[place]

    def let_go(self, panel: Message) -> None:
        """Shows nothing more there."""
        self._newest.pop(_place(panel), None)

    async def close(self) -> None:
        """Ends all editing."""
        editing = list(self._editing.values())
        for task in editing:
            task.cancel()
        await asyncio.gather(*editing, return_exceptions=True)

    async def _until_shown(self, panel: Message, place: _Place) -> bool:
        try:
            unsure = 0
            while place in self._newest and unsure < ATTEMPTS:
                try:
                    await self._sender.in_turn(panel.chat, lambda there: self._edit(there, panel, place))
                except Unsure:
                    unsure += 1
        except MessageGone:
            return False
        except PlatformError as error:
            _log.warning("panel_not_changed", chat_id=panel.chat.chat_id, why=repr(error))
        except Exception as error:  # noqa: BLE001 - nobody waits for it
            _log.error("panel_not_changed", chat_id=panel.chat.chat_id, exc_info=error)
        finally:
            self._newest.pop(place, None)
            del self._editing[place]
        return True

    async def _edit(self, there: Chat, panel: Message, place: _Place) -> None:
        view = self._newest.get(place)
        if view is None:
            return
        await self._platform.edit(Message(there, panel.message_id), view)
        if self._newest.get(place) is view:
            del self._newest[place]


def _place(panel: Message) -> _Place:
    return panel.chat.chat_id, panel.message_id
