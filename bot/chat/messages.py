"""The one message of each turn: a placeholder, then progress, then what came of it.

The message is remembered as a post, so that after a restart at any point it still becomes the result, once.
A result only ever arrives by editing a message that is known: what is sent and perhaps arrived twice is at
worst a placeholder.
"""

import asyncio
from contextlib import aclosing, suppress
from dataclasses import dataclass, replace
from functools import partial
from types import TracebackType
from typing import Final, Self
from weakref import WeakValueDictionary

import structlog

from bot.chat import looks, posting
from bot.chat.asked import asked_for
from bot.chat.editor import Editor
from bot.chat.outcome import Outcome, beginning, outcome
from bot.chat.pace import Clock, Pace
from bot.chat.platform import (
    Chat,
    ChatGone,
    Incoming,
    Message,
    MessageGone,
    NotPermitted,
    Platform,
    PlatformError,
    TooLarge,
)
from bot.chat.reposts import Reposts
from bot.chat.sending import Sender
from bot.chat.views import View
from bot.progress import Progress
from bot.settings import Settings
from engine.lasting import lasting
from engine.log_context import about
from engine.metrics import DELIVERIES
from engine.studio import Studio
from storage.errors import NotFound, StorageError
from storage.records import PersonKey, Post, Turn, TurnStatus

ATTEMPTS: Final = 8
"""So often a delivery is tried before the caller hears of it, with longer and longer pauses."""
LONGEST_PAUSE_S: Final = 60.0
MAX_REMOVED: Final = 50
"""So many messages of somebody who is forgotten are removed, the newest."""

HINT: Final = "hint"
"""Under this a post notes that its result says how a picture is changed."""
_CLOSED: Final = "the messages have been closed; the next process goes on"

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Watcher:
    """Who shows the progress of a turn."""

    editor: Editor
    watching: asyncio.Task[None]


