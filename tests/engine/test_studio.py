"""The studio with composers and renderers that follow a script, on a real store."""

import asyncio
import io
from collections.abc import AsyncIterator, Iterable
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from PIL import Image
from structlog.testing import capture_logs

from canvas import Canvas, GlobalDescription, LocalDescription, write
from engine.composer import ComposeRequest, Exchange
from engine.errors import (
    BadSetting,
    Busy,
    ComposeFailed,
    EmptyPrompt,
    Internal,
    Interrupted,
    NotUnderstood,
    PromptTooLong,
    Unavailable,
)
from engine.events import (
    Cancelled,
    Composed,
    ComposingText,
    Done,
    Event,
    Failed,
    Preview,
    Queued,
    RegionFinished,
    Stepped,
)
from engine.renderer import RenderedImage, RenderEvent, RenderPreview, RenderStep
from engine.studio import Adopt, Compose, Limits, Order, Repaint, Studio
from storage.errors import NotFound
from storage.scene import Scene, SceneSettings
from storage.scene_file import read_scene
from storage.store import ConversationKey, Revision, Store, TurnStatus

TAB = ConversationKey("web", "tab-1")
OTHER_TAB = ConversationKey("web", "tab-2")
SMALL = SceneSettings(width_px=256, height_px=320, seed=7)

POND = Canvas(
    GlobalDescription("A pond in spring.", tags="pond, spring", color="lightgreen"),
    (
        LocalDescription("A frog on a leaf.", location="on the left", color="green"),
        LocalDescription("A heron — 苍鹭.", location="on the right", color="gray", distance_to_viewer=9.0),
    ),
)
DUSK = replace(POND, global_description=replace(POND.global_description, description="A pond at dusk."))
REPLY = f"Here is a quiet pond.\n```python\n{write(POND)}```\nShall I add a duck?"
DUSK_REPLY = f"```python\n{write(DUSK)}```"


def in_odd_pieces(text: str) -> Iterable[str]:
    start, size = 0, 1
    while start < len(text):
        yield text[start : start + size]
        start, size = start + size, size % 7 + 1


@dataclass
class ScriptedComposer:
    """Gives its replies one after the other; an exception among them is raised instead.

    With a gate it stops in the middle of each reply until the gate opens.
    """

    replies: list[str | Exception] = field(default_factory=lambda: [REPLY])
    gate: asyncio.Event | None = None
    requests: list[ComposeRequest] = field(default_factory=list)
    is_composing: asyncio.Event = field(default_factory=asyncio.Event)
    closed: int = 0

    async def compose(self, request: ComposeRequest) -> AsyncIterator[str]:
        self.requests.append(request)
        reply = self.replies.pop(0)
        if isinstance(reply, Exception):
            raise reply
        try:
            half = reply.index("A heron") if "A heron" in reply else len(reply) // 2
            for piece in in_odd_pieces(reply[:half]):
                yield piece
            self.is_composing.set()
            if self.gate:
                await self.gate.wait()
            for piece in in_odd_pieces(reply[half:]):
                yield piece
        finally:
            self.closed += 1


@dataclass
class ScriptedRenderer:
    """Paints plain pictures in two steps each; with a gate, the second step waits for it.

    After `fails_after` pictures it raises.
    """

    gate: asyncio.Event | None = None
    fails_after: int | None = None
    painting: set[str] = field(default_factory=set)
    most_at_once: int = 0
    has_begun: asyncio.Event = field(default_factory=asyncio.Event)
    closed: int = 0

    async def render(self, canvas: Canvas, settings: SceneSettings) -> AsyncIterator[RenderEvent]:
        me = f"{id(canvas)} {settings}"
        self.painting.add(me)
        self.most_at_once = max(self.most_at_once, len(self.painting))
        try:
            for index in range(settings.count):
                if index == self.fails_after:
                    raise RuntimeError("out of paint")
                yield RenderStep(1, 2)
                yield RenderPreview(Image.new("RGB", (8, 8), "red"))
                self.has_begun.set()
                if self.gate:
                    await self.gate.wait()
                yield RenderStep(2, 2)
                size_px = (settings.width_px, settings.height_px)
                yield RenderedImage(index, settings.seed + index, Image.new("RGB", size_px, "teal"))
        finally:
            self.painting.discard(me)
            self.closed += 1


