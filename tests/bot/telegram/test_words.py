"""Words that cannot be taken as they are: everybody is told why, and gets them back."""

import pytest

from tests.bot.telegram.bot_api import BotApi
from tests.bot.telegram.chats import PrivateChat
from tests.bot.telegram.clients import picture
from tests.bot.telegram.house import House, after
from tests.bot.telegram.messages import Message, Person

OTHERS = {
    "voice": {"file_id": "v1", "file_unique_id": "uv1", "duration": 2},
    "sticker": {
        "file_id": "s1",
        "file_unique_id": "us1",
        "type": "regular",
        "width": 512,
        "height": 512,
        "is_animated": False,
        "is_video": False,
    },
    "video": {"file_id": "m1", "file_unique_id": "um1", "width": 64, "height": 64, "duration": 1},
    "contact": {"phone_number": "1", "first_name": "Bob"},
    "location": {"latitude": 1.0, "longitude": 2.0},
}


@pytest.fixture
def ada(telegram: BotApi) -> Person:
    return telegram.person("Ada")


@pytest.fixture
def chat(telegram: BotApi, ada: Person) -> PrivateChat:
    return telegram.private(ada)


async def answer(chat: PrivateChat, said: Message) -> Message:
    """The next words of the bot behind what was said."""
    return await chat.wait_for(lambda message: message.id > said.id and message.text)


@pytest.mark.parametrize(
    ("typed", "told", "kept"),
    [
        ("/omost --stpes 30 a fox", "--steps", "/omost --steps 30 a fox"),
        ("/omost size:99:1 a fox", "16:9", "/omost size:99:1 a fox"),
        ("seed:abc a fox", "a whole number", "seed:abc a fox"),
        ("/omost a fox --hd", "size, seed, count", "/omost a fox --hd"),
    ],
)
async def test_mistyped_options_are_answered(
    house: House, chat: PrivateChat, typed: str, told: str, kept: str
) -> None:
    """The right one is named, the words come back to be copied, and nothing is painted."""
    shown = await answer(chat, await chat.say(chat.person, typed))
    assert told in shown.text
    (code,) = (entity for entity in shown.content.entities if entity["type"] == "code")
    assert shown.text.endswith(kept)
    assert code["length"] == len(kept)
    assert await house.store.open_turns() == ()
    assert house.renderer.painted == []


@pytest.mark.parametrize("typed", ["preset:draft", "lora:ink", "sampler:euler"])
async def test_options_that_the_renderer_lacks_are_answered(
    house: House, ada: Person, chat: PrivateChat, typed: str
) -> None:
    """Where pictures are drawn without a model, a preset or LoRA is not taken in silence."""
    shown = await answer(chat, await chat.say(ada, f"/omost {typed} a fox"))
    assert "there is none" in shown.text
    assert house.renderer.painted == []


async def test_prose_with_colons_is_painted(house: House, ada: Person, chat: PrivateChat) -> None:
    """A colon or a dash alone makes no option."""
    await chat.say(ada, "a well-known sign: open - or not?")
    await after(chat)
    assert len(house.renderer.painted) == 1


@pytest.mark.usefixtures("house")
async def test_unknown_commands_are_answered(telegram: BotApi, ada: Person, chat: PrivateChat) -> None:
    """In private, and in a group only if they are for this bot: the nearest one is named."""
    told = await answer(chat, await chat.say(ada, "/histroy"))
    assert "/histroy" in told.text
    assert "/history" in told.text
    group = telegram.group("Club", ada)
    await group.say(ada, "/foo")
    await group.say(ada, "/foo@another_bot")
    said = await group.say(ada, "/foo@omost_test_bot")
    told = await group.wait_for(lambda message: message.text)
    assert told.reply_to is said
    assert group.bot_messages == [told]


async def test_commands_may_be_called_as_in_other_languages(
    house: House, ada: Person, chat: PrivateChat
) -> None:
    """Who writes a command in Chinese is understood."""
    await chat.say(ada, "/画图 a fair")
    await after(chat)
    assert len(house.renderer.painted) == 1


@pytest.mark.usefixtures("house")
async def test_a_start_says_hello(ada: Person, chat: PrivateChat) -> None:
    """Whatever the link that led here has put behind it."""
    shown = await answer(chat, await chat.say(ada, "/start from_a-friend_99"))
    assert "/omost" in shown.text
    assert "friend" not in shown.text


@pytest.mark.parametrize("kind", OTHERS)
@pytest.mark.usefixtures("house")
async def test_what_is_no_words_is_answered_in_private(
    telegram: BotApi, ada: Person, chat: PrivateChat, kind: str
) -> None:
    """One sentence for voices, stickers and the like; in groups nothing is said."""
    group = telegram.group("Club", ada)
    group.promote_bot()
    await group.send_other(ada, **{kind: OTHERS[kind]})
    said = await chat.send_other(ada, **{kind: OTHERS[kind]})
    assert "/help" in (await answer(chat, said)).text
    await telegram.updates.confirmed()
    assert group.bot_messages == []


async def test_words_beside_a_file_change_its_scene(house: House, ada: Person, chat: PrivateChat) -> None:
    """A scene file comes back in with what shall be otherwise: one request, one picture."""
    await chat.say(ada, "/omost a fair")
    first = await after(chat)
    await chat.press(ada, first, "📜")
    code = await chat.wait_for(lambda message: message.document)
    assert code.document
    await chat.send_document(ada, code.document.data, "scene.py", "seed:5 change the clown to a magician")
    await after(chat, first)
    (_, (canvas, settings)) = house.renderer.painted
    assert [local.description for local in canvas.local_descriptions] == ["a magician", "a tent"]
    assert settings.seed == 5


@pytest.mark.usefixtures("house")
async def test_an_album_of_photos_is_explained_once(ada: Person, chat: PrivateChat) -> None:
    """Photos have lost their scenes; of several sent together this is said once."""
    await chat.send_album(ada, [picture(), picture(), picture()])
    await chat.say(ada, "/queue")
    await chat.wait_for(lambda message: "waiting" in message.text)
    assert [("file" in message.text) for message in chat.bot_messages] == [True, False]
