"""Answers to interactions: acknowledged within three seconds, then shown to the one who asked.

An answer that needs a form must be the very first response, and only looking it up says whether it does. So
what may lead to a form is given a moment before it is acknowledged; a form that is too late is offered behind
a button.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, Final, TypeVar

import discord
import structlog
from discord import ui
from discord.utils import MISSING

from bot.chat.commands import with_names
from bot.chat.platform import Incoming, PlatformError, TooLarge
from bot.chat.presses import Action, Press
from bot.chat.views import Answer, Button, Form, View, plain
from bot.discord.drawing import Upload, components, markup, uploads
from bot.discord.forms import modal
from bot.discord.hearing import can_only_answer, of_interaction
from bot.discord.platform import DiscordPlatform
from bot.discord.refusals import ALREADY_ACKNOWLEDGED, UNKNOWN_INTERACTION, translated
from bot.replies import Words, words

FORM_WITHIN_S: Final = 1.2
TOAST_S: Final = 6.0
REMEMBERED: Final = 4096

_ASKS = frozenset((Action.REFINE, Action.REGION, Action.ADD_REGION, Action.SETTINGS))

_Value = TypeVar("_Value")
_Ask = Callable[[Incoming], Awaitable[Answer]]
_Interaction = discord.Interaction[Any]

_log = structlog.get_logger()


def may_ask(press: Press) -> bool:
    """Whether a press can lead to a form."""
    return press.action in _ASKS


class Answering:
    """Acknowledges interactions and shows what they are answered; one that comes twice is answered once."""

    def __init__(self, platform: DiscordPlatform) -> None:
        self._platform = platform
        self._known: OrderedDict[int, None] = OrderedDict()
        self._locales: OrderedDict[int, str] = OrderedDict()
        self._fading: set[asyncio.Task[None]] = set()

    def close(self) -> None:
        """Leaves the toasts where they are."""
        for task in self._fading:
            task.cancel()

    def locale_of(self, user_id: int) -> str:
        """In what language somebody's Discord was the last time that it told; empty where it has not."""
        return self._locales.get(user_id, "")

    async def answer(self, interaction: _Interaction, ask: _Ask, *, may_ask: bool = False) -> None:
        """Asks, and shows the answer.

        Args:
            interaction: What was done.
            ask: What to make of it; raises nothing.
            may_ask: Whether a form may come of it.
        """
        if interaction.id in self._known:  # a session that goes on tells some things again
            return
        _remember(self._known, interaction.id, None)
        _remember(self._locales, interaction.user.id, interaction.locale.value)
        said = of_interaction(interaction)
        if can_only_answer(interaction):
            self._platform.answers_by(said.key, interaction)
        asking: asyncio.Future[Answer] | None = None
        if may_ask:
            asking = asyncio.ensure_future(ask(said))
            await asyncio.wait({asking}, timeout=FORM_WITHIN_S)
            if asking.done() and (form := asking.result().form):
                await self.show_modal(interaction, modal(form))
                return
        if not await self._acknowledged(interaction):
            return
        await self._show(interaction, await (asking or ask(said)))

    async def _acknowledged(self, interaction: _Interaction) -> bool:
        """Whether the interaction can be answered, which is the first thing that is done."""
        is_command = interaction.message is None
        is_hidden = is_command and not can_only_answer(interaction)
        try:
            async with translated():
                await interaction.response.defer(ephemeral=is_hidden, thinking=is_command)
        except PlatformError as error:
            cause = error.__cause__
            code = cause.code if isinstance(cause, discord.HTTPException) else 0
            _log.warning("not_acknowledged", interaction_id=interaction.id, why=repr(cause or error))
            return code not in (ALREADY_ACKNOWLEDGED, UNKNOWN_INTERACTION)
        return True

    async def show_modal(self, interaction: _Interaction, shown: ui.Modal) -> None:
        """Opens a modal, as the first response."""
        try:
            async with translated():
                await interaction.response.send_modal(shown)
        except PlatformError as error:
            _log.warning("form_not_opened", interaction_id=interaction.id, why=repr(error))

    async def _show(self, interaction: _Interaction, answer: Answer) -> None:
        try:
            async with translated():
                await self._shown(interaction, answer)
        except PlatformError as error:
            _log.warning("answer_not_shown", interaction_id=interaction.id, why=repr(error))

    async def _shown(self, interaction: _Interaction, answer: Answer) -> None:
        is_command = interaction.message is None
        answer = _named(answer, words(interaction.locale.value))
        view = _late(answer.form) if answer.form else answer.view
        if answer.removes and not is_command:
            await interaction.delete_original_response()
        if view and (is_command or answer.replaces):
            await self._replace(interaction, view)
        elif view:
            await self._add(interaction, view, is_private=answer.is_private)
        elif is_command and not self._platform.has_answered(interaction):
            await self._end_command(interaction, answer.toast)
        if answer.toast and not is_command:
            await self._toast(interaction, answer.toast)

    async def _replace(self, interaction: _Interaction, view: View) -> None:
        """Into the message that says that the bot is thinking, or in the place of a panel."""
        files = await self._files(interaction, view)
        await interaction.edit_original_response(
            content=markup(view.text),
            attachments=[upload.file() for upload in files],
            view=components(view),
        )

    async def _add(self, interaction: _Interaction, view: View, *, is_private: bool) -> None:
        files = await self._files(interaction, view)
        await interaction.followup.send(
            markup(view.text),
            files=[upload.file() for upload in files],
            view=components(view) if view.rows or view.choices else MISSING,
            ephemeral=is_private,
            suppress_embeds=True,
        )

    async def _end_command(self, interaction: _Interaction, toast: str) -> None:
        if toast:
            message = await interaction.edit_original_response(content=markup(plain(toast)))
            self._fade(message)
        else:
            await interaction.delete_original_response()

    async def _toast(self, interaction: _Interaction, toast: str) -> None:
        message = await interaction.followup.send(markup(plain(toast)), ephemeral=True, wait=True)
        self._fade(message)

    def _fade(self, message: discord.Message) -> None:
        """Takes a toast away after a while."""

        async def fade() -> None:
            await asyncio.sleep(TOAST_S)
            try:
                async with translated():
                    await message.delete()
            except PlatformError as error:
                _log.info("toast_stays", why=repr(error))

        task = asyncio.create_task(fade())
        self._fading.add(task)
        task.add_done_callback(self._fading.discard)

    async def _files(self, interaction: _Interaction, view: View) -> tuple[Upload, ...]:
        """The view's files within the interaction's limit; what is too large is left out."""
        try:
            return (await asyncio.to_thread(uploads, view, interaction.filesize_limit))[0]
        except (TooLarge, OSError) as error:
            _log.warning("file_not_sent", interaction_id=interaction.id, why=repr(error))
            return ()


def _remember(known: OrderedDict[int, _Value], key: int, value: _Value) -> None:
    """Notes it, and forgets the oldest where there are many."""
    known[key] = value
    while len(known) > REMEMBERED:
        known.popitem(last=False)


def _late(form: Form) -> View:
    """A form that could not be opened in time, behind a button."""
    return View(plain(form.title), rows=((Button(form.title, form.press),),))


def _named(answer: Answer, spoken: Words) -> Answer:
    """The answer with the commands called as the person's program calls them."""
    view = answer.view
    if view:
        text = tuple(replace(span, text=with_names(span.text, spoken)) for span in view.text)
        view = replace(view, text=text)
    return replace(answer, toast=with_names(answer.toast, spoken), view=view)
