"""The whole story on Discord, with the real client on a loopback Discord."""

import asyncio
from types import SimpleNamespace

import pytest

from bot.discord.hearing import words_of
from storage.records import TurnStatus
from tests.bot.discord.conftest import DiscordStage
from tests.bot.discord.people import Person, items_of, labels_of
from tests.bot.discord.world import BOT_ID, DM
from tests.engine.conftest import Stage


async def test_words_become_a_picture_in_one_message(stage: DiscordStage):
    """A slash command is acknowledged, and one ordinary message becomes the result, with its buttons."""
    asked = stage.ann.slash(stage.room, "omost", prompt="a pond")
    result = await stage.result()
    assert asked.responses[0] == {"type": 5, "data": {"flags": 64}}
    assert result["attachments"][0]["filename"].endswith(".png")
    assert result["attachments"][0]["description"]
    assert "webhook_id" not in result, "a reply to it carries text"
    assert labels_of(result) == ["🎲", "🧩", "↩️", "⬆️", "📜", "⭐", "✏️"]
    assert len(stage.by_bot()) == 1
    assert stage.world.content_of(result["attachments"][0]).startswith(b"\x89PNG")
    await stage.world.until(lambda: not stage.world.hidden, "nobody is left with a bot that thinks")


async def test_buttons_say_what_they_do(stage: DiscordStage):
    """A few words stand beside each sign, in the language of who asked."""
    for number, person in enumerate((stage.ann, stage.ben), 1):
        person.slash(stage.room, "omost", prompt="a pond")
        await stage.result(number)
    english, chinese = ([item["label"] for item in items_of(each)] for each in stage.results())
    for one, other in zip(english, chinese, strict=True):
        assert len(one.split(" ")) > 1
        assert one.split(" ")[0] == other.split(" ")[0]
        assert one != other


async def test_a_reply_changes_the_picture_without_the_content_of_all_messages(stage: DiscordStage):
    """Somebody else replies to the result in another language, and a new message answers theirs."""
    stage.ann.slash(stage.room, "omost", prompt="a pond")
    first = await stage.result()
    stage.composer.replies = [Stage.DUSK_REPLY]
    said = stage.ben.say(stage.room, "make it dusk", first)
    second = await stage.result(2)
    assert str(second["message_reference"]["message_id"]) == said["id"]
    assert stage.composer.requests[-1].canvas == Stage.POND
    assert stage.composer.requests[-1].prompt == "make it dusk"
    assert stage.world.intents & (1 << 15) == 0, "no privileged intent"


async def test_a_reply_that_cannot_be_read_is_told_so(stage: DiscordStage):
    """Without the mention a reply comes without its words."""
    stage.ann.slash(stage.room, "omost", prompt="a pond")
    first = await stage.result()
    said = stage.ann.say(stage.room, "make it dusk", first, mentions=False)
    await stage.world.until(lambda: len(stage.by_bot()) == 2, "an answer")
    told = stage.by_bot()[1]
    assert "✏️" in told["content"]
    assert str(told["message_reference"]["message_id"]) == said["id"]
    assert len(stage.composer.requests) == 1


async def test_messages_are_answered_in_the_language_of_earlier_commands(stage: DiscordStage):
    """Discord tells it with commands and buttons only; it is known after a restart too."""
    await stage.answer(stage.ben.slash(stage.room, "queue"))
    await stage.restart()
    stage.ben.say(stage.room, "<@1001>", mentions=True)
    await stage.world.until(stage.by_bot, "the help")
    assert "/omost" in stage.by_bot()[0]["content"]
    assert "我" in stage.by_bot()[0]["content"]


async def test_who_begins_in_chinese_is_answered_in_chinese(stage: DiscordStage):
    """A message tells no locale, and nothing was told before: the words say it."""
    stage.ben.say(stage.room, "<@1001> 你好", mentions=True)
    await stage.world.until(stage.by_bot, "an answer")
    assert "我" in stage.by_bot()[0]["content"]


async def test_what_is_not_for_the_bot_is_left_alone(stage: DiscordStage):
    """Other people's talk is not answered; a mention is."""
    said = stage.ann.say(stage.room, "hello Ben")
    stage.ben.say(stage.room, "hello Ann", said, mentions=False)
    stage.ann.say(stage.room, "<@1001> a pond", mentions=True)
    await stage.result()
    assert stage.composer.requests[0].prompt == "a pond"
    assert len(stage.by_bot()) == 1


@pytest.mark.parametrize("between", ["", " ", ", ", ": ", "，", "：", "、", "\n"])
def test_what_parts_the_bots_name_from_the_words_is_none_of_them(between):
    """However it is called at first; a name among the words takes nothing with it."""
    bot = SimpleNamespace(id=BOT_ID)
    for text, expected in (
        (f"<@{BOT_ID}>{between}画一个池塘", "画一个池塘"),
        (f" <@!{BOT_ID}>{between}a pond", "a pond"),
        (f"画：<@{BOT_ID}>，一个池塘", "画：，一个池塘"),
    ):
        nobody = {"mentions": (), "role_mentions": (), "channel_mentions": ()}
        assert words_of(SimpleNamespace(content=text, **nobody), bot) == expected