@pytest.fixture
def composer() -> ScriptedComposer:
    return ScriptedComposer()


@pytest.fixture
def renderer() -> ScriptedRenderer:
    return ScriptedRenderer()


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    opened = await Store.open(tmp_path / "data")
    yield opened
    await opened.close()


@pytest.fixture
async def studio(
    store: Store, composer: ScriptedComposer, renderer: ScriptedRenderer
) -> AsyncIterator[Studio]:
    async with a_studio(store, composer, renderer) as opened:
        yield opened


def a_studio(
    store: Store, composer: ScriptedComposer, renderer: ScriptedRenderer, limits: Limits | None = None
) -> Studio:
    return Studio(
        store,
        limits=limits or Limits(),
        composers={"embedded": composer},
        renderers={"storyboard": renderer},
    )


def pond(turn_id: str = "t1", conversation: ConversationKey = TAB, **changed: object) -> Compose:
    return replace(Compose(turn_id, conversation, "a pond", SMALL), **changed)


async def heard(studio: Studio, turn_id: str) -> list[Event]:
    async with asyncio.timeout(20):
        return [event async for event in studio.events(turn_id)]


async def finished(studio: Studio, order: Order) -> Revision:
    *_, last = await heard(studio, await studio.submit(order))
    assert isinstance(last, Done), last
    return last.revision


async def until(studio: Studio, turn_id: str, kind: type[Event]) -> Event:
    async with asyncio.timeout(20), aclosing(studio.events(turn_id)) as events:
        async for event in events:
            if isinstance(event, kind):
                return event
    raise AssertionError(f"{turn_id} ended without {kind.__name__}")


def of(kind: type, events: list[Event]) -> list:
    return [event for event in events if isinstance(event, kind)]


# ---- the way of a request ----


async def test_a_prompt_becomes_a_picture(studio: Studio, store: Store):
    """Text streams, regions grow, the revision is stored, steps are heard, the picture is there."""
    events = await heard(studio, await studio.submit(pond(settings=replace(SMALL, count=2))))
    assert "".join(event.text for event in of(ComposingText, events)) == REPLY
    scenes = [event.canvas for event in of(RegionFinished, events)]
    assert [len(scene.local_descriptions) for scene in scenes] == [0, 1, 2]
    assert scenes[-1] == POND
    (composed,) = of(Composed, events)
    assert (composed.revision.scene.canvas, composed.changes, composed.revision.images) == (POND, (), ())
    assert events.index(composed) > events.index(of(RegionFinished, events)[-1])
    assert events.index(composed) < events.index(of(Stepped, events)[0])
    done = events[-1]
    assert isinstance(done, Done)
    assert [(image.index, image.seed) for image in done.revision.images] == [(0, 7), (1, 8)]
    assert (done.turn.status, done.turn.prompt) == (TurnStatus.DONE, "a pond")
    assert done.turn.remark.split() == [
        "Here",
        "is",
        "a",
        "quiet",
        "pond.",
        "Shall",
        "I",
        "add",
        "a",
        "duck?",
    ]
    assert await store.head(TAB) == done.revision


async def test_each_picture_carries_its_own_scene(studio: Studio, store: Store):
    """The file of the second picture of a batch holds the canvas, the second seed and a count of one."""
    revision = await finished(studio, pond(settings=replace(SMALL, count=2)))
    data = (await store.image_path(revision.images[1].id)).read_bytes()
    assert read_scene(data) == Scene(POND, replace(SMALL, seed=8))
    with Image.open(io.BytesIO(data)) as picture:
        assert picture.size == (revision.images[1].width_px, revision.images[1].height_px) == (256, 320)


async def test_the_steps_say_which_picture(store: Store, composer: ScriptedComposer):
    """The steps of the second picture of a batch carry its index."""
    gate = asyncio.Event()
    renderer = ScriptedRenderer(gate)
    async with a_studio(store, composer, renderer) as studio:
        await studio.submit(pond(settings=replace(SMALL, count=2)))
        assert await until(studio, "t1", Stepped) == Stepped(1, 2, 0)
        async with aclosing(studio.events("t1")) as events:
            gate.set()
            steps = [event async for event in events if isinstance(event, Stepped)]
        assert steps[-1].index == 1


