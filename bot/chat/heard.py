"""What somebody said or pressed, with the words to answer them in."""

from dataclasses import dataclass

from bot.chat import looks
from bot.chat.platform import Chat, Incoming, Speaker
from bot.chat.views import Answer
from bot.replies import Words
from storage.records import PersonKey


@dataclass(frozen=True, slots=True)
class Heard:
    """Something that is to be answered."""

    said: Incoming
    words: Words

    @property
    def speaker(self) -> Speaker:
        """Who said it."""
        return self.said.speaker

    @property
    def person(self) -> PersonKey:
        """Who said it, as they are stored."""
        return self.said.speaker.person

    @property
    def chat(self) -> Chat:
        """Where it was said."""
        return self.said.chat

    def answer(self, text: str) -> Answer:
        """An answer in words, for them alone."""
        return Answer(view=looks.sentence(text))

    def begun(self, *, removes: bool = False) -> Answer:
        """The answer to a request whose message is on its way to everybody."""
        return Answer(toast=self.words.text("Starting …"), removes=removes, has_begun=True)
