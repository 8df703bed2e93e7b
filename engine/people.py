"""Whom the operator serves, and how: allow and deny lists, moderators, and those who count for more."""

from collections.abc import Iterable
from dataclasses import dataclass

from engine.errors import NotAllowed, NotYours
from storage.records import PersonKey

PRIORITY_SHARE = 4
"""How many people's share of the queue somebody on the priority list gets."""


@dataclass(frozen=True, slots=True)
class People:
    """Lists of people, each written as `platform:id`, for example `telegram:8812`.

    They may hold what several people are called by too, such as their role on a platform; who brings the
    people knows these names.

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

    def check_served(self, person: PersonKey, roles: Iterable[str] = ()) -> None:
        """Raises `NotAllowed` for somebody who is not served."""
        names = _names(person, roles)
        if not names.isdisjoint(self.deny) or (self.allow and names.isdisjoint(self.allow)):
            raise NotAllowed

    def check_may_end(self, person: PersonKey, author: PersonKey, roles: Iterable[str] = ()) -> None:
        """Raises `NotYours` for somebody who may not cancel or remove what the author asked for."""
        if person != author and not self.moderates(person, roles):
            raise NotYours

    def moderates(self, person: PersonKey, roles: Iterable[str] = ()) -> bool:
        """Whether the person is a moderator everywhere."""
        return not _names(person, roles).isdisjoint(self.moderators)

    def share(self, person: PersonKey, roles: Iterable[str] = ()) -> int:
        """How many people's share of the queue the person gets."""
        return 1 if _names(person, roles).isdisjoint(self.priority) else PRIORITY_SHARE


def _names(person: PersonKey, roles: Iterable[str]) -> frozenset[str]:
    return frozenset((f"{person.platform}:{person.platform_id}", *roles))
