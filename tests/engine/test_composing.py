"""Composing: what becomes of replies that cannot be read, or break off; no turn is lost for them."""

import asyncio
import time

import pytest

from canvas import Canvas, GlobalDescription, LocalDescription, write
from engine.composer import ComposeRequest
from engine.composer.safety import Safety
from engine.composing import BROKEN_OFF, MAX_REJECTED_CHARS, MAX_REPLY_CHARS, compose
from engine.errors import Blocked, ComposeFailed, NotChecked, NotUnderstood, Unavailable
from engine.events import ComposingText, Done, Failed
from engine.studio import Adopt

POND = Canvas(
    GlobalDescription("A pond in spring.", tags="pond, spring", color="lightgreen"),
    (
        LocalDescription("A frog on a leaf.", location="on the left", color="green"),
        LocalDescription("A heron.", location="on the right", color="gray", distance_to_viewer=9.0),
    ),
)
CODE = write(POND)
WHOLE = f"Here it is.\n```python\n{CODE}```"
NO_PLACE = "    location='Atlantis and Mu',"
BROKEN = WHOLE.replace("    location='on the right',", NO_PLACE)
PROSE = "I would rather talk about the weather."
REQUEST = ComposeRequest("a pond", language="zh")
CHANGE = ComposeRequest("add a heron", canvas=POND)


class Scripted:
    """Gives one reply a request, an exception where the script has one: before its words, or behind them."""

    def __init__(self, *replies: str | Exception | tuple[str, Exception]) -> None:
        self.replies = list(replies)
        self.requests: list[ComposeRequest] = []

    async def compose(self, request):
        self.requests.append(request)
        reply = self.replies.pop(0)
        words, failure = reply if isinstance(reply, tuple) else (reply, None)
        if isinstance(words, Exception):
            raise words
        for start in range(0, len(words), 7):
            yield words[start : start + 7]
        if failure:
            raise failure


def unheard(event):
    del event


async def work_s(reply):
    """The processor time that it takes to find no canvas in a reply, twice."""
    begun_s = time.process_time()
    with pytest.raises(ComposeFailed):
        await compose(Scripted(reply, reply), REQUEST, unheard)
    return time.process_time() - begun_s


def frogs(canvas):
    return [local.description for local in canvas.local_descriptions]


async def test_a_good_reply_is_taken_as_it_is():
    """A reply that can be read is asked for once, and nothing is noted beside it."""
    composer = Scripted(WHOLE)
    composition = await compose(composer, REQUEST, unheard)
    assert (composition.canvas, composition.canvas.repairs) == (POND, ())
    assert composition.remark == "Here it is."
    assert composer.requests == [REQUEST]


