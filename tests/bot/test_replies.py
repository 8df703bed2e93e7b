"""Words: every error and every sentence, in every language."""

import ast
import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

import canvas.errors
import engine.errors
import storage.errors
from bot.replies import LANGUAGES, language_of, words
from canvas import CanvasError, Change, ChangeKind, Line, Repair, Sentence
from canvas.lines import PLACED_THING
from canvas.names import AREAS, COLORS, LOCATIONS
from engine.backends import Backends
from engine.composing import BROKEN_OFF
from engine.errors import (
    BadSetting,
    Blocked,
    Busy,
    ComposeFailed,
    EmptyPrompt,
    GaveUp,
    Internal,
    Interrupted,
    LoraDoesNotFit,
    NoPictureYet,
    NotAllowed,
    NotChecked,
    NotModerator,
    NotUnderstood,
    NotYours,
    OutOfMemory,
    PromptTooLong,
    QueueFull,
    QuotaUsedUp,
    SceneTooLong,
    TooManyWaiting,
    Unavailable,
)
from storage.errors import DatabaseAway, NotAScene, NotFound, StorageFailed
from storage.scene import SceneSettings

ROOT = Path(__file__).parents[2]
LOCALES = ROOT / "bot" / "locales"
# Why a composer does not answer, where the reason is found out while it works.
COMPOSERS_REASONS = """
    needs-gpu-extra needs-bitsandbytes model-unknown revision-unknown model-gated model-offline
    hub-unreachable disk-full model-without-safetensors model-needs-code model-unreadable
    model-no-template no-such-device
    not-enough-memory model-failed
    unreachable cut-off silent overloaded no-credit refused-key no-such-model wrong-address bad-request
    server-error not-understood empty-reply too-long
"""
BRACES = re.compile(r"\{(\w+)\}")

# Each error that a person can meet, and the values that its sentence must show.
ERRORS = {
    EmptyPrompt: (EmptyPrompt(), []),
    NoPictureYet: (NoPictureYet(), ["/omost"]),
    PromptTooLong: (PromptTooLong(4321, 2000), ["4321", "2000"]),
    NotUnderstood: (NotUnderstood("qwxz", ("a lamp", "a fox")), ["qwxz", "a lamp, a fox"]),
    BadSetting: (BadSetting("width_px", 17, "256-2048"), ["17", "256-2048"]),
    Blocked: (Blocked(), []),
    Busy: (Busy(), []),
    NotChecked: (NotChecked(), []),
    SceneTooLong: (SceneTooLong(), []),
    LoraDoesNotFit: (LoraDoesNotFit("ink wash"), ["ink wash"]),
    NotAllowed: (NotAllowed(), []),
    NotYours: (NotYours(), []),
    NotModerator: (NotModerator(), []),
    TooManyWaiting: (TooManyWaiting(6, 170), ["6", "3 "]),
    QueueFull: (QueueFull(40), ["40"]),
    QuotaUsedUp: (QuotaUsedUp("pictures-per-day", 20, 17_400), ["20", "5"]),
    Unavailable: (Unavailable("sdxl", "needs-gpu-extra"), ["sdxl", "omost-bot[gpu]"]),
    ComposeFailed: (ComposeFailed(3, 8, "an open string"), ["3", "8", "an open string"]),
    OutOfMemory: (OutOfMemory(), []),
    GaveUp: (GaveUp(5), ["5"]),
    Interrupted: (Interrupted(), []),
    Internal: (Internal(), []),
    CanvasError: (CanvasError("no such place", line=5, column=9, suggestion="left"), ["5", "9", "left"]),
    NotFound: (NotFound("revision", "abcdefghij"), []),
    NotAScene: (NotAScene("damaged"), []),
    StorageFailed: (StorageFailed("disk full"), ["disk full"]),
    DatabaseAway: (DatabaseAway("connection refused"), []),
}