async def test_whoever_is_named_among_the_words_is_called_by_name(stage: DiscordStage):
    """People, channels and signs stand in them as people read them; a command tells nobody's name."""
    said = f"<@{BOT_ID}> <@!{stage.ben.id}> in <#{stage.room.id}> with a <:frog:1234>, <@5> and <a:pond:12>"
    stage.ann.say(stage.room, said, mentions=True, naming=[stage.ben])
    await stage.result()
    room = stage.room.name
    assert stage.composer.requests[-1].prompt == f"{stage.ben.name} in {room} with a frog, and pond"
    stage.ann.slash(stage.room, "omost", prompt=f"<@{stage.ben.id}> and a <:frog:1234> beside <@&601>")
    await stage.result(2)
    assert stage.composer.requests[-1].prompt == "and a frog beside"


async def test_somebodys_name_is_in_no_language(stage: DiscordStage):
    """Who names a person with a Chinese name is answered in the language of the other words."""
    other = Person(stage.world, 909, "小明")
    stage.ann.say(stage.room, f"<@{BOT_ID}> a portrait of <@909>", mentions=True, naming=[other])
    result = await stage.result()
    assert stage.composer.requests[-1].prompt == "a portrait of 小明"
    assert "seed" in result["content"]


async def test_again_paints_with_another_seed(stage: DiscordStage):
    """🎲 is acknowledged without a trace and paints the same scene anew."""
    stage.ann.slash(stage.room, "omost", prompt="a pond")
    first = await stage.result()
    asked = stage.ben.press(stage.room, first, "🎲")
    await stage.result(2)
    assert asked.responses == [{"type": 6}]
    assert asked.followups == [], "the new message says it"
    canvases, seeds = zip(
        *((canvas, settings.seed) for canvas, settings in stage.renderer.painted), strict=True
    )
    assert canvases[0] == canvases[1]
    assert seeds[0] != seeds[1]


async def test_a_region_is_edited_by_select_and_form(stage: DiscordStage):
    """🧩, a region, ✏️, its form: the panel is for one person, and gone when the change begins."""
    stage.ann.slash(stage.room, "omost", prompt="a pond")
    first = await stage.result()
    panel = await stage.answer(stage.ann.press(stage.room, first, "🧩"))
    assert int(panel["id"]) in stage.world.hidden
    chosen = stage.ann.choose(stage.room, panel, "heron")
    await stage.world.until(lambda: "✏️" in str(labels_of(panel)), "the region's panel")
    assert chosen.responses == [{"type": 6}]
    form = await stage.form(stage.ann.press(stage.room, panel, "✏️"))
    assert len(form.modal["components"]) == 5
    stage.ann.fill(form, description="A red crane", location="on the left")
    await stage.result(2)
    assert "A red crane" in [each.description for each in stage.renderer.painted[-1][0].local_descriptions]
    assert int(panel["id"]) not in stage.world.hidden


async def test_the_pencil_asks_what_shall_change(stage: DiscordStage):
    """✏️ and the message's menu open a form as the very first response; what is sent refines that picture."""
    stage.ann.slash(stage.room, "omost", prompt="a pond")
    first = await stage.result()
    stage.composer.replies = [Stage.DUSK_REPLY]
    form = await stage.form(stage.ann.press(stage.room, first, "✏️"))
    stage.ann.fill(form, prompt="make it dusk")
    second = await stage.result(2)
    menu = await stage.form(stage.ben.menu(stage.room, "Change this picture", first))
    assert menu.modal["title"] != form.modal["title"], "in Chinese"
    stage.ben.fill(menu, prompt="天黑了")
    await stage.result(3)
    assert [each.canvas for each in stage.composer.requests] == [None, Stage.POND, Stage.POND]
    about = await stage.answer(stage.ann.menu(stage.room, "About this scene", second))
    assert [each["filename"].rpartition(".")[2] for each in about["attachments"]] == ["png", "py"]


async def test_a_form_that_is_too_late_is_offered_by_a_button(stage: DiscordStage, monkeypatch):
    """A form must be the very first response: where looking it up takes too long, one more press opens it."""
    stage.ann.slash(stage.room, "omost", prompt="a pond")
    first = await stage.result()
    with monkeypatch.context() as slow:
        slow.setattr("bot.discord.answering.AHEAD_FOR_S", 0.0)
        asked = stage.ann.press(stage.room, first, "✏️")
        offered = await stage.answer(asked)
    assert asked.responses == [{"type": 6}]
    assert int(offered["id"]) in stage.world.hidden
    form = await stage.form(stage.ann.press(stage.room, offered, ""))
    stage.ann.fill(form, prompt="make it dusk")
    await stage.result(2)


