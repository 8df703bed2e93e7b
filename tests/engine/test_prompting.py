"""What a language model is told."""

from dataclasses import replace
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canvas import Canvas, GlobalDescription, LocalDescription, parse, write
from engine.composer import ComposeRequest, Exchange
from engine.composer.prompting import SYSTEM_TEXT, Message, fitting, in_fence, is_english, messages
from engine.errors import PromptTooLong, SceneTooLong

POND: Final = Canvas(GlobalDescription("A pond in spring."), (LocalDescription("A frog."),))
DUSK: Final = Canvas(GlobalDescription("A pond at dusk."), (LocalDescription("A frog."),))
HISTORY: Final = (Exchange("a pond", write(POND)), Exchange("at dusk", write(DUSK)))
REQUEST: Final = ComposeRequest("add a heron", DUSK, HISTORY)


def roles(told: tuple[Message, ...]) -> list[str]:
    return [message.role for message in told]


def within(chars: int):
    return lambda told: sum(len(message.content) for message in told) <= chars


def test_the_system_text_is_the_trained_one() -> None:
    """One sentence, then a class with two signatures and three lists of names, in a python fence."""
    sentence, blank, *code = SYSTEM_TEXT.splitlines()

    assert (
        sentence == "You are a helpful AI assistant to compose images using the below python class `Canvas`:"
    )
    assert blank == ""
    assert code[:2] == ["```python", "class Canvas:"]
    assert code[2] == (
        "    def set_global_description(self, description: str, detailed_descriptions: list[str], tags: str, "
        "HTML_web_color_name: str):"
    )
    assert code[5] == (
        "    def add_local_description(self, location: str, offset: str, area: str, "
        "distance_to_viewer: float, description: str, detailed_descriptions: list[str], tags: str, "
        "atmosphere: str, style: str, quality_meta: str, HTML_web_color_name: str):"
    )
    assert code[6] == (
        '        assert location in ["in the center", "on the left", "on the right", "on the top", '
        '"on the bottom", "on the top-left", "on the top-right", "on the bottom-left", "on the bottom-right"]'
    )
    assert [line.split("[")[0] for line in code[6:9]] == [
        f"        assert {name} in " for name in ("location", "offset", "area")
    ]
    assert code[9:] == ["        assert distance_to_viewer > 0", "        pass", "```"]
    assert len(SYSTEM_TEXT) == 1269


def test_a_conversation_is_told_in_turns() -> None:
    """The system first, then each request with its answer in a fence, then the new request."""
    told = messages(REQUEST)

    assert roles(told) == ["system", "user", "assistant", "user", "assistant", "user"]
    assert [message.content for message in told] == [
        SYSTEM_TEXT,
        "a pond",
        f"```python\n{write(POND)}```",
        "at dusk",
        f"```python\n{write(DUSK)}```",
        "add a heron",
    ]


def test_a_first_request_stands_alone() -> None:
    """Nothing but the system's text and the request."""
    assert messages(ComposeRequest(" a pond\n")) == (
        Message("system", SYSTEM_TEXT),
        Message("user", "a pond"),
    )


def test_the_next_turn_begins_as_the_last_one_ended() -> None:
    """So that what a model computed for a turn holds for the next."""
    before = messages(ComposeRequest("在黄昏", POND, HISTORY[:1]))
    history = (*HISTORY[:1], Exchange("在黄昏", write(DUSK)))
    after = messages(ComposeRequest("add a heron", DUSK, history))

    assert after[: len(before)] == before


def test_a_scene_changed_by_hand_is_the_last_answer() -> None:
    """The model goes on from what the person sees, not from what it wrote."""
    changed = replace(DUSK, local_descriptions=())
    told = messages(replace(REQUEST, canvas=changed))

    assert told[-2] == Message("assistant", in_fence(write(changed)))
    assert told[:4] == messages(REQUEST)[:4]


def test_a_scene_from_a_file_is_an_answer_to_its_own_description() -> None:
    """Roles take turns, as templates demand."""
    told = messages(ComposeRequest("add a heron", POND))

    assert roles(told) == ["system", "user", "assistant", "user"]
    assert told[1].content == "A pond in spring."
    assert parse(told[2].content) == POND


@pytest.mark.parametrize(
    "prompt",
    [
        "a dog on the beach",
        "Happy Children’s Day! 🎈",
        "rain – lots of it",
        "a man with a hat, in 1920s style",
    ],
)
def test_english_requests_are_told_as_they_are(prompt: str) -> None:
    """As the models were trained."""
    assert is_english(prompt)
    assert messages(ComposeRequest(prompt))[-1].content == prompt


@pytest.mark.parametrize(
    "prompt",
    [
        "小狗在海边",
        "собака на пляже",
        "كلب على الشاطئ",
        "ein Hund am Strand mit einem Ball",
        "un perro en la playa",
        "un chien sur la plage",
        "um cachorro na praia",
        "een hond op het strand",
        "seekor anjing di pantai dengan bola",
        "a dog 和一只猫",
    ],
)
def test_other_languages_are_asked_to_be_described_in_english(prompt: str) -> None:
    """The picture's encoder reads English; the person's words come first and whole."""
    content = messages(ComposeRequest(prompt))[-1].content

    assert content.startswith(f"{prompt}\n\n")
    assert "in English" in content


