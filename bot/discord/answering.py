"""Answers to interactions: acknowledged within three seconds, then shown to the one who asked.

An answer that needs a form must be the very first response, and only looking it up says whether it does. And
a request that is stored before it is acknowledged is not lost when the process dies. So what may lead to
either is given a moment before it is acknowledged; a form that is too late is offered behind a button.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import replace
from typing import Any, Final, TypeVar

import discord
import structlog
from discord import ui
from discord.utils import MISSING

from bot.chat.commands import with_names
from bot.chat.platform import Incoming, PlatformError, TooLarge
from bot.chat.recent import Recent
from bot.chat.views import Answer, Button, Form, View, plain
from bot.discord import hearing
from bot.discord.drawing import Upload, components, markup, uploads
from bot.discord.forms import modal
from bot.discord.hearing import of_interaction
from bot.discord.locales import Locales
from bot.discord.platform import Call, DiscordPlatform
from bot.discord.refusals import ALREADY_ACKNOWLEDGED, UNKNOWN_INTERACTION, translated
from bot.replies import Words, words

AHEAD_FOR_S: Final = 0.8
TOAST_S: Final = 6.0
REMEMBERED: Final = 4096

_Ask = Callable[[Incoming], Awaitable[Answer]]
_Interaction = discord.Interaction[Any]
_Result = TypeVar("_Result")

_log = structlog.get_logger()


class Answering:
    """Acknowledges interactions and shows what they are answered; one that comes twice is answered once."""

    def __init__(self, platform: DiscordPlatform, locales: Locales) -> None:
        self._platform = platform
        self._locales = locales
        self._known: Recent[int, None] = Recent(REMEMBERED)
        self._tasks: set[asyncio.Task[Any]] = set()

    async def close(self) -> None:
        """Ends what is being answered; toasts stay where they are."""
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def answer(self, interaction: _Interaction, ask: _Ask, *, is_ahead: bool = False) -> None:
        """Asks, and shows the answer.

        Args:
            interaction: What was done.
            ask: What to make of it; raises nothing.
            is_ahead: Whether to ask for a moment before it is acknowledged: where a form or a request may
                come of it.
        """
        if interaction.id in self._known:  # a session that goes on tells some things again
            return
        self._known.note(interaction.id, None)
        said = of_interaction(interaction)
        call = self._platform.call(
            said.key, interaction, can_only_answer=hearing.can_only_answer(interaction)
        )
        self._started(self._answer(call, said, ask, is_ahead=is_ahead))

    async def _answer(self, call: Call, said: Incoming, ask: _Ask, *, is_ahead: bool) -> None:
        try:
            if is_ahead:
                await self._ask_ahead(call, said, ask)
            elif await self._acknowledged(call):
                await self._show(call.interaction, await self._asked(said, ask))
        except Exception:  # noqa: BLE001 - nobody waits for this task
            _log.exception("not_answered", key=said.key)
        finally:
            call.is_taken.cancel()

    async def _ask_ahead(self, call: Call, said: Incoming, ask: _Ask) -> None:
        """Waits for a form or until something is to be posted, but not for long."""
        asking = self._started(self._asked(said, ask))
        posting = asyncio.create_task(call.wants_to_post.wait())
        try:
            await asyncio.wait({asking, posting}, timeout=AHEAD_FOR_S, return_when=asyncio.FIRST_COMPLETED)
        finally:
            posting.cancel()
        if asking.done() and (form := asking.result().form):
            await self.show_modal(call.interaction, modal(form))
            return
        is_taken = await self._acknowledged(call)
        answer = await asking
        if is_taken:
            await self._show(call.interaction, answer)

    async def _asked(self, said: Incoming, ask: _Ask) -> Answer:
        await self._locales.note(said.speaker.person, said.speaker.locale)
        return await ask(said)

    async def _acknowledged(self, call: Call) -> bool:
        """Whether the interaction can be answered, which whatever is to be posted waits for."""
        is_taken = await self._deferred(call.interaction)
        call.is_taken.set_result(is_taken)
        return is_taken

    async def _deferred(self, interaction: _Interaction) -> bool:
        is_command = interaction.message is None
        try:
            async with translated():
                await interaction.response.defer(ephemeral=is_command, thinking=is_command)
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
            await self._add(interaction, view)
        toast = "" if answer.has_begun else answer.toast
        if is_command and not view:
            await self._end_command(interaction, toast)
        elif toast:
            await self._toast(interaction, toast)

    async def _replace(self, interaction: _Interaction, view: View) -> None:
        """Into the message that says that the bot is thinking, or in the place of a panel."""
        files = await self._files(interaction, view)
        await interaction.edit_original_response(
            content=markup(view.text),
            attachments=[upload.file() for upload in files],
            view=components(view),
        )

    async def _add(self, interaction: _Interaction, view: View) -> None:
        """Beside what was pressed."""
        files = await self._files(interaction, view)
        await interaction.followup.send(
            markup(view.text),
            files=[upload.file() for upload in files],
            view=components(view) if view.rows or view.choices else MISSING,
            ephemeral=True,
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

        self._started(fade())

    def _started(self, work: Coroutine[Any, Any, _Result]) -> asyncio.Task[_Result]:
        """A task that ends with this at the latest."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _files(self, interaction: _Interaction, view: View) -> tuple[Upload, ...]:
        """The view's files within the interaction's limit; what is too large is left out."""
        try:
            return (await asyncio.to_thread(uploads, view, interaction.filesize_limit))[0]
        except (TooLarge, OSError) as error:
            _log.warning("file_not_sent", interaction_id=interaction.id, why=repr(error))
            return ()


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