async def test_undo_and_history(stage: DiscordStage):
    """/undo shows the picture before; /history is a picture with a select, hidden from others."""
    stage.ann.slash(stage.room, "omost", prompt="a pond")
    await stage.result()
    stage.ann.slash(stage.room, "refine", prompt="make it dusk")
    await stage.result(2)
    stage.ann.slash(stage.room, "undo")
    await stage.result(3)
    tree = await stage.answer(stage.ann.slash(stage.room, "history"))
    assert int(tree["id"]) in stage.world.hidden
    assert tree["attachments"]
    stage.ann.choose(stage.room, tree, "2. ")
    await stage.result(4)


async def test_cancelling_while_it_is_painted(stage: DiscordStage):
    """❌ under the progress calls it off; somebody else is told that it is not theirs."""
    stage.renderer.gate = asyncio.Event()
    stage.ann.slash(stage.room, "omost", prompt="a pond")
    await stage.world.until(lambda: any("❌" in labels_of(each) for each in stage.by_bot()), "progress")
    (message,) = stage.by_bot()
    refused = await stage.answer(stage.ben.press(stage.room, message, "❌"))
    assert "不" in refused["content"] or "只有" in refused["content"]
    stage.ann.press(stage.room, message, "❌")
    await stage.world.until(lambda: "🎲" in labels_of(message), "it is cancelled")
    assert await stage.turns() == [TurnStatus.CANCELLED]
    assert message["attachments"] == []


async def test_a_batch_is_a_grid_with_buttons_for_each(stage: DiscordStage):
    """One message shows all; V3 paints neighbours of the third, U2 the second, larger."""
    stage.ann.slash(stage.room, "omost", prompt="a pond", count=4, seed=40)
    grid = await stage.result()
    assert labels_of(grid)[7:] == ["U1", "U2", "U3", "U4", "V1", "V2", "V3", "V4"]
    stage.ann.press(stage.room, grid, "V3")
    await stage.result(2)
    assert stage.renderer.painted[-1][1].seed == 43
    stage.ann.press(stage.room, grid, "U2")
    await stage.result(3)
    assert (stage.renderer.painted[-1][1].seed, stage.renderer.painted[-1][1].count) == (41, 1)
    await stage.ended()
    assert len(stage.by_bot()) == 3


async def test_scene_files_come_in_by_option_form_and_message(stage: DiscordStage):
    """The picture's own file opens its scene, wherever it is sent."""
    stage.ann.slash(stage.room, "omost", prompt="a pond")
    png = stage.world.content_of((await stage.result())["attachments"][0])
    direct = stage.world.channel(None, DM)
    stage.ann.slash(direct, "open", file=("scene.png", png))
    await stage.result(1, direct)
    stage.ann.fill(await stage.form(stage.ann.slash(direct, "open")), file=("scene.png", png))
    await stage.result(2, direct)
    stage.ann.say(direct, "", file=("scene.png", png))
    await stage.result(3, direct)
    refused = await stage.answer(stage.ann.slash(direct, "open", file=("scene.png", b"\x89PNG\r\n\x1a\n")))
    assert refused["content"]
    assert [canvas for canvas, _ in stage.renderer.painted] == [Stage.POND] * 4


async def test_settings_are_a_form(stage: DiscordStage):
    """What is chosen holds for the person's next scene."""
    form = await stage.form(stage.ann.slash(stage.room, "settings"))
    await stage.answer(stage.ann.fill(form, steps="9", language="zh"))
    await stage.world.until(
        lambda: any("设置" in each["content"] for each in stage.world.hidden.values()), "a toast"
    )
    stage.ann.slash(stage.room, "omost", prompt="a pond")
    await stage.result()
    assert stage.renderer.painted[-1][1].steps == 9
    refused = await stage.answer(stage.ben.slash(stage.room, "settings", whose="here"))
    assert refused["content"]


async def test_two_people_on_one_result(stage: DiscordStage):
    """Both get a picture of their own, at the same time."""
    stage.ann.slash(stage.room, "omost", prompt="a pond")
    first = await stage.result()
    stage.ann.say(stage.room, "make it dusk", first)
    stage.ben.press(stage.room, first, "🎲")
    await stage.result(3)
    assert await stage.turns() == [TurnStatus.DONE] * 3


async def test_toasts_go_away(scene: DiscordStage, monkeypatch):
    """A favourite is told of and the telling taken away; /favourites has it."""
    monkeypatch.setattr("bot.discord.answering.TOAST_S", 0.0)
    stage = await scene.start()
    stage.ann.slash(stage.room, "omost", prompt="a pond")
    first = await stage.result()
    asked = stage.ann.press(stage.room, first, "⭐")
    await stage.world.until(lambda: asked.followups and not stage.world.hidden, "the toast is gone")
    kept = await stage.answer(stage.ann.slash(stage.room, "favourites"))
    assert kept["components"]