async def test_a_change_starts_from_its_parent(studio: Studio, composer: ScriptedComposer):
    """The composer is given the scene, the exchanges before and the language; the changes are told."""
    first = await finished(studio, pond())
    composer.replies = [DUSK_REPLY]
    order = Compose("t2", TAB, " make it dusk ", replace(SMALL, seed=99), first.id, "zh")
    done = (await heard(studio, await studio.submit(order)))[-1]
    assert isinstance(done, Done)
    assert composer.requests[-1] == ComposeRequest(
        "make it dusk", POND, (Exchange("a pond", write(POND)),), language="zh", seed=99
    )
    assert done.revision.parent_id == first.id
    assert [change.kind for change in done.changes] == ["global"]


async def test_changes_by_hand_are_part_of_the_last_answer(studio: Studio, composer: ScriptedComposer):
    """What was changed without words stands in the history as if the composer had written it."""
    first = await finished(studio, pond())
    second = await finished(studio, Adopt("t2", TAB, DUSK, SMALL, first.id))
    third = await finished(studio, Repaint("t3", TAB, second.id, replace(SMALL, seed=8)))
    composer.replies = [REPLY]
    await finished(studio, pond("t4", parent_id=third.id))
    assert composer.requests[-1].history == (Exchange("a pond", write(DUSK)),)
    assert composer.requests[-1].canvas == DUSK


async def test_painting_again_makes_a_child(studio: Studio, store: Store, composer: ScriptedComposer):
    """A repaint has the same canvas, its own settings, no changes, and asks no composer."""
    first = await finished(studio, pond())
    settings = replace(SMALL, seed=1234, width_px=512)
    done = (await heard(studio, await studio.submit(Repaint("t2", TAB, first.id, settings))))[-1]
    assert isinstance(done, Done)
    assert (done.revision.parent_id, done.changes) == (first.id, ())
    assert done.revision.scene == Scene(POND, settings)
    assert [image.seed for image in done.revision.images] == [1234]
    assert len(composer.requests) == 1
    assert await store.head(TAB) == done.revision


async def test_a_canvas_made_by_hand_is_adopted(studio: Studio, composer: ScriptedComposer):
    """An uploaded scene is a root; a form's is a child whose changes are told. No composer is asked."""
    root = await finished(studio, Adopt("t1", TAB, POND, SMALL, prompt="from a file"))
    assert (root.parent_id, root.prompt, root.scene.canvas) == (None, "from a file", POND)
    events = await heard(studio, await studio.submit(Adopt("t2", TAB, DUSK, SMALL, root.id)))
    assert [change.kind for change in of(Composed, events)[0].changes] == ["global"]
    assert composer.requests == []


async def test_undo_goes_to_the_parent_and_branches_stay(
    studio: Studio, store: Store, composer: ScriptedComposer
):
    """Undo moves the head to the parent; a branch from there leaves the undone revision in the history."""
    composer.replies = [REPLY, DUSK_REPLY, DUSK_REPLY]
    root = await finished(studio, pond("t1"))
    undone = await finished(studio, pond("t2", parent_id=root.id))
    assert await studio.undo(TAB) == root == await store.head(TAB)
    branch = await finished(studio, pond("t3", parent_id=root.id))
    assert await store.head(TAB) == branch
    assert await store.history(TAB) == (root, undone, branch)


async def test_undo_stops_at_the_root(studio: Studio, store: Store):
    """Without a parent there is nothing to undo, and the head stays."""
    assert await studio.undo(TAB) is None
    root = await finished(studio, pond())
    assert await studio.undo(TAB) is None
    assert await store.head(TAB) == root


# ---- listening ----


async def test_a_late_listener_hears_it_from_the_beginning(
    store: Store, renderer: ScriptedRenderer, composer: ScriptedComposer
):
    """Who comes in the middle hears text and regions from the first one, in order, and then goes on live."""
    composer.gate = asyncio.Event()
    async with a_studio(store, composer, renderer) as studio:
        await studio.submit(pond())
        early = asyncio.create_task(heard(studio, "t1"))
        await composer.is_composing.wait()
        late = asyncio.create_task(heard(studio, "t1"))
        await until(studio, "t1", ComposingText)
        composer.gate.set()
        for events in (await early, await late, await heard(studio, "t1")):
            assert "".join(event.text for event in of(ComposingText, events)) == REPLY
            assert [len(e.canvas.local_descriptions) for e in of(RegionFinished, events)] == [0, 1, 2]
            assert len(of(Composed, events)) == 1
            assert isinstance(events[-1], Done)


