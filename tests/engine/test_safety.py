"""What is not composed: the operator's list of words, and the operator's classifier."""

import asyncio
import sys
import threading
import time
from asyncio import wait_for

import pytest
from structlog.testing import capture_logs

from canvas import Canvas, GlobalDescription, LocalDescription
from engine.composer.safety import ClassifierNotFound, Safety, load_classifier, texts_of
from engine.errors import Blocked, NotChecked

BLOCK = ["Bomb", "two words", "炸弹", "Straße", "폭탄", "c++"]

REFUSED = {
    "as it stands": "a bomb",
    "in other case": "a BOMB.",
    "in full width": "a ｂｏｍｂ",
    "in mathematical letters": "a 𝐛𝐨𝐦𝐛",
    "with a zero-width space": "a bo\u200bmb",
    "with a soft hyphen": "a bo\u00admb",
    "with a joiner in the list's other script": "炸\u2060弹",
    "with a variation selector": "b\ufe0fomb",
    "between underlines": "a_bomb_here",
    "after a Chinese character": "画一个bomb吧",
    "a phrase": "the two words",
    "a phrase on two lines": "the two\n   words",
    "a phrase with a hyphen": "the two-words",
    "in a Chinese sentence": "一颗大炸弹在街上",
    "in Chinese with spaces": "炸 弹",
    "with an ending in Korean": "폭탄을 그려줘",
    "with a letter that has no capital": "eine STRASSE",
    "with signs at its end": "a c++ book",
}

PASSED = {
    "a longer word": "a bombastic bombardment",
    "the end of a word": "a hecatombomb2",
    "a phrase's words apart": "two long words",
    "a Chinese word that shares a character": "炸鸡",
    "nothing": "",
    "another request": "a pond with a frog",
}


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED)
async def test_a_listed_word_is_found(text):
    """A word of the list is found however it is dressed up to look the same."""
    with pytest.raises(Blocked):
        await Safety(BLOCK).check(text)


@pytest.mark.parametrize("text", PASSED.values(), ids=PASSED)
async def test_other_words_pass(text):
    """What only looks a little like a word of the list passes."""
    await Safety(BLOCK).check(text)


MARKS = {
    "two kinds of marks": "\u0301\u0316",
    "marks behind what nobody sees": "\u0301\u0316\u034f",
    "vowels that are two marks": "\u0f73",
    "marks and half-width ones": "\u0301" * 30 + "\uff9e",
}