def error_classes() -> set[type[Exception]]:
    """The classes of the three error trees that are raised: those without a subclass, and one more."""
    modules = (canvas.errors, engine.errors, storage.errors)
    found = {
        value
        for module in modules
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Exception) and value.__module__ == module.__name__
    }
    return {each for each in found if not each.__subclasses__()} | {StorageFailed}


def calls(folder: Path) -> Iterator[tuple[str, ast.Call]]:
    """Every call in a folder's modules, with the name of what is called."""
    for path in sorted(folder.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(func=ast.Attribute(attr=name)) | ast.Call(func=ast.Name(id=name)):
                    yield name, node
                case _:
                    pass


def literals(call: ast.Call, count: int) -> tuple[str, ...]:
    """The call's first arguments, when all of them are strings."""
    match [argument.value for argument in call.args[:count] if isinstance(argument, ast.Constant)]:
        case [str(), *_] as values if len(values) == count:
            return tuple(values)
        case _:
            return ()


def given_reasons(folder: Path) -> set[str]:
    """The reasons that stand where `Unavailable` is raised."""
    return {
        call.args[1].value
        for name, call in calls(folder)
        if name == "Unavailable" and len(call.args) == 2 and isinstance(call.args[1], ast.Constant)
    }


def sentences() -> set[tuple[str, ...]]:
    """What the bot says: the sentence, or its singular and plural."""
    found = set()
    for name, call in calls(ROOT / "bot"):
        if name in ("text", "later"):
            found.add(literals(call, 1))
        elif name == "count" and len(call.args) > 2:
            found.add(literals(call, 2))
    found |= {(PLACED_THING,)} | {tuple(dict.fromkeys((each.one, each.many))) for each in Sentence}
    return found - {()}


@pytest.fixture(scope="module", params=sorted(set(LANGUAGES) - {"en"}))
def catalog(request):
    """Each language's catalogue by English sentence, singular first."""
    with (LOCALES / request.param / "LC_MESSAGES" / "omost.po").open("rb") as file:
        return {message.id: message for message in read_po(file, locale=request.param) if message.id}


def test_what_was_left_empty_is_missing():
    """Nobody is told that something cannot be nothing; of a number, what it may be is told."""
    text = BadSetting("description", "", "1-2000")
    assert words("en").error(text) == "The description is missing: fill it in."
    assert words("zh").error(text) == "缺少描述，请填写。"
    number = BadSetting("width_px", "—", "256-2048")
    assert words("en").error(number) == "The width in pixels is missing. Allowed: 256-2048."
    assert words("zh").error(number) == "缺少宽度（像素）。允许的值：256-2048。"


def test_every_error_has_an_example_here():
    """The table of this test names every error class of canvas, engine and storage."""
    assert error_classes() == set(ERRORS)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("error", "shown"), ERRORS.values(), ids=[each.__name__ for each in ERRORS])
def test_every_error_has_words(language, error, shown):
    """Each error is a sentence of its own in each language, with its values and without blanks to fill."""
    spoken = words(language)
    sentence = spoken.error(error)
    assert (sentence == spoken.unexpected()) == isinstance(error, Internal)
    assert all(value in sentence for value in shown), sentence
    assert not BRACES.search(sentence)
    assert re.search(r"[.?。？]$", sentence)
    assert bool(re.search(r"[\u4e00-\u9fff]", sentence)) == (language == "zh")


DURATIONS = [
    (0, "5 seconds", "5 秒"),
    (40, "40 seconds", "40 秒"),
    (41.2, "45 seconds", "45 秒"),
    (90, "90 seconds", "90 秒"),
    (91, "2 minutes", "2 分钟"),
    (180, "3 minutes", "3 分钟"),
    (181, "4 minutes", "4 分钟"),
    (90 * 60, "90 minutes", "90 分钟"),
    (90 * 60 + 1, "2 hours", "2 小时"),
    (5 * 3600, "5 hours", "5 小时"),
    (86_399, "24 hours", "24 小时"),
]