def test_a_correction_says_what_was_wrong() -> None:
    """The request stands as before, and what could not be read follows it."""
    content = messages(replace(REQUEST, correction="line 3, column 5: no area 'huge'"))[-1].content

    assert content.startswith("add a heron\n\n")
    assert "line 3, column 5: no area 'huge'" in content


def test_a_rejected_answer_stands_before_its_correction() -> None:
    """The model sees the answer that is spoken of, as its own, in turn after the request."""
    told = messages(replace(REQUEST, correction="no area 'huge'", rejected=" area='huge'\n"))

    assert told[:-2] == messages(REQUEST)
    assert told[-2] == Message("assistant", "area='huge'")
    assert told[-1].role == "user"
    assert "no area 'huge'" in told[-1].content
    assert "add a heron" not in told[-1].content


def test_a_blank_rejected_answer_is_not_told() -> None:
    """Templates and servers do not take an answer without a word."""
    corrected = replace(REQUEST, correction="there is no code")

    assert messages(replace(corrected, rejected=" \n")) == messages(corrected)


def test_a_rejected_answer_goes_first_where_there_is_no_room() -> None:
    """The history stays, and so does what was wrong."""
    corrected = replace(REQUEST, correction="no area 'huge'")
    told = fitting(replace(corrected, rejected="x" * 5000), within(4000))

    assert told == messages(corrected)


def test_too_long_beside_a_rejected_answer_is_the_requests_fault() -> None:
    """What could be left out does not count for how much would do."""
    request = replace(REQUEST, prompt="x" * 5000, correction="no code")
    with pytest.raises(PromptTooLong) as plain:
        fitting(request, within(3000))
    with pytest.raises(PromptTooLong) as caught:
        fitting(replace(request, rejected="y" * 2000), within(3000))

    assert caught.value.allowed_chars == plain.value.allowed_chars


@pytest.mark.parametrize(("language", "name"), [("en", "English"), ("zh", "Chinese"), ("xx", "English")])
def test_other_models_are_told_the_persons_language(language: str, name: str) -> None:
    """Their remarks are for the person; only the models that were trained on Canvas keep their form."""
    request = replace(REQUEST, language=language)

    assert messages(request, example=True)[0].content.endswith(f"write them in {name}.")
    assert messages(request) == messages(REQUEST)


def test_other_models_are_shown_an_example() -> None:
    """The task is explained and done once, with code that reads as the canvas it is, before the history."""
    told = messages(REQUEST, example=True)

    assert roles(told) == ["system", "user", "assistant", "user", "assistant", "user", "assistant", "user"]
    assert told[0].content.startswith(SYSTEM_TEXT)
    shown = parse(told[2].content)
    assert shown.repairs == ()
    assert len(shown.local_descriptions) >= 2
    assert told[2].content == in_fence(write(shown))
    assert told[3:] == messages(REQUEST)[1:]


@given(st.text(min_size=1), st.booleans())
def test_words_of_a_person_stand_in_user_messages_only(words: str, example: bool) -> None:  # noqa: FBT001
    """Whatever they say, the system's text and the answers are the same."""
    said = ComposeRequest(words, DUSK, (Exchange(words, write(DUSK)),), correction=words, rejected="no")
    harmless = ComposeRequest("x", DUSK, (Exchange("x", write(DUSK)),), correction="x", rejected="no")

    def others(request: ComposeRequest) -> list[Message]:
        return [message for message in messages(request, example=example) if message.role != "user"]

    assert others(said) == others(harmless)
    assert roles(messages(said, example=example)) == roles(messages(harmless, example=example))


def test_what_fits_is_told_whole() -> None:
    """Nothing is condensed as long as there is room."""
    chars = sum(len(message.content) for message in messages(REQUEST))

    assert fitting(REQUEST, within(chars)) == messages(REQUEST)
    assert fitting(REQUEST, within(chars - 1)) != messages(REQUEST)


def test_a_long_history_becomes_first_request_scene_and_instruction() -> None:
    """However many rounds there were, nobody has to start again."""
    history = (HISTORY[0], *(Exchange(f"change {number}", write(POND)) for number in range(50)), HISTORY[1])
    told = fitting(replace(REQUEST, history=history), within(3000))

    assert [message.content for message in told] == [
        SYSTEM_TEXT,
        "a pond",
        in_fence(write(DUSK)),
        "add a heron",
    ]


def test_a_long_first_request_gives_way_to_the_scenes_description() -> None:
    """The scene says what became of it."""
    history = (Exchange("a pond, " * 500, write(POND)), HISTORY[1])
    told = fitting(replace(REQUEST, history=history), within(3000))

    assert told[1].content == "A pond at dusk."
    assert told[-1].content == "add a heron"


def test_a_request_that_is_too_long_says_how_much_would_do() -> None:
    """Exactly so much: that fits, and one character more does not."""
    request = replace(REQUEST, prompt="x" * 5000)
    with pytest.raises(PromptTooLong) as caught:
        fitting(request, within(3000))

    allowed = caught.value.allowed_chars
    assert caught.value.found_chars == 5000
    fitting(replace(request, prompt="x" * allowed), within(3000))
    with pytest.raises(PromptTooLong):
        fitting(replace(request, prompt="x" * (allowed + 1)), within(3000))


def test_a_scene_that_is_too_long_is_not_the_requests_fault() -> None:
    """No shorter wording would help."""
    endless = Canvas(GlobalDescription("A pond.", tags="reeds, " * 1000))
    with pytest.raises(SceneTooLong):
        fitting(replace(REQUEST, canvas=endless), within(3000))