@pytest.mark.parametrize("unit", MARKS.values(), ids=MARKS)
def test_marks_without_end_take_no_time(unit):
    """A quarter of a million marks on one letter are looked at in about the time of as many letters."""
    safety, begun_s = Safety(BLOCK), time.process_time()
    safety.check_words("ab" * 125_000)
    letters_s = time.process_time() - begun_s
    safety.check_words("a" + unit * (250_000 // len(unit)))
    assert time.process_time() - begun_s < 21 * letters_s + 1


def test_a_word_with_many_marks_is_found():
    """So many marks on a letter do not hide the word behind it."""
    with pytest.raises(Blocked):
        Safety(BLOCK).check_words("a" + "\u0301" * 500 + " bomb")


def test_the_refusal_does_not_say_the_word():
    """Neither the error nor its data repeat what was blocked."""
    with pytest.raises(Blocked) as caught:
        Safety(BLOCK).check_words("a bomb")
    assert "bomb" not in f"{caught.value!r} {vars(caught.value)}"


async def test_without_a_list_everything_passes():
    """Neither an empty list nor one of blanks refuses anything."""
    await Safety().check("a bomb")
    await Safety(["", " ", "\u200b"]).check("a bomb \u200b")


async def test_a_long_list_and_a_long_text_are_quick_to_compare():
    """A text of many near misses is read through in the time that a request may take."""
    safety = Safety([f"a {'very ' * 20}long phrase number {number}" for number in range(300)])
    async with asyncio.timeout(120):
        await safety.check("a very " * 5000)


async def says_blood(text):
    await asyncio.sleep(0)
    return "violence" if "blood" in text else ""


CLASSIFIERS = {
    "a function": lambda text: "blood" in text,
    "a function with a category": lambda text: "violence" if "blood" in text else "",
    "a coroutine function": says_blood,
    "a function that returns an awaitable": lambda text: wait_for(says_blood(text), 120),
}


@pytest.mark.parametrize("classifier", CLASSIFIERS.values(), ids=CLASSIFIERS)
async def test_a_classifier_refuses_and_lets_pass(classifier):
    """True or a category refuses, False or an empty text lets pass; the function may be async."""
    safety = Safety(classifier=classifier)
    await safety.check("a pond")
    with pytest.raises(Blocked):
        await safety.check("blood on the floor")


async def test_an_object_may_be_a_classifier():
    """An object with an asynchronous call is asked as a function is."""

    class Filter:
        async def __call__(self, text: str) -> bool:
            return "blood" in text

    safety = Safety(classifier=Filter())
    await safety.check("a pond")
    with pytest.raises(Blocked):
        await safety.check("blood")


def broken(text):
    raise ZeroDivisionError(text)


async def broken_later(text):
    broken(text)


FAULTS = {"raises": broken, "raises later": broken_later, "says no yes or no": len}


@pytest.mark.parametrize("classifier", FAULTS.values(), ids=FAULTS)
async def test_a_classifier_that_fails_refuses(classifier):
    """When it cannot be said whether a text is safe, it is not composed, and the log says why."""
    with capture_logs() as logs, pytest.raises(NotChecked):
        await Safety(classifier=classifier).check("a pond")
    assert [entry["event"] for entry in logs if entry["log_level"] == "error"] == ["classifier_failed"]


async def test_a_classifier_that_does_not_answer_refuses():
    """A function that blocks its thread, and a coroutine that never ends, are not waited for."""
    is_released = threading.Event()

    def hangs(text):
        return bool(text) and is_released.wait(120)

    async def hangs_in_the_loop(text):
        return text and await asyncio.Event().wait()

    try:
        for classifier in (hangs, hangs_in_the_loop):
            with capture_logs(), pytest.raises(NotChecked):
                await Safety(classifier=classifier, timeout_s=0.05).check("a pond")
    finally:
        is_released.set()


async def test_a_function_is_asked_beside_the_loop():
    """A function that takes its time does not stop what else runs."""
    loop_has_run = threading.Event()
    asyncio.get_running_loop().call_soon(loop_has_run.set)
    safety = Safety(classifier=lambda text: bool(text) and not loop_has_run.wait(120), timeout_s=180)
    await safety.check("a pond")


async def test_the_list_is_asked_before_the_classifier():
    """What the list refuses costs no classifier's time."""
    asked = []
    with pytest.raises(Blocked):
        await Safety(BLOCK, lambda text: bool(asked.append(text))).check("a bomb")
    assert asked == []


def test_all_texts_of_a_scene_are_looked_at():
    """Every text that a scene carries is among those that are checked."""
    scene = Canvas(
        GlobalDescription("t1", ("t2", "t3"), "t4"),
        (
            LocalDescription(
                "t5",
                detailed_descriptions=("t6",),
                tags="t7",
                atmosphere="t8",
                style="t9",
                quality_meta="t10",
            ),
        ),
    )
    assert set(texts_of(scene).split()) == {f"t{number}" for number in range(1, 11)}


def test_a_classifier_is_found_by_name(tmp_path, monkeypatch):
    """A name of the form `package.module:function` gives the function."""
    (tmp_path / "our_filters.py").write_text("def is_unsafe(text):\n    return 'blood' in text\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert load_classifier("our_filters:is_unsafe")("blood") is True
    sys.modules.pop("our_filters")


MISNAMED = {
    "no module": ("no_such_module_here:f", "No module named"),
    "no function": ("json:no_such_function", "no_such_function"),
    "no function but a value": ("json:__name__", "cannot be called"),
    "a module that fails": ("broken_filters:f", "ZeroDivisionError"),
}


@pytest.mark.parametrize(("name", "detail"), MISNAMED.values(), ids=MISNAMED)
def test_a_classifier_that_is_not_there_is_a_sentence(name, detail, tmp_path, monkeypatch):
    """What is wrong with a name or its module is told with the name."""
    (tmp_path / "broken_filters.py").write_text("1 / 0\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ClassifierNotFound) as caught:
        load_classifier(name)
    assert name in str(caught.value)
    assert detail in caught.value.detail