@pytest.mark.parametrize(("seconds", "english", "chinese"), DURATIONS)
def test_times_are_said_as_people_say_them(seconds, english, chinese):
    """One unit, rounded up: whoever comes back after that time does not come too early."""
    assert words("en").duration(seconds) == english
    assert words("zh").duration(seconds) == chinese


REFUSALS = [
    (TooManyWaiting(6, 40), "in about 40 seconds", "大约 40 秒后"),
    (QueueFull(180), "in about 3 minutes", "大约 3 分钟后"),
    (QueueFull(0), "in a while", "过一会儿"),
    (QuotaUsedUp("pictures-per-day", 1, 18_000), "in 5 hours", "5 小时后"),
    (QuotaUsedUp("pictures-per-day", 1, 18_000), "1 picture.", "1 张图片"),
    (QuotaUsedUp("gpu-s-per-day", 600, 18_000), "10 minutes of computing", "10 分钟的计算时间"),
]


@pytest.mark.parametrize(("error", "english", "chinese"), REFUSALS)
def test_a_refusal_says_when_to_come_back(error, english, chinese):
    """Estimates are called so, a time that nobody knows is not made up, and a day's end is certain."""
    assert english in words("en").error(error)
    assert chinese in words("zh").error(error)


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_gone_is_told_without_its_id(language):
    """People in a chat know no ids."""
    assert "abcdefghij" not in words(language).error(NotFound("revision", "abcdefghij"))
    assert "-" not in words(language).error(NotFound("turn", "-"))


def test_an_unknown_error_tells_nothing_of_its_inside():
    """An error that nobody foresaw gets a general sentence, not its own text."""
    assert words("en").error(ValueError("password")) == words("en").unexpected()


def test_what_a_person_wrote_is_data():
    """Braces in a person's own words come back as they are."""
    assert "{advice} {0.__class__}" in words("en").error(NotUnderstood("{advice} {0.__class__}"))


def test_long_words_are_quoted_short():
    """A request that was not understood is quoted in at most a line."""
    assert len(words("en").error(NotUnderstood("x" * 2000))) < 200


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_reason_has_words(language):
    """Each key by which storage or the engine gives a reason or names a setting has words."""
    backends = Backends()
    reasons = {backend.reason for backend in (*backends.composers, *backends.renderers)} - {""}
    reasons |= given_reasons(ROOT / "engine") | set(COMPOSERS_REASONS.split())
    reasons |= {
        key for name, call in calls(ROOT / "storage") if name == "NotAScene" for key in literals(call, 1)
    }
    settings = {field.name for field in fields(SceneSettings) if not isinstance(field.default, bool)}
    assert len(reasons) > 20
    spoken = words(language)
    assert [key for key in reasons | settings if spoken.named(key) == key] == []


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("reason", "settings"),
    [
        ("too-long", ["max_tokens", "context_tokens", "[openai]"]),
        ("needs-bitsandbytes", ["pip install bitsandbytes", "model", "quantisation"]),
    ],
)
def test_reasons_name_what_to_set(language, reason, settings):
    """Whoever runs the bot reads which settings help, in either language."""
    said = words(language).named(reason)
    assert [name for name in settings if name not in said] == []


def test_a_failed_answer_says_what_became_of_the_picture():
    """Whoever changes a picture hears that it stays; whoever asks for a new one, nothing of the kind."""
    assert "stays as it was" in words("en").error(ComposeFailed(1, 1, "no code", keeps_previous=True))
    assert "stays as it was" not in words("en").error(ComposeFailed(1, 1, "no code"))


def test_what_passes_is_worth_another_try():
    """Whoever meets a busy server is told to try again, and whoever meets a wrong key is not."""
    assert "Try again" in words("en").error(Unavailable("openai", "overloaded"))
    assert "Try again" not in words("en").error(Unavailable("openai", "refused-key"))


def test_every_sentence_is_translated(catalog):
    """Every sentence in the code of the bot stands in each catalogue, and nothing else does."""
    said = {each[0] if len(each) == 1 else each for each in sentences()}
    assert len(said) > 50
    assert said - set(catalog) == set(), "not translated"
    assert set(catalog) - said == set(), "stale, or in a table without later()"


