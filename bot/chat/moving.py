"""Moving among the pictures of a conversation: back, on from an earlier one, favourites, originals."""

import asyncio
from contextlib import suppress
from itertools import chain
from pathlib import Path
from typing import Final

from bot.captions import title, titles
from bot.chat import overviews, pictures
from bot.chat.access import Access
from bot.chat.asked import with_origins
from bot.chat.heard import Heard
from bot.chat.reposts import Reposts
from bot.chat.requests import Requests
from bot.chat.scene_options import Options
from bot.chat.subjects import Subject, Subjects, is_had_in
from bot.chat.views import NOTHING, Answer
from engine.errors import NoPictureYet
from storage.errors import NotFound
from storage.records import Revision
from storage.store import Store

SHOWN_IN_HISTORY: Final = overviews.MAX_OPTIONS
_IS_FAVOURITE: Final = "favourite"
"""Under this a decision says what became of a press of the star."""


class Moving:
    """What people do with pictures that are there already."""

    def __init__(
        self, store: Store, reposts: Reposts, access: Access, subjects: Subjects, requests: Requests
    ) -> None:
        self._store = store
        self._reposts = reposts
        self._access = access
        self._subjects = subjects
        self._requests = requests

    async def undo(self, heard: Heard, subject: Subject) -> Answer:
        """Back to what a picture was made from; nothing is ever deleted."""
        parent_id = subject.revision.parent_id
        if parent_id is None:
            return heard.answer(heard.words.text("This is the first picture: there is nothing to undo."))
        return await self._move(heard, await self._store.revision(parent_id))

    async def go(self, heard: Heard, revision_id: str, options: Options) -> Answer:
        """On from a scene of this conversation; or with a copy of another one's.

        That is another topic's of this chat, or from elsewhere one's own or a favourite.

        Raises:
            NotFound: It is none of those.
        """
        revision = await self._store.revision(revision_id)
        if revision.conversation == heard.chat.conversation:
            return await self._move(heard, revision)
        if not await self._may_copy(heard, revision):
            raise NotFound("revision", revision_id)
        await self._requests.open_scene(heard, title(revision), revision.scene, options)
        return heard.begun()

    async def history(self, heard: Heard) -> Answer:
        """The newest of the conversation's pictures as a tree, to go on from one of them.

        Raises:
            NoPictureYet: There is none.
        """
        conversation = heard.chat.conversation
        newest = await self._store.history(conversation, SHOWN_IN_HISTORY)
        if not newest:
            raise NoPictureYet
        head = await self._store.head(conversation)
        current_id = head.id if head else ""
        first_number = await self._store.count_revisions(conversation) - len(newest) + 1
        small = await asyncio.to_thread(pictures.thumbnails, await self._paths(newest))
        tree = await asyncio.to_thread(pictures.tree, newest, small, current_id, first_number)
        is_spoiler = self._access.hides_pictures(heard.chat)
        view = overviews.history(
            newest, current_id, tree, heard.words, first_number=first_number, is_spoiler=is_spoiler
        )
        return Answer(view=view)

    async def favourites(self, heard: Heard) -> Answer:
        """What the person has put aside, to go on from."""
        newest = (await self._store.favourites(heard.person))[: overviews.MAX_OPTIONS]
        small = await asyncio.to_thread(pictures.thumbnails, await self._paths(newest))
        ids = [revision.id for revision in newest]
        sheet = await asyncio.to_thread(pictures.contact_sheet, ids, small) if ids else None
        lines = [await with_origins(self._store, revision) for revision in newest]
        called = titles([*chain.from_iterable(lines)], heard.words)
        is_spoiler = self._access.hides_pictures(heard.chat)
        return Answer(view=overviews.favourites(newest, called, sheet, heard.words, is_spoiler=is_spoiler))

    async def send_original(self, heard: Heard, subject: Subject) -> Answer:
        """The untouched file of a picture."""
        if await self._reposts.is_asked_anew(heard.said):
            is_spoiler = self._access.hides_pictures(heard.chat)
            await self._reposts.send_original(
                subject.revision, subject.index, heard.said, is_spoiler=is_spoiler
            )
        return NOTHING

    async def toggle_favourite(self, heard: Heard, revision: Revision) -> Answer:
        """Puts a scene aside for the person, or not any more; the same press always does the same."""
        wanted = not await self._store.is_favourite(heard.person, revision.id)
        decision = await self._store.decide(heard.chat.platform, heard.said.key, {_IS_FAVOURITE: wanted})
        is_favourite = decision[_IS_FAVOURITE] is True
        await self._store.set_favourite(heard.person, revision.id, is_favourite)
        if is_favourite:
            return Answer(toast=heard.words.text("⭐ One of your favourites now: /favourites shows them."))
        return Answer(toast=heard.words.text("No favourite any more."))

    async def _move(self, heard: Heard, revision: Revision) -> Answer:
        """Makes a revision the one that the conversation goes on from, and shows it again.

        Raises:
            NotYours: Only its author goes on from it.
        """
        await self._requests.check_may_branch(heard, Subject(revision))
        if await self._reposts.is_asked_anew(heard.said):
            await self._store.move_head(revision.conversation, revision.id)
            is_spoiler = self._access.hides_pictures(heard.chat)
            await self._reposts.show(revision, heard.said, heard.words, is_spoiler=is_spoiler)
        return Answer(toast=heard.words.text("Now you go on from this picture."))

    async def _may_copy(self, heard: Heard, revision: Revision) -> bool:
        """Whether the person can see the revision."""
        if is_had_in(revision.conversation, heard.chat):
            return True
        if await self._subjects.author(revision) == heard.person:
            return True
        return await self._store.is_favourite(heard.person, revision.id)

    async def _paths(self, revisions: tuple[Revision, ...]) -> dict[str, Path]:
        """The files of the revisions' first pictures; of those that are still kept."""
        paths: dict[str, Path] = {}
        for revision in revisions:
            with suppress(NotFound):
                if revision.images:
                    paths[revision.id] = await self._store.image_path(revision.images[0].id)
        return paths
