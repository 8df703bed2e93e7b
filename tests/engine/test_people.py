"""Whom the operator serves, and who may end what others asked for."""

import pytest

from engine.errors import NotAllowed, NotYours
from engine.orders import Limits
from engine.people import PRIORITY_SHARE, Allowance, People
from storage.records import PersonKey

ANN, BEN, MODERATOR = (PersonKey("web", name) for name in ("ann", "ben", "mo"))


def is_served(people, person):
    try:
        people.check_served(person)
    except NotAllowed:
        return False
    return True


@pytest.mark.parametrize(
    ("people", "served"),
    [
        (People(), {ANN, BEN}),
        (People(deny=frozenset({"web:ben"})), {ANN}),
        (People(allow=frozenset({"web:ben"})), {BEN}),
        (People(allow=frozenset({"web:ann", "web:ben"}), deny=frozenset({"web:ben"})), {ANN}),
        (People(allow=frozenset({"telegram:ann"})), set()),
        (People(deny=frozenset({"telegram:ann"})), {ANN, BEN}),
        (People(priority=frozenset({"web:ann"}), moderators=frozenset({"web:ann"})), {ANN, BEN}),
    ],
)
def test_who_is_served(people, served):
    """An empty allow list serves everybody; deny wins; the same id on another platform is somebody else."""
    assert {person for person in (ANN, BEN) if is_served(people, person)} == served


def test_who_may_end_a_request():
    """Its author and a moderator, and nobody else."""
    people = People(moderators=frozenset({"web:mo"}))
    people.check_may_end(ANN, author=ANN)
    people.check_may_end(MODERATOR, author=ANN)
    with pytest.raises(NotYours):
        people.check_may_end(BEN, author=ANN)
    with pytest.raises(NotYours):
        people.check_may_end(PersonKey("telegram", "mo"), author=ANN)


def test_who_counts_for_more():
    """Somebody on the priority list gets several people's share of the queue, everybody else one."""
    people = People(priority=frozenset({"web:ann"}))
    assert (people.share(ANN), people.share(BEN)) == (PRIORITY_SHARE, 1)
    assert PRIORITY_SHARE > 1


def test_roles_count_as_the_person_does():
    """What else somebody is called by stands in every list."""
    role = "discord:role/7"
    people = People(allow=frozenset({role}), moderators=frozenset({role}), priority=frozenset({role}))
    people.check_served(ANN, (role,))
    people.check_may_end(ANN, BEN, (role,))
    assert people.share(ANN, (role,)) == PRIORITY_SHARE
    with pytest.raises(NotAllowed):
        people.check_served(ANN, ("discord:role/8",))
    assert people.share(ANN) == 1


USUAL = Limits(count=4, waiting_per_person=5, pictures_per_day=10)


@pytest.mark.parametrize(
    ("roles", "count", "waiting", "per_day"),
    [
        ((), 4, 5, 10),
        (("stranger",), 4, 5, 10),
        (("new",), 4, 0, 2),
        (("friend",), 8, 5, 100),
        (("new", "friend"), 8, 0, 100),
        (("friend", "staff"), 8, 5, 0),
    ],
)
def test_what_a_role_may_have(roles, count, waiting, per_day):
    """It stands in the place of what all may have; of several roles the most generous wins, 0 a day first."""
    people = People(
        allowances={
            "new": Allowance(pictures_per_day=2, waiting_per_person=0),
            "friend": Allowance(count=8, pictures_per_day=100),
            "staff": Allowance(pictures_per_day=0),
        }
    )
    limits = people.limits(USUAL, ANN, roles)
    assert (limits.count, limits.waiting_per_person, limits.pictures_per_day) == (count, waiting, per_day)
    assert limits.prompt_chars == USUAL.prompt_chars


def test_a_person_may_have_something_by_themselves():
    """Their own name counts beside their roles."""
    people = People(allowances={"web:ann": Allowance(count=2), "role": Allowance(count=3)})
    asked = ((ANN, ()), (ANN, ("role",)), (BEN, ()))
    assert [people.limits(USUAL, who, roles).count for who, roles in asked] == [2, 3, 4]