def test_every_translation_is_finished(catalog):
    """No translation is empty, fuzzy, or fills other blanks than the English sentence does."""
    for english, message in catalog.items():
        english_forms = (english,) if isinstance(english, str) else english
        forms = (message.string,) if isinstance(message.string, str) else message.string
        assert all(forms), english
        assert not message.fuzzy, english
        for form in forms:
            assert set(BRACES.findall(form)) == set(BRACES.findall(english_forms[-1])), english


@pytest.mark.parametrize(
    ("locale", "language"),
    [("zh", "zh"), ("zh-Hans-CN", "zh"), ("zh_TW.UTF-8", "zh"), ("en-GB", "en"), ("tlh", "en"), ("", "en")],
)
def test_locales_find_their_language(locale, language):
    """A locale is answered in its language, or in English where that is not spoken."""
    assert language_of(locale) == language
    assert words(locale).language == language


def test_numbers_choose_their_form():
    """A counted sentence is singular for one, plural for others, and has one form in Chinese."""
    forms = [words("en").count("{number} region", "{number} regions", number) for number in (0, 1, 2)]
    assert forms == ["0 regions", "1 region", "2 regions"]
    assert words("zh").count("{number} region", "{number} regions", 2) == "2 个区域"


def test_repairs_have_words():
    """A repair says what was used, or that the text was left out."""
    spoken = words("en")
    assert spoken.repair(Repair(3, "location", "middle", "in the center")) == (
        "line 3: location “middle” became “in the center”"
    )
    assert spoken.repair(Repair(4, "argument", "foo=1", "")) == "line 4: argument “foo=1” was left out"
    assert spoken.repair(Repair(9, BROKEN_OFF, "", "")) == "line 9: the composer's answer broke off here"


@pytest.mark.parametrize(
    ("sentence", "parts", "english", "chinese"),
    [
        (
            Sentence.RECOLOURED,
            {"thing": "water", "color": "darkslateblue"},
            "water: the colour is now dark slate blue",
            "“water”变成了深石板蓝",
        ),
        (
            Sentence.MOVED,
            {"thing": "lamp", "where": "on the left", "place": "the top-right"},
            "lamp on the left moved to the top-right",
            "“左边的lamp”移到了右上角",
        ),
        (
            Sentence.MOVED_SLIGHTLY,
            {"thing": "lamp", "direction": "up and left"},
            "lamp moved slightly up and to the left",
            "“lamp”稍微向左上方移了一点",
        ),
        (
            Sentence.NEW_ASPECTS,
            {"thing": "lamp", "aspects": ("details", "atmosphere", "style")},
            "lamp: new details, atmosphere and style",
            "“lamp”：细节、氛围、风格有更新",
        ),
        (Sentence.BACKGROUND, {"color": "navy"}, "background became navy", "背景变成了海军蓝"),
    ],
)
def test_changes_have_words(sentence, parts, english, chinese):
    """Places, directions, colours and aspects are said in the language; things keep their names."""
    change = Change(ChangeKind.RETOLD, Line(sentence, parts), None, None)
    assert words("en").change(change) == english
    assert words("zh").change(change) == chinese


def test_several_things_have_their_form():
    """The verb agrees in English, and stays in Chinese."""
    change = Change(ChangeKind.ADDED, Line(Sentence.ADDED, {"thing": "birds"}, is_plural=True), None, None)
    assert words("en").change(change) == "birds were added"
    assert words("zh").change(change) == "新增了“birds”"


def test_every_name_of_the_canvas_has_words():
    """Places, sizes and colours are translated, and no colour is one long word."""
    names = [*LOCATIONS, *AREAS, *COLORS]
    assert [name for name in names if not re.search(r"[\u4e00-\u9fff]", words("zh").named(name))] == []
    assert words("en").named("lightgoldenrodyellow") == "light goldenrod yellow"
