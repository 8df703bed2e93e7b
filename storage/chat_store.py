"""What is remembered of people and chats beside their pictures: languages, preferences, messages, favourites.

The half of `storage.store` that mostly chats use.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from storage import branches, chats, favourites, inbox, posts, preferences
from storage.database import Database, Lock
from storage.records import JSON, ConversationKey, PersonKey, Post, Received, Revision


class ChatStore:
    """Remembers what is set and shown in chats; `storage.store.Store` is one, and says what is raised."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def language(self, person: PersonKey) -> str | None:
        """The language that the person chose."""
        return await self._database.read(lambda session: preferences.language(session, person))

    async def set_language(self, person: PersonKey, language: str) -> None:
        """Remembers the language that the person chose."""
        await self._database.write(lambda session: preferences.set_language(session, person, language))

    async def preferences(self, person: PersonKey) -> dict[str, JSON]:
        """What the person has set, except their language."""
        return await self._database.read(lambda session: preferences.of_person(session, person))

    async def set_preferences(self, person: PersonKey, /, **values: JSON) -> None:
        """Remembers what the person has set, beside what they set before; None removes a value."""
        await self._database.write(
            lambda session: preferences.set_of_person(session, person, values), Lock.TURNS
        )

    async def chat_preferences(self, platform: str, chat_id: str) -> dict[str, JSON]:
        """What has been set for the chat."""
        return await self._database.read(lambda session: preferences.of_chat(session, platform, chat_id))

    async def preferences_of_chats(
        self, platform: str, chat_ids: Sequence[str]
    ) -> tuple[dict[str, JSON], ...]:
        """What has been set for each of the chats, in their order."""
        return await self._database.read(lambda session: preferences.of_chats(session, platform, chat_ids))

    async def set_chat_preferences(self, platform: str, chat_id: str, /, **values: JSON) -> None:
        """Remembers what has been set for the chat, beside what was before; None removes a value."""
        await self._database.write(
            lambda session: preferences.set_of_chat(session, platform, chat_id, values), Lock.TURNS
        )

    async def note(self, key: str) -> str | None:
        """What this installation has noted under that key."""
        return await self._database.read(lambda session: preferences.note(session, key))

    async def set_note(self, key: str, value: str) -> None:
        """Notes a small thing for this installation."""
        await self._database.write(lambda session: preferences.set_note(session, key, value))

    async def add_post(self, post: Post) -> Post:
        """Remembers a message that was sent; one that is known already is returned as it is.

        One that shows another turn is not that message: the platform has given its id to a new one.

        The first `RESULT` of a turn stays, whatever process adds another: that is returned instead.
        """
        return await self._database.write(lambda session: posts.add(session, post), Lock.TURNS)

    async def set_post_data(self, post: Post, /, **data: JSON) -> Post | None:
        """Notes something with the message, beside what was noted before; None removes a value.

        Returns:
            The message as it is now; None when it is not known any more.
        """
        return await self._database.write(lambda session: posts.set_data(session, post, data))

    async def post(self, platform: str, chat_id: str, message_id: str) -> Post | None:
        """The message of that id, when it is known."""
        return await self._database.read(lambda session: posts.post(session, platform, chat_id, message_id))

    async def post_of_turn(self, turn_id: str) -> Post | None:
        """The turn's `RESULT`."""
        return await self._database.read(lambda session: posts.of_turn(session, turn_id))

    async def posts_of(self, person: PersonKey) -> tuple[Post, ...]:
        """The messages that are for the person or show what they asked for, newest first."""
        return await self._database.read(lambda session: posts.of_person(session, person))

    async def open_posts(self, platform: str) -> tuple[Post, ...]:
        """The results that need work, oldest first: of turns that run, or that ended undelivered lately."""
        return await self._database.read(lambda session: posts.open_posts(session, platform))

    async def remove_post(self, post: Post) -> None:
        """Forgets the message, if it is known."""
        await self._database.write(lambda session: posts.remove(session, post))

    async def move_chat(self, platform: str, old_chat_id: str, new_chat_id: str) -> None:
        """Gives all that belongs to a chat and its threads to another, which keeps what it has."""
        await self._database.write(
            lambda session: chats.move(session, platform, old_chat_id, new_chat_id), Lock.TURNS
        )

    async def former_chat_ids(self, platform: str, chat_id: str) -> tuple[str, ...]:
        """The ids that the chat had before it moved, oldest first."""
        return await self._database.read(lambda session: chats.former_ids(session, platform, chat_id))

    async def receive(
        self, platform: str, key: str, payload: Mapping[str, JSON], *, person: PersonKey | None = None
    ) -> bool:
        """Keeps what the platform sent until it is handled; False when the key is known, and nothing changes.

        When the `person` who sent it is forgotten, it is not handled any more.
        """
        return await self._database.write(
            lambda session: inbox.receive(session, platform, key, payload, person)
        )

    async def unhandled(self, platform: str) -> tuple[Received, ...]:
        """What waits to be handled, in the order of arrival."""
        return await self._database.read(lambda session: inbox.unhandled(session, platform))

    async def begin_handling(self, platform: str, key: str) -> Received | None:
        """Counts one more attempt to handle it; None when that has been done, or it never came."""
        return await self._database.write(lambda session: inbox.begin_handling(session, platform, key))

    async def handled(self, platform: str, key: str) -> None:
        """Notes that it has been handled: only its key is kept, by which its repetitions are known."""
        await self._database.write(lambda session: inbox.handled(session, platform, key))

    async def remove_handled(self, before: datetime) -> int:
        """Removes what had been handled before that moment, also the keys; returns how many there were."""
        return await self._database.write(lambda session: inbox.remove_handled(session, before))

    async def decide(self, platform: str, key: str, decision: Mapping[str, JSON]) -> Mapping[str, JSON]:
        """Remembers what was decided about what the platform told, for as long as it may come again.

        Returns:
            What was decided the first time.
        """
        return await self._database.write(lambda session: inbox.decide(session, platform, key, decision))

    async def decision(self, platform: str, key: str) -> Mapping[str, JSON] | None:
        """What was decided about it; None when nothing was."""
        return await self._database.read(lambda session: inbox.decision(session, platform, key))

    async def branch(self, conversation: ConversationKey, revision_id: str) -> Revision:
        """A copy of another conversation's revision with its pictures, as a root of this one; made once.

        It is its author's. A conversation that has no head stands at it from now on.
        """
        return await self._database.write(
            lambda session: branches.branch(session, conversation, revision_id), Lock.TURNS, Lock.PICTURES
        )

    async def set_favourite(self, person: PersonKey, revision_id: str, is_favourite: bool) -> None:  # noqa: FBT001 - the value
        """Makes a scene of anybody's one of the person's favourites, or not any more."""
        await self._database.write(
            lambda session: favourites.set_favourite(session, person, revision_id, is_favourite), Lock.TURNS
        )

    async def is_favourite(self, person: PersonKey, revision_id: str) -> bool:
        """Whether the scene is one of the person's favourites."""
        return await self._database.read(
            lambda session: favourites.is_favourite(session, person, revision_id)
        )

    async def favourites(self, person: PersonKey, limit: int = 25) -> tuple[Revision, ...]:
        """The person's favourites; which became one last is the first."""
        return await self._database.read(lambda session: favourites.newest(session, person, limit))

    async def own_scenes(self, person: PersonKey, text: str = "", limit: int = 25) -> tuple[Revision, ...]:
        """The person's own scenes with that text in prompt or global description, newest first."""
        return await self._database.read(lambda session: favourites.own_scenes(session, person, text, limit))