async def test_a_slow_listener_holds_nobody_up(studio: Studio):
    """The turn ends while one listener has read a single event, and that one still hears all text."""
    await studio.submit(pond())
    async with aclosing(studio.events("t1")) as slow:
        first = await anext(slow)
        assert isinstance((await heard(studio, "t1"))[-1], Done)
        rest = [event async for event in slow]
    assert "".join(event.text for event in of(ComposingText, [first, *rest])) == REPLY
    assert isinstance(rest[-1], Done)


async def test_who_stops_listening_stops_nothing(studio: Studio, composer: ScriptedComposer):
    """A turn whose only listener has left goes on to its end."""
    composer.gate = asyncio.Event()
    await studio.submit(pond())
    async with aclosing(studio.events("t1")) as events:
        await anext(events)
    composer.gate.set()
    assert isinstance((await heard(studio, "t1"))[-1], Done)


async def test_a_turn_that_is_unknown_is_not_found(studio: Studio):
    """Listening to a turn that nobody submitted raises; cancelling it does nothing."""
    with pytest.raises(NotFound):
        await heard(studio, "nobody's")
    assert not await studio.cancel("nobody's")


async def test_the_scene_is_seen_while_it_is_composed(studio: Studio, composer: ScriptedComposer):
    """A small storyboard in the picture's proportions appears before the composer has ended."""
    composer.gate = asyncio.Event()
    await studio.submit(pond(settings=replace(SMALL, width_px=1024, height_px=768)))
    preview = await until(studio, "t1", Preview)
    assert isinstance(preview, Preview)
    width_px, height_px = preview.image.size
    assert max(width_px, height_px) < 768
    assert abs(width_px / height_px - 4 / 3) < 0.02
    composer.gate.set()
    assert isinstance((await heard(studio, "t1"))[-1], Done)


# ---- once, whatever is delivered twice, and after a restart ----


async def test_the_same_turn_is_done_once(studio: Studio, store: Store, composer: ScriptedComposer):
    """An order submitted many times, at once and again later, is composed once; all hear its result."""
    await asyncio.gather(*(studio.submit(pond()) for _ in range(6)))
    first = (await heard(studio, "t1"))[-1]
    await studio.submit(pond())
    assert (await heard(studio, "t1"))[-1] == first
    assert len(composer.requests) == 1
    assert len(await store.history(TAB)) == 1


async def test_results_outlive_the_studio(
    store: Store, composer: ScriptedComposer, renderer: ScriptedRenderer
):
    """A new studio on the store gives the same last event for turns done, failed and cancelled before."""
    composer.replies = [REPLY, NotUnderstood("qwx", ("frog", "heron")), REPLY]
    before: list[Event] = []
    async with a_studio(store, composer, renderer) as studio:
        for turn_id in ("done", "failed"):
            before.append((await heard(studio, await studio.submit(pond(turn_id))))[-1])
        composer.gate = asyncio.Event()
        await studio.submit(pond("cancelled"))
        await until(studio, "cancelled", ComposingText)
        await studio.cancel("cancelled")
        before.append((await heard(studio, "cancelled"))[-1])
    async with a_studio(store, composer, renderer) as studio:
        done, failed, cancelled = [
            await heard(studio, turn_id) for turn_id in ("done", "failed", "cancelled")
        ]
        assert [done, cancelled] == [[before[0]], [Cancelled()]]
        assert isinstance(failed[0], Failed)
        assert isinstance(failed[0].error, NotUnderstood)
        assert (failed[0].error.text, failed[0].error.known) == ("qwx", ("frog", "heron"))
        await studio.submit(pond("done"))
        assert len(composer.requests) == 3


