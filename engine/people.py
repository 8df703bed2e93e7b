"""Whom the operator serves, and how: lists of people, and what those who are named may have."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace

from engine.errors import NotAllowed, NotYours
from engine.orders import Limits
from storage.records import PersonKey

PRIORITY_SHARE = 4
"""How many people's share of the queue somebody on the priority list gets."""


_UNLIMITED_AT_0 = ("pictures_per_day", "gpu_s_per_day")


@dataclass(frozen=True, slots=True)
class Allowance:
    """What somebody may have in the place of what `Limits` say of everybody; None leaves that as it is."""

    count: int | None = None
    running_per_person: int | None = None
    waiting_per_person: int | None = None
    pictures_per_day: int | None = None
    gpu_s_per_day: int | None = None


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
        allowances: What those of a name may have instead of what everybody may.
    """

    allow: frozenset[str] = frozenset()
    deny: frozenset[str] = frozenset()
    moderators: frozenset[str] = frozenset()
    priority: frozenset[str] = frozenset()
    allowances: Mapping[str, Allowance] = field(default_factory=dict[str, Allowance])

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

    def limits(self, usual: Limits, person: PersonKey, roles: Iterable[str] = ()) -> Limits:
        """The limits that are this person's: of what their names allow, the most generous."""
        names = _names(person, roles) & self.allowances.keys()
        found = [self.allowances[name] for name in names]
        named = {each.name: _most(each.name, found) for each in fields(Allowance)}
        return replace(usual, **{name: most for name, most in named.items() if most is not None})


def _most(name: str, allowances: Iterable[Allowance]) -> int | None:
    """The most generous of what is said about a limit; None where nothing is."""
    said = [value for one in allowances if (value := getattr(one, name)) is not None]
    if name in _UNLIMITED_AT_0 and 0 in said:
        return 0
    return max(said, default=None)


def _names(person: PersonKey, roles: Iterable[str]) -> frozenset[str]:
    return frozenset((f"{person.platform}:{person.platform_id}", *roles))
