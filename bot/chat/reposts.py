"""Pictures that are there already and are posted once more: after going back, and as their originals.

What is pressed is told again when a process dies before it has said that it was handled. Nobody can say then
whether the picture arrived, so it is not posted a second time: who misses it presses again.
"""

from functools import partial

from bot.captions import picture_name
from bot.chat import posting
from bot.chat.outcome import shown
from bot.chat.pace import Clock, PersonalPace
from bot.chat.platform import Budget, Incoming, TooOften
from bot.chat.sending import Sender
from bot.chat.views import Attachment
from bot.replies import Words
from storage.errors import NotFound
from storage.records import Revision
from storage.store import Store

OFTEN = Budget(10, 60.0)
"""So many pictures may a person have posted that nobody had to paint."""


class Reposts:
    """Posts pictures once more; whoever wants one asks `is_asked_anew` before."""

    def __init__(self, sender: Sender, store: Store, clock: Clock) -> None:
        self._sender = sender
        self._store = store
        self._pace = PersonalPace(OFTEN, clock)

    async def is_asked_anew(self, said: Incoming) -> bool:
        """Whether nothing was posted yet for what was said; then it counts against the person's budget.

        Raises:
            NotPermitted: No picture can be shown there.
            TooOften: The person has had many posted just now.
        """
        said.chat.check_shows_pictures()
        if await self._store.decision(said.chat.platform, said.key) is not None:
            return False
        if wait_s := self._pace.take(said.speaker.person):
            raise TooOften(wait_s)
        return True

    async def show(self, revision: Revision, said: Incoming, words: Words, *, is_spoiler: bool) -> None:
        """Posts the pictures of a revision, with their buttons.

        Raises:
            PlatformError: They could not be posted.
            StorageError: The revision's turn could not be read, or the message not be remembered.
        """
        max_units = self._sender.max_caption_units
        view = await shown(self._store, revision, words, max_units=max_units, is_spoiler=is_spoiler)
        message = await self._sender.post(
            said.chat, view, key=said.key, reply_to=said.message_id, before=partial(self._note, said)
        )
        await self._store.add_post(posting.picture(message, revision, 0))

    async def send_original(
        self, revision: Revision, index: int, said: Incoming, *, is_spoiler: bool
    ) -> None:
        """Sends the untouched file of a picture, which carries its scene.

        Raises:
            NotFound: There is no such picture, or it is not kept any more.
            PlatformError: It could not be sent.
            StorageError: It could not be read, or the message not be remembered.
        """
        image = next((image for image in revision.images if image.index == index), None)
        if image is None:
            raise NotFound("image", str(index + 1))
        name, path = f"{picture_name(revision, image)}.png", await self._store.image_path(image.id)
        file = Attachment(name, path, is_spoiler)
        message = await self._sender.post_file(
            said.chat, file, key=said.key, reply_to=said.message_id, before=partial(self._note, said)
        )
        await self._store.add_post(posting.picture(message, revision, index))

    async def _note(self, said: Incoming) -> None:
        await self._store.decide(said.chat.platform, said.key, {})