class Messages:
    """The messages of all turns on one platform.

    An async context manager; leaving it ends the watching and what is being delivered, and whoever opens the
    next one calls `resume`.

    Attributes:
        pace: Of the platform: whoever sends there by other ways asks it too.
        reposts: Posts what is there already once more.
    """

    def __init__(
        self, platform: Platform, studio: Studio, settings: Settings, *, clock: Clock | None = None
    ) -> None:
        self.pace = Pace(platform, clock)
        self._platform = platform
        self._studio = studio
        self._store = studio.store
        self._settings = settings
        self._sender = Sender(platform, studio.store, self.pace)
        self.reposts = Reposts(self._sender, studio.store, self.pace.clock)
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._watchers: dict[str, _Watcher] = {}
        self._deliveries: dict[str, asyncio.Task[None]] = {}
        self._unsure: dict[str, Post] = {}
        self._is_closed = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_closed = True
        tasks = [*self._deliveries.values(), *(watcher.watching for watcher in self._watchers.values())]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def open(
        self,
        turn_id: str,
        chat: Chat,
        *,
        said: Incoming,
        language: str,
        is_spoiler: bool,
        with_hint: bool = False,
    ) -> None:
        """Posts the turn's message, unless that has been done, and shows its progress there from now on.

        Where the message cannot be posted just now, the result comes later without it. `with_hint` adds to
        the result how a picture is changed.

        Raises:
            NotPermitted: Nothing can be posted there; the turn is called off.
            ChatGone: Likewise.
            StorageError: What was posted could not be remembered.
        """
        async with self._lock(turn_id):
            post = await self._store.post_of_turn(turn_id)
            if post is None and turn_id not in self._unsure:
                new = posting.begun(turn_id, chat, said, language, is_spoiler=is_spoiler)
                post = await self._begun(replace(new, data={**new.data, HINT: True}) if with_hint else new)
            if post and not post.data.get("delivered"):
                await self._go_on(post)

    async def deliver(self, turn: Turn) -> None:
        """Makes the message of a turn that has ended its result; what is done already is not done again.

        To be given to the job engine as the platform's delivery.

        Raises:
            PlatformError: It has not succeeded so far; to be called again.
            StorageError: Likewise.
        """
        if self._is_closed:
            raise PlatformError(_CLOSED)
        delivery = self._deliver(turn)
        await asyncio.wait({delivery})
        if delivery.cancelled():
            raise PlatformError(_CLOSED)
        delivery.result()

    async def called_off(self, turn_id: str) -> None:
        """Says at once that a turn was called off; its job would say so too, when others are done."""
        self._deliver(await self._store.turn(turn_id))

    async def resume(self) -> None:
        """Goes on with what was under way when the last process ended."""
        for post in await lasting(partial(self._store.open_posts, self._platform.name)):
            turn_id = posting.turn_of(post)
            async with self._lock(turn_id):  # a delivery may be faster
                now = await lasting(partial(self._store.post_of_turn, turn_id))
                if now and not now.data.get("delivered"):
                    await self._go_on(now)

    async def forget(self, person: PersonKey, keep: Message | None = None) -> int:
        """Has everything of a person removed, and the messages that show it as far as that is possible.

        Args:
            person: Who wants it.
            keep: A message that is still needed.

        Returns:
            How many messages stay, as far as they are known.

        Raises:
            StorageError: It was not all removed.
        """
        for post in await self._store.open_posts(self._platform.name):
            if post.person == person:
                await self._let_go(post)
        kept = (keep.chat.chat_id, keep.message_id) if keep else ()
        posts = await self._store.posts_of(person)
        shown = [post for post in posts if (post.chat_id, post.message_id) != kept]
        await self._studio.forget(person)
        self._unsure = {each: post for each, post in self._unsure.items() if post.person != person}
        removed = [await self._removed(posting.message_of(post)) for post in shown[:MAX_REMOVED]]
        return len(shown) - sum(removed)

    # --- the beginning --------------------------------------------------------------------------------

    async def _begun(self, new: Post) -> Post | None:
        """Posts the placeholder; None where it was not posted, or nobody knows."""
        turn_id = posting.turn_of(new)
        try:
            return await self._placed(new, turn_id)
        except (ChatGone, NotPermitted):
            await self._studio.cancel(turn_id)
            raise
        except PlatformError as error:
            _log.warning("placeholder_not_posted", turn_id=turn_id, why=repr(error))
            self._unsure[turn_id] = new
            return None

    async def _placed(self, new: Post, key: str, instead_of: Post | None = None) -> Post:
        """Posts a placeholder and remembers it as the turn's message, in another one's place if need be."""
        turn_id, words = posting.turn_of(new), posting.words_of(new)
        view = await beginning(self._studio, turn_id, posting.asker_of(new), words)
        chat, reply_to = posting.chat_of(new), str(new.data["reply_to"])
        message = await self._sender.post(chat, view, key=key, reply_to=reply_to)
        if instead_of:
            await lasting(partial(self._store.remove_post, self._now(instead_of)))
        placed = replace(new, chat_id=message.chat.chat_id, message_id=message.message_id)
        try:
            post = await lasting(partial(self._store.add_post, placed))
        except NotFound:  # forgotten meanwhile
            await self._removed(message)
            raise
        if post.message_id != placed.message_id:  # another process was faster
            await self._removed(message)
        return post

    async def _removed(self, message: Message) -> bool:
        try:
            await self._sender.remove(message)
        except PlatformError as error:
            _log.warning("message_not_removed", chat_id=message.chat.chat_id, why=repr(error))
            return False
        return True

    async def _let_go(self, post: Post) -> None:
        """Shows no progress and no result of the turn from now on."""
        turn_id = posting.turn_of(post)
        if delivery := self._deliveries.get(turn_id):
            delivery.cancel()
        async with self._lock(turn_id):
            await self._unwatch(turn_id)
            await self._store.set_post_data(self._now(post), delivered=True)

    async def _go_on(self, post: Post) -> None:
        """Shows how the turn goes; or how it ended, where nobody has shown that."""
        turn_id = posting.turn_of(post)
        if self._is_closed:
            return
        with suppress(NotFound):  # forgotten meanwhile
            turn = await lasting(lambda: self._store.turn(turn_id))
            if turn.status is TurnStatus.RUNNING:
                self._watch(post)
            else:
                self._deliver(turn)

    # --- progress -------------------------------------------------------------------------------------

    def _watch(self, post: Post) -> None:
        """Shows the turn's progress in its message, unless somebody does."""
        turn_id = posting.turn_of(post)
        if turn_id in self._watchers:
            return
        chat, message = posting.chat_of(post), posting.message_of(post)
        interval_s = self._platform.edit_interval_s(chat)
        editor = Editor(chat, lambda view: self._sender.edit_aside(message, view), self.pace, interval_s)
        watching = asyncio.create_task(self._show_progress(post, turn_id, editor))
        self._watchers[turn_id] = _Watcher(editor, watching)

    async def _show_progress(self, post: Post, turn_id: str, editor: Editor) -> None:
        try:
            async with editor, aclosing(self._studio.events(turn_id)) as events:
                turn = await self._store.turn(turn_id)
                asked = await asked_for(self._store, turn, posting.asker_of(post))
                progress, picture = Progress(posting.words_of(post), turn.pictures), None
                async for event in events:
                    progress.note(event)
                    if image := progress.taken_image():
                        picture = looks.preview(image, progress.words, is_spoiler=posting.is_spoiler(post))
                    editor.show(looks.progress(progress, asked, turn_id, picture))
        except StorageError as error:
            _log.info("progress_ended", turn_id=turn_id, why=repr(error))
        except Exception as error:  # noqa: BLE001 - the result does not need its progress
            _log.error("progress_failed", turn_id=turn_id, exc_info=error)

    async def _unwatch(self, turn_id: str) -> None:
        """Returns when no progress is shown any more, nor can arrive late."""
        if watcher := self._watchers.pop(turn_id, None):
            await watcher.editor.settle()
            watcher.watching.cancel()
            await asyncio.wait({watcher.watching})

    # --- the end --------------------------------------------------------------------------------------

    def _deliver(self, turn: Turn) -> asyncio.Task[None]:
        """Delivers beside whoever asks for it, who may give up waiting."""
        if turn.id not in self._deliveries:
            delivery = self._deliveries[turn.id] = asyncio.create_task(self._until_delivered(turn))
            delivery.add_done_callback(lambda task: self._delivered(turn.id, task))
        return self._deliveries[turn.id]

    def _delivered(self, turn_id: str, task: asyncio.Task[None]) -> None:
        del self._deliveries[turn_id]
        if not task.cancelled() and (error := task.exception()):
            _log.error("not_delivered", turn_id=turn_id, exc_info=error)

    async def _until_delivered(self, turn: Turn) -> None:
        with about(turn.id, turn.conversation):
            await self._try_to_deliver(turn)

    async def _try_to_deliver(self, turn: Turn) -> None:
        refusal: PlatformError | None = None
        for attempt in range(ATTEMPTS):
            is_last = attempt + 1 == ATTEMPTS
            try:
                async with self._lock(turn.id):
                    await self._finish(turn, refusal if is_last else None)
            except NotFound:
                return  # forgotten meanwhile
            except (PlatformError, StorageError) as error:
                DELIVERIES.labels(self._platform.name, "given_up" if is_last else "tried_again").inc()
                if is_last:
                    raise
                refusal = error if isinstance(error, PlatformError) else None
                _log.warning("delivery_failed", turn_id=turn.id, why=repr(error))
                await self.pace.clock.sleep(min(2.0**attempt, LONGEST_PAUSE_S))
            else:
                return

    async def _finish(self, turn: Turn, refusal: PlatformError | None) -> None:
        """Makes the message the result, unless it is, and sends what belongs beside it.

        What the platform has refused again and again goes without its picture, with the reason.
        """
        await self._unwatch(turn.id)
        post = await self._store.post_of_turn(turn.id)
        if post and post.data.get("delivered"):
            return
        blank = post or self._unsure.get(turn.id) or posting.unknown(turn, self._settings)
        words, asker, is_spoiler = posting.words_of(blank), posting.asker_of(blank), posting.is_spoiler(blank)
        max_units = self._platform.max_caption_units
        ended = await outcome(self._studio, turn, asker, words, max_units=max_units, is_spoiler=is_spoiler)
        view = ended.view
        if ended.revision and blank.data.get(HINT):
            view = looks.with_hint(view, words)
        if refusal and view.picture:
            view = looks.without_picture(view, refusal, words)
        try:
            post = await self._turned_into(post or await self._placed(blank, turn.id), view)
            await self._send_beside(post, ended)
            DELIVERIES.labels(self._platform.name, "delivered").inc()
        except (ChatGone, NotPermitted) as error:
            DELIVERIES.labels(self._platform.name, "not_shown").inc()
            _log.warning("result_not_shown", turn_id=turn.id, chat_id=blank.chat_id, why=repr(error))
        if post:
            await self._store.set_post_data(self._now(post), delivered=True)
        self._unsure.pop(turn.id, None)

    async def _turned_into(self, post: Post, view: View) -> Post:
        """Edits the message into the result; where it is gone, another one takes its place."""
        try:
            await self._edit(post, view)
        except MessageGone:
            post = await self._placed(post, f"{post.turn_id}:after:{post.message_id}", instead_of=post)
            await self._edit(post, view)
        return post

    async def _edit(self, post: Post, view: View) -> None:
        """Edits the message; where the picture cannot be shown, it says why."""
        try:
            await self._sender.edit(posting.message_of(post), view)
        except (TooLarge, NotPermitted) as error:
            _log.warning("picture_not_shown", turn_id=post.turn_id, why=repr(error))
            await self._sender.edit(
                posting.message_of(post), looks.without_picture(view, error, posting.words_of(post))
            )

    async def _send_beside(self, post: Post, ended: Outcome) -> None:
        """Sends the pictures of a batch one by one, at most once: the grid and its buttons have them all."""
        revision = ended.revision
        if not (revision and ended.beside and self._platform.shows_batches_apart) or post.data.get("album"):
            return

        async def note() -> None:
            await self._store.set_post_data(self._now(post), album=True)

        try:
            key, reply_to = f"{post.turn_id}:album", post.message_id
            sent = await self._sender.post_pictures(
                posting.chat_of(post), ended.beside, key=key, reply_to=reply_to, before=note
            )
        except PlatformError as error:
            _log.warning("album_not_sent", turn_id=post.turn_id, why=repr(error))
            return
        for image, message in zip(revision.images, sent, strict=True):
            await lasting(partial(self._store.add_post, posting.picture(message, revision, image.index)))

    # --- parts ----------------------------------------------------------------------------------------

    def _lock(self, turn_id: str) -> asyncio.Lock:
        """Held by whoever posts or edits for the turn, progress aside."""
        return self._locks.setdefault(turn_id, asyncio.Lock())

    def _now(self, post: Post) -> Post:
        """The post with the id that its chat has now."""
        return replace(post, chat_id=self._sender.now(posting.chat_of(post)).chat_id)