async def test_a_turn_cut_off_by_a_crash_has_failed(
    store: Store, composer: ScriptedComposer, renderer: ScriptedRenderer
):
    """What the store holds as running when a studio starts is `Interrupted`, and its conversation is free."""
    await store.begin_turn("t1", TAB, "a pond", None)
    async with a_studio(store, composer, renderer) as studio:
        (failed,) = await heard(studio, "t1")
        assert isinstance(failed, Failed)
        assert isinstance(failed.error, Interrupted)
        assert (await store.turn("t1")).status is TurnStatus.FAILED
        await finished(studio, pond("t2"))


# ---- what goes wrong ----


async def test_broken_code_is_asked_for_again(studio: Studio, composer: ScriptedComposer):
    """A reply without a canvas is asked for once more with what was wrong; the second one counts."""
    composer.replies = ["I would rather not.", REPLY]
    revision = await finished(studio, pond())
    assert revision.scene.canvas == POND
    first, second = composer.requests
    assert first.correction == ""
    assert second.correction.startswith("line ")
    assert replace(second, correction="") == first


async def test_broken_code_twice_is_compose_failed(studio: Studio, store: Store, composer: ScriptedComposer):
    """Two replies without a canvas fail the turn with a position, and the conversation stands where it stood."""
    before = await finished(studio, pond())
    composer.replies = ["no", "canvas.add_local_description(location='Atlantis'"]
    failed = (await heard(studio, await studio.submit(pond("t2", parent_id=before.id))))[-1]
    assert isinstance(failed, Failed)
    assert isinstance(failed.error, ComposeFailed)
    assert (failed.error.line, failed.error.column) >= (1, 1)
    assert failed.error.detail
    assert await store.head(TAB) == before


async def test_what_nobody_foresaw_is_internal_and_logged(studio: Studio, composer: ScriptedComposer):
    """An exception that no one planned is `Internal` to the person and stands in the log with its cause."""
    composer.replies = [ZeroDivisionError("secret detail")]
    with capture_logs() as logs:
        failed = (await heard(studio, await studio.submit(pond())))[-1]
    assert isinstance(failed, Failed)
    assert isinstance(failed.error, Internal)
    assert [str(entry["exc_info"]) for entry in logs if entry["log_level"] == "error"] == ["secret detail"]


async def test_a_renderer_that_fails_keeps_what_is_painted(store: Store, composer: ScriptedComposer):
    """When the second picture fails, the turn has failed; revision, first picture and remark stay."""
    with capture_logs():
        async with a_studio(store, composer, ScriptedRenderer(fails_after=1)) as studio:
            events = await heard(studio, await studio.submit(pond(settings=replace(SMALL, count=2))))
    assert isinstance(events[-1], Failed)
    head = await store.head(TAB)
    assert head is not None
    assert [image.index for image in head.images] == [0]
    assert (await store.turn("t1")).remark.startswith("Here is a quiet pond.")


async def test_a_failed_turn_frees_its_place(store: Store, composer: ScriptedComposer):
    """After a renderer failed, the next turn is painted."""
    composer.replies = [REPLY, REPLY]
    renderer = ScriptedRenderer(fails_after=0)
    with capture_logs():
        async with a_studio(store, composer, renderer) as studio:
            await heard(studio, await studio.submit(pond("t1")))
            renderer.fails_after = None
            await finished(studio, pond("t2"))


# ---- refusals ----