async def test_a_reply_of_empty_lines_takes_no_longer_than_others():
    """A model that writes nothing but line ends into its fence does not hold up its whole process."""
    words, lines = ("```python\n" + unit * (60_000 // len(unit)) for unit in ("word ", "\n"))
    assert await work_s(lines) < 10 * await work_s(words) + 1


async def test_a_fence_in_a_description_ends_nothing():
    """A reply that is whole is not said to break off for what its descriptions hold."""
    fenced = WHOLE.replace("A heron.", "A heron ```.")
    composition = await compose(Scripted(fenced), REQUEST, unheard)
    assert (frogs(composition.canvas)[1], composition.canvas.repairs) == ("A heron ```.", ())


async def test_the_second_try_is_told_the_error_and_the_line():
    """What could not be read is asked for once more, with what was wrong and the very line."""
    composer, heard = Scripted(BROKEN, WHOLE), []
    composition = await compose(composer, REQUEST, heard.append)
    assert composition.canvas == POND
    _, second = composer.requests
    assert "Atlantis and Mu" in second.correction.splitlines()[0]
    assert "Did you mean" in second.correction.splitlines()[0]
    assert second.correction.endswith(f"The line reads: {NO_PLACE.strip()}")
    assert second.language == "zh"
    assert second.rejected == BROKEN
    told = "".join(event.text for event in heard if isinstance(event, ComposingText))
    assert told == f"{BROKEN}\n\n{WHOLE}"


async def test_a_line_without_end_is_told_short():
    """A line of any length is told in a length that fits into a request."""
    endless = f"canvas.add_local_description(location='{'qz ' * 9000}', description='x')"
    composer = Scripted(endless, WHOLE)
    await compose(composer, REQUEST, unheard)
    assert len(composer.requests[1].correction) < 600
    assert composer.requests[1].rejected == endless[:MAX_REJECTED_CHARS] != endless


async def test_what_can_be_read_stands():
    """When neither reply can be read whole, the calls that can be make the scene, and say what is missing."""
    composition = await compose(Scripted(BROKEN, BROKEN), CHANGE, unheard)
    assert frogs(composition.canvas) == ["A frog on a leaf."]
    (repair,) = composition.canvas.repairs
    assert (repair.found, repair.used) == (NO_PLACE.strip(), "")
    assert BROKEN.splitlines()[repair.line - 1] == NO_PLACE


@pytest.mark.parametrize(
    "second",
    [PROSE, Unavailable("openai", "overloaded"), NotUnderstood("?")],
    ids=["prose", "away", "refused"],
)
async def test_what_could_be_read_of_the_first_try_stands(second):
    """When nothing comes of the second try, what there was of the first one is taken."""
    composition = await compose(Scripted(BROKEN, second), CHANGE, unheard)
    assert frogs(composition.canvas) == ["A frog on a leaf."]


@pytest.mark.parametrize(("request_", "keeps"), [(CHANGE, True), (REQUEST, False)], ids=["change", "new"])
async def test_nothing_at_all_fails_and_says_what_stays(request_, keeps):
    """Two replies without a single call fail; the error knows whether there is a scene that stays."""
    with pytest.raises(ComposeFailed) as caught:
        await compose(Scripted(PROSE, PROSE), request_, unheard)
    assert caught.value.keeps_previous is keeps


CUTS = {
    "between two calls": CODE.index("# Add a heron"),
    "in a text": CODE.index("A heron.") + 3,
    "behind the place and the text": CODE.index("quality_meta", CODE.index("A heron.")),
}


@pytest.mark.parametrize("end", CUTS.values(), ids=CUTS)
async def test_a_reply_that_ends_too_early_keeps_its_calls(end):
    """A reply without its end is read as far as it goes, asked for no more, and said to have broken off."""
    composer = Scripted(WHOLE[: WHOLE.index(CODE) + end])
    composition = await compose(composer, REQUEST, unheard)
    assert "A frog on a leaf." in frogs(composition.canvas)
    assert composition.canvas.repairs[-1].what == BROKEN_OFF
    assert len(composer.requests) == 1


async def test_a_composer_that_fails_in_the_middle_keeps_its_calls():
    """When the backend fails behind the first call, the calls so far are the scene."""
    half = WHOLE[: WHOLE.index("A heron")]
    composition = await compose(Scripted((half, Unavailable("openai", "cut-off"))), REQUEST, unheard)
    assert frogs(composition.canvas) == ["A frog on a leaf."]
    assert composition.canvas.repairs[-1].what == BROKEN_OFF


@pytest.mark.parametrize(
    "reply",
    [Unavailable("openai", "silent"), ("Let me see …", Unavailable("openai", "cut-off"))],
    ids=["at once", "before the first call"],
)
async def test_a_composer_that_fails_before_any_call_fails_the_turn(reply):
    """Without a call there is nothing to keep: the backend's own error is told, and it is not asked again."""
    composer = Scripted(reply)
    with pytest.raises(Unavailable):
        await compose(composer, REQUEST, unheard)
    assert len(composer.requests) == 1


async def test_a_refusal_in_the_middle_is_a_refusal():
    """What the composer refuses is not composed, whatever it had written."""
    with pytest.raises(Blocked):
        await compose(Scripted((WHOLE, Blocked())), REQUEST, unheard)


async def test_a_reply_without_end_is_stopped():
    """A model that goes on and on is heard to a limit; its scene is that of the calls so far."""
    endless = WHOLE.removesuffix("```") + "# and so on\n" * MAX_REPLY_CHARS
    composition = await compose(Scripted(endless), REQUEST, unheard)
    assert composition.canvas == POND
    assert composition.canvas.repairs[-1].what == BROKEN_OFF


async def test_a_composer_that_loads_its_model_is_not_taken_for_dead(eventually):
    """Until the first piece there are signs of life, without words; behind it, silence is silence."""
    is_loaded, goes_on = asyncio.Event(), asyncio.Event()

    class Slow(Scripted):
        def __init__(self, is_loaded):
            super().__init__(WHOLE)
            self.is_loaded = is_loaded

        async def compose(self, request):
            await self.is_loaded.wait()
            async for piece in super().compose(request):
                yield piece
                await goes_on.wait()

    def begin(is_loaded, heard):
        return asyncio.create_task(compose(Slow(is_loaded), REQUEST, heard.append, sign_every_s=0.01))

    heard, clock = [], []
    composing = begin(is_loaded, heard)
    await eventually(lambda: len(heard) > 2, "there are signs of life")
    assert set(heard) == {ComposingText("")}
    is_loaded.set()
    await eventually(lambda: heard[-1] != ComposingText(""), "the first piece has come")
    begun = len(heard)
    waiting = begin(asyncio.Event(), clock)
    await eventually(lambda: len(clock) > 5, "another one has given signs")
    assert len(heard) == begun
    waiting.cancel()
    goes_on.set()
    assert (await composing).canvas == POND


# --- through the studio


async def test_the_parts_that_can_be_read_are_painted(stage):
    """Two replies with a call that nobody can read: the others are painted, and the revision tells of it."""
    lost = "canvas.add_local_description(location='Atlantis', description='a city')\n```"
    stage.composer.replies = [stage.REPLY.replace("```\nShall", f"{lost}\nShall")]
    revision = await stage.finished(stage.compose())
    assert len(stage.composer.requests) == 2
    assert revision.scene.canvas == stage.POND
    assert "Atlantis" in revision.scene.canvas.repairs[-1].found
    assert (await stage.store.revision(revision.id)).scene.canvas.repairs == revision.scene.canvas.repairs


async def test_the_previous_revision_stands(stage):
    """A change of which nothing can be read fails; the conversation goes on from the picture before."""
    before = await stage.finished(stage.compose())
    stage.composer.replies = ["no", "no", stage.DUSK_REPLY]
    last = (await stage.played(stage.compose("t2", parent_id=before.id)))[-1]
    assert isinstance(last, Failed)
    assert isinstance(last.error, ComposeFailed)
    assert last.error.keeps_previous
    assert await stage.store.head(stage.TAB) == before
    after = await stage.finished(stage.compose("t3", parent_id=before.id))
    assert after.parent_id == before.id


async def test_a_listed_word_is_refused_before_anything_is_stored(stage):
    """A request with a word of the list is refused at once; neither it nor a job of it is kept."""
    await stage.close()
    stage.safety = Safety(["bomb"])
    await stage.open()
    for order in (
        stage.compose(prompt="a bomb"),
        Adopt("t2", stage.TAB, stage.ANN, Canvas(GlobalDescription("A bomb.")), stage.SMALL),
    ):
        with pytest.raises(Blocked):
            await stage.studio.submit(order)
    assert await stage.store.history(stage.TAB) == ()
    assert await stage.studio.queue() == ()
    await stage.finished(stage.compose())


CLASSIFIED = {"unsafe": (bool, Blocked), "broken": (int, NotChecked)}  # int raises, being given words


@pytest.mark.parametrize(("classifier", "expected"), CLASSIFIED.values(), ids=CLASSIFIED)
async def test_the_worker_asks_the_classifier(stage, classifier, expected):
    """What the classifier does not let pass ends with an error, and no composer ever hears of it."""
    await stage.close()
    stage.safety = Safety(classifier=classifier)
    await stage.open()
    adopted = Adopt("t2", stage.TAB, stage.ANN, stage.POND, stage.SMALL)
    for order in (stage.compose(), adopted):
        last = (await stage.played(order))[-1]
        assert isinstance(last, Failed)
        assert isinstance(last.error, expected)
    assert stage.composer.requests == []


async def test_a_scene_file_that_passes_is_painted(stage):
    """A scene file that the classifier lets pass is painted."""
    await stage.close()
    stage.safety = Safety(["bomb"], lambda text: "bomb" in text)
    await stage.open()
    last = (await stage.played(Adopt("t1", stage.TAB, stage.ANN, stage.POND, stage.SMALL)))[-1]
    assert isinstance(last, Done)
