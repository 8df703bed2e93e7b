"""Whom the operator serves, and how: allow and deny lists, moderators, and those who count for more."""

from dataclasses import dataclass

from engine.errors import NotAllowed, NotYours
from storage.records import PersonKey

PRIORITY_SHARE = 4
"""How many people's share of the queue somebody on the priority list gets."""


@dataclass(frozen=True, slots=True)
class People:
    """Lists of people, each written as `platform:id`, for example `telegram:8812`.

    Attributes:
        allow: With any name in it, only these are served.
        deny: Never served; wins over `allow`.
        moderators: May cancel and remove what others asked for.
        priority: Get several people's share of the queue.
    """

    allow: frozenset[str] = frozenset()
    deny: frozenset[str] = frozenset()
    moderators: frozenset[str] = frozenset()
    priority: frozenset[str] = frozenset()

    def check_served(self, person: PersonKey) -> None:
        """Raises `NotAllowed` for somebody who is not served."""
        name = _name(person)
        if name in self.deny or (self.allow and name not in self.allow):
            raise NotAllowed

    def check_may_end(self, person: PersonKey, author: PersonKey) -> None:
        """Raises `NotYours` for somebody who may not cancel or remove what the author asked for."""
        if person != author and _name(person) not in self.moderators:
            raise NotYours

    def share(self, person: PersonKey) -> int:
        """How many people's share of the queue the person gets."""
        return PRIORITY_SHARE if _name(person) in self.priority else 1


def _name(person: PersonKey) -> str:
    return f"{person.platform}:{person.platform_id}"