@pytest.mark.parametrize(
    ("order", "error"),
    [
        (pond(prompt=""), EmptyPrompt),
        (pond(prompt=" \n\t"), EmptyPrompt),
        (pond(prompt="a" * 10_000), PromptTooLong),
        *(
            (pond(settings=replace(SMALL, **{name: value})), BadSetting)
            for name, value in [
                ("width_px", 0),
                ("height_px", 2049),
                ("count", 0),
                ("count", 5),
                ("steps", 151),
                ("guidance", -0.5),
                ("guidance", float("nan")),
                ("seed", -1),
                ("seed", 2**32),
                ("composer", "gpt-9"),
                ("renderer", "oil"),
            ]
        ),
        (pond(settings=replace(SMALL, composer="openai")), Unavailable),
        (pond(settings=replace(SMALL, renderer="sdxl")), Unavailable),
        (pond(parent_id="nosuchrev"), NotFound),
        (Repaint("t1", TAB, "nosuchrev", SMALL), NotFound),
        (Repaint("t1", TAB, "nosuchrev", replace(SMALL, steps=0)), BadSetting),
        (Adopt("t1", TAB, POND, replace(SMALL, width_px=10**400)), BadSetting),
        (Adopt("t1", TAB, POND, SMALL, prompt="a" * 10_000), PromptTooLong),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else "",
)
async def test_impossible_orders_are_refused_at_once(
    studio: Studio, store: Store, order: Order, error: type[Exception]
):
    """An order outside of the limits raises in `submit`, and nothing of it is stored."""
    with pytest.raises(error):
        await studio.submit(order)
    with pytest.raises(NotFound):
        await store.turn("t1")


async def test_a_bad_setting_says_what_is_allowed(studio: Studio):
    """The refusal names the setting, the value and the range."""
    with pytest.raises(BadSetting) as caught:
        await studio.submit(pond(settings=replace(SMALL, seed=-1)))
    refusal = caught.value
    assert (refusal.name, refusal.value, refusal.allowed) == ("seed", -1, "0-4294967295")


async def test_other_conversations_revisions_are_not_found(studio: Studio):
    """A revision of one conversation is no parent in another."""
    theirs = await finished(studio, pond("t1", OTHER_TAB))
    with pytest.raises(NotFound):
        await studio.submit(pond("t2", TAB, parent_id=theirs.id))


async def test_a_conversation_works_on_one_thing_at_a_time(
    studio: Studio, store: Store, composer: ScriptedComposer
):
    """A second order is `Busy` while the first one runs, unless it is the same one; then there is room."""
    composer.gate = asyncio.Event()
    composer.replies = [REPLY, REPLY]
    await studio.submit(pond("t1"))
    with pytest.raises(Busy):
        await studio.submit(pond("t2"))
    with pytest.raises(NotFound):
        await store.turn("t2")
    assert await studio.submit(pond("t1")) == "t1"
    composer.gate.set()
    await heard(studio, "t1")
    await finished(studio, pond("t2"))


# ---- many at once ----


async def test_conversations_do_not_wait_for_each_other(store: Store):
    """With two places at the renderer, two conversations are composed and painted at the same time."""
    gate = asyncio.Event()
    composer, renderer = ScriptedComposer([REPLY, REPLY]), ScriptedRenderer(gate)
    async with a_studio(store, composer, renderer, Limits(renders_at_once=2)) as studio:
        for turn_id, conversation in (("t1", TAB), ("t2", OTHER_TAB)):
            await studio.submit(pond(turn_id, conversation))
        for turn_id in ("t1", "t2"):
            await until(studio, turn_id, Stepped)
        assert renderer.most_at_once == 2
        gate.set()
        first, second = [(await heard(studio, turn_id))[-1] for turn_id in ("t1", "t2")]
    assert isinstance(first, Done)
    assert isinstance(second, Done)
    assert (await store.head(TAB), await store.head(OTHER_TAB)) == (first.revision, second.revision)


async def queue_of_three(store: Store, studio: Studio) -> list[ConversationKey]:
    """One turn that is painted and two that wait, in this order."""
    tabs = [ConversationKey("web", f"tab-{n}") for n in range(3)]
    await studio.submit(pond("t0", tabs[0]))
    await until(studio, "t0", Stepped)
    for n in (1, 2):
        await studio.submit(pond(f"t{n}", tabs[n]))
        assert await until(studio, f"t{n}", Queued) == Queued(n)
    return tabs


async def test_the_queue_is_first_come_first_served(store: Store):
    """Who waits hears the place whenever it changes, down to 1, and one at a time is painted in order."""
    gate = asyncio.Event()
    renderer = ScriptedRenderer(gate)
    async with a_studio(store, ScriptedComposer([REPLY] * 3), renderer) as studio:
        await queue_of_three(store, studio)
        third = asyncio.create_task(heard(studio, "t2"))
        gate.set()
        first = await heard(studio, "t0")
        assert of(Queued, first) == []
        assert isinstance((await third)[-1], Done)
        assert (await store.turn("t1")).status is TurnStatus.DONE
        assert Queued(1) in of(Queued, await third)
    assert renderer.most_at_once == 1


async def test_leaving_the_queue_moves_the_others_up(store: Store):
    """Cancelled while queued: the revision stays, and who stood behind is next."""
    gate = asyncio.Event()
    renderer = ScriptedRenderer(gate)
    async with a_studio(store, ScriptedComposer([REPLY] * 3), renderer) as studio:
        tabs = await queue_of_three(store, studio)
        assert await studio.cancel("t1")
        assert await until(studio, "t2", Queued) == Queued(1)
        assert isinstance((await heard(studio, "t1"))[-1], Cancelled)
        head = await store.head(tabs[1])
        assert head is not None
        assert (head.scene.canvas, head.images) == (POND, ())
        gate.set()
        assert isinstance((await heard(studio, "t2"))[-1], Done)


# ---- calling off ----


async def test_cancelled_while_composing(studio: Studio, store: Store, composer: ScriptedComposer):
    """The composer is stopped, the turn is cancelled, and there is no revision."""
    composer.gate = asyncio.Event()
    await studio.submit(pond())
    await composer.is_composing.wait()
    assert await studio.cancel("t1")
    assert composer.closed == 1
    assert isinstance((await heard(studio, "t1"))[-1], Cancelled)
    assert (await store.turn("t1")).status is TurnStatus.CANCELLED
    assert await store.head(TAB) is None
    assert not await studio.cancel("t1")


async def test_cancelled_while_painting(store: Store, composer: ScriptedComposer):
    """The renderer is stopped and its place is free; the composed revision stays, with the remark."""
    composer.replies = [REPLY, REPLY]
    renderer = ScriptedRenderer(asyncio.Event())
    async with a_studio(store, composer, renderer) as studio:
        await studio.submit(pond())
        await renderer.has_begun.wait()
        assert await studio.cancel("t1")
        assert renderer.closed == 1
        turn, head = await store.turn("t1"), await store.head(TAB)
        assert (turn.status, turn.remark[:4]) == (TurnStatus.CANCELLED, "Here")
        assert head is not None
        assert head.turn_id == "t1"
        renderer.gate = None
        await finished(studio, pond("t2"))


async def test_cancelled_before_it_began(studio: Studio, store: Store, composer: ScriptedComposer):
    """An order that is called off in the same breath ends as cancelled and composes nothing."""
    await studio.submit(pond())
    assert await studio.cancel("t1")
    assert await heard(studio, "t1") == [Cancelled()]
    assert (await store.turn("t1")).status is TurnStatus.CANCELLED
    assert composer.requests == []


async def test_cancelling_at_any_moment_leaves_a_clear_end(store: Store, renderer: ScriptedRenderer):
    """Wherever the cancel arrives, the store and the listeners agree on how the turn ended."""
    async with a_studio(store, ScriptedComposer([REPLY] * 30), renderer) as studio:
        for turns_of_the_loop in range(30):
            turn_id = f"t{turns_of_the_loop}"
            await studio.submit(pond(turn_id))
            for _ in range(turns_of_the_loop * 4):
                await asyncio.sleep(0)
            was_cancelled, again = await asyncio.gather(studio.cancel(turn_id), studio.cancel(turn_id))
            assert was_cancelled == again
            last, status = (await heard(studio, turn_id))[-1], (await store.turn(turn_id)).status
            assert isinstance(last, Cancelled if was_cancelled else Done)
            assert status == (TurnStatus.CANCELLED if was_cancelled else TurnStatus.DONE)


async def test_closing_cancels_what_runs(store: Store, composer: ScriptedComposer):
    """A studio that is closed stops composing, painting and queued turns, and takes no more orders."""
    renderer = ScriptedRenderer(asyncio.Event())
    composer.replies = [REPLY, REPLY, REPLY]
    async with a_studio(store, composer, renderer) as studio:
        await studio.submit(pond("painting", ConversationKey("web", "a")))
        await renderer.has_begun.wait()
        await studio.submit(pond("queued", ConversationKey("web", "b")))
        await until(studio, "queued", Queued)
        composer.gate = asyncio.Event()
        composer.is_composing.clear()
        await studio.submit(pond("composing", ConversationKey("web", "c")))
        await composer.is_composing.wait()
    for turn_id in ("painting", "queued", "composing"):
        assert (await store.turn(turn_id)).status is TurnStatus.CANCELLED
        assert isinstance((await heard(studio, turn_id))[-1], Cancelled)
    assert (composer.closed, renderer.closed) == (3, 1)
    with pytest.raises(Interrupted):
        await studio.submit(pond("too late"))
