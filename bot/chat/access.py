"""Who may do what in chats: the operator's lists, the platform's moderators, and whose pictures are whose."""

from dataclasses import dataclass

from bot.chat.platform import Chat, Incoming, Speaker
from bot.sections import ChatSettings
from bot.settings import Settings
from engine.errors import NotAllowed, NotModerator, NotYours
from engine.people import People
from storage.records import PersonKey

PRIVATE = "private"
"""What the lists call every chat with one person alone, behind the platform's name."""


@dataclass(frozen=True, slots=True)
class Access:
    """The settings' lists as they are at the moment, asked about people who speak somewhere."""

    settings: Settings

    @property
    def people(self) -> People:
        """The lists of people."""
        return self.settings.studio_people()

    @property
    def chats(self) -> ChatSettings:
        """The lists of chats, and what holds in all of them."""
        return self.settings.chats

    def check_served(self, said: Incoming) -> None:
        """Raises `NotAllowed` for a person or a chat that is not served."""
        self.people.check_served(said.speaker.person, said.speaker.roles)
        names = _names(said.chat)
        if not names.isdisjoint(self.chats.deny):
            raise NotAllowed
        if self.chats.allow and names.isdisjoint(self.chats.allow):
            raise NotAllowed

    def moderates(self, speaker: Speaker) -> bool:
        """Whether they look after the chat that they speak in, or after all."""
        return speaker.is_moderator or self.people.moderates(speaker.person, speaker.roles)

    def check_moderates(self, speaker: Speaker) -> None:
        """Raises `NotModerator` for who does not."""
        if not self.moderates(speaker):
            raise NotModerator

    def check_moderates_server(self, speaker: Speaker) -> None:
        """Raises `NotModerator` for who does not look after all that the chat lies in."""
        if speaker.moderates_server is not False or self.people.moderates(speaker.person, speaker.roles):
            self.check_moderates(speaker)
        else:
            raise NotModerator

    def check_may_end(self, speaker: Speaker, author: PersonKey) -> None:
        """Raises `NotYours` for who may not call off or remove what the author asked for."""
        if speaker.person != author and not self.moderates(speaker):
            raise NotYours

    def check_may_branch(self, speaker: Speaker, author: PersonKey) -> None:
        """Raises `NotYours` for who may not go on from what the author asked for."""
        if self.chats.branch == "author":
            self.check_may_end(speaker, author)

    def hides_pictures(self, chat: Chat) -> bool:
        """Whether pictures there are hidden until somebody asks to see them."""
        match self.chats.spoilers:
            case "off":
                return False
            case "restricted":
                return chat.is_restricted
            case "always":
                return True


def _names(chat: Chat) -> frozenset[str]:
    """What the lists may call a chat."""
    own = (f"{chat.platform}:{chat.chat_id}", f"{chat.platform}:{chat.conversation.chat_id}")
    private = (f"{chat.platform}:{PRIVATE}",) if chat.is_private else ()
    return frozenset((*own, *private, *chat.names))
