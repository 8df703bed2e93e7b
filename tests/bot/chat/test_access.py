"""Who may do what in chats, as the operator's lists and the platform's roles say."""

import pytest

from bot.chat.access import Access
from bot.chat.platform import Chat, Incoming, Speaker
from bot.sections import ChatSettings, PeopleSettings
from bot.settings import Settings
from engine.errors import NotAllowed, NotYours
from storage.records import PersonKey

ROLE = "discord:role/71"
ANN = Speaker(PersonKey("discord", "1"), "Ann")
PAINTER = Speaker(PersonKey("discord", "2"), "Ben", roles=(ROLE,))
MODERATOR = Speaker(PersonKey("discord", "3"), "Mo", is_moderator=True)
SERVER = ("discord:900", "discord:910")
ROOM = Chat("discord", "920", names=SERVER)
DEN = Chat("discord", "930", is_private=True)


def access(people=None, **chats):
    return Access(Settings(people=PeopleSettings(**(people or {})), chats=ChatSettings(**chats)))


def is_served(found, speaker=ANN, chat=ROOM):
    try:
        found.check_served(Incoming("key", speaker, chat))
    except NotAllowed:
        return False
    return True


@pytest.mark.parametrize(
    ("chats", "room", "den"),
    [
        ({}, True, True),
        ({"allow": ("discord:900",)}, True, False),
        ({"allow": ("discord:910", "discord:private")}, True, True),
        ({"allow": ("discord:920",)}, True, False),
        ({"allow": ("telegram:900",)}, False, False),
        ({"deny": ("discord:920",)}, False, True),
        ({"deny": ("discord:private",)}, True, False),
        ({"allow": ("discord:900",), "deny": ("discord:910",)}, False, False),
    ],
)
def test_where_people_are_served(chats, room, den):
    """A chat goes by its id, by what holds it, and as a private one; deny wins."""
    found = access(**chats)
    assert (is_served(found), is_served(found, chat=DEN)) == (room, den)


@pytest.mark.parametrize(
    ("people", "ann", "painter"),
    [
        ({}, True, True),
        ({"allow": (ROLE,)}, False, True),
        ({"deny": (ROLE,)}, True, False),
        ({"allow": (ROLE, "discord:1"), "deny": ("discord:2",)}, True, False),
        ({"allow": ("telegram:1",)}, False, False),
    ],
)
def test_roles_stand_in_the_lists_as_people_do(people, ann, painter):
    """Whoever has the role is meant by it."""
    found = access(people)
    assert (is_served(found), is_served(found, PAINTER)) == (ann, painter)


def test_who_looks_after_what():
    """The platform's moderators and those of the lists may end what others asked for."""
    found = access({"moderators": (ROLE,)})
    for speaker in (MODERATOR, PAINTER):
        found.check_may_end(speaker, ANN.person)
    found.check_may_end(ANN, ANN.person)
    with pytest.raises(NotYours):
        found.check_may_end(ANN, PAINTER.person)


def test_a_thread_can_be_named():
    """A topic is named with its chat's id before its own, and its chat means all of its topics."""
    topic = Chat("telegram", "-100", thread_id="7")
    assert not is_served(access(deny=("telegram:-100/7",)), chat=topic)
    assert not is_served(access(deny=("telegram:-100",)), chat=topic)
    assert is_served(access(deny=("telegram:-100/8",)), chat=topic)
