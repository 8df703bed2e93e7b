"""The studio when orders are impossible or come twice, when replies are broken, and when things fail."""

import asyncio
from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from canvas import Canvas, GlobalDescription
from engine import errors
from engine.error_record import from_record
from engine.events import Cancelled, ComposingText, Done, Economised, Failed
from engine.people import People
from engine.renderer import Economy
from engine.studio import Adopt, Compose, Limits, Repaint
from storage.errors import NotFound
from storage.records import ConversationKey, PersonKey, TurnStatus
from storage.scene import SceneSettings

TAB, ANN = ConversationKey("web", "tab-1"), PersonKey("web", "ann")
EMPTY = Canvas(GlobalDescription("An empty room."))


async def last_error(stage, order):
    last = (await stage.played(order))[-1]
    assert isinstance(last, Failed)
    return last.error


async def test_the_same_turn_is_done_once(stage):
    """An order submitted many times, at once and again later, is one job and one delivery; all hear it."""
    await asyncio.gather(*(stage.submit() for _ in range(6)))
    first = (await stage.heard("t1"))[-1]
    await stage.submit()
    assert (await stage.heard("t1"))[-1] == first
    assert len(stage.composer.requests) == 1
    assert len(await stage.store.history(stage.TAB)) == 1
    await stage.finished(stage.compose("t2"))
    await stage.delivered("t2")
    assert [turn.id for turn in stage.post.turns] == ["t1", "t2"]


async def test_results_outlive_the_studio(stage):
    """A new studio on the store gives the same last event for turns done, failed and cancelled before."""
    stage.composer.replies = [stage.REPLY, errors.NotUnderstood("qwx", ("frog", "heron")), stage.REPLY]
    done = (await stage.played(stage.compose("done")))[-1]
    await stage.played(stage.compose("failed"))
    stage.composer.gate = asyncio.Event()
    await stage.submit("cancelled")
    await stage.until("cancelled", ComposingText)
    await stage.studio.cancel("cancelled")
    await stage.restart()
    assert await stage.heard("done") == [done]
    assert await stage.heard("cancelled") == [Cancelled()]
    (failed,) = await stage.heard("failed")
    assert isinstance(failed.error, errors.NotUnderstood)
    assert (failed.error.text, failed.error.known) == ("qwx", ("frog", "heron"))
    await stage.submit("done")
    assert await stage.heard("done") == [done]
    assert len(stage.composer.requests) == 3


async def test_broken_code_is_asked_for_again(stage):
    """A reply without a canvas is asked for once more with what was wrong; the second one counts."""
    stage.composer.replies = ["I would rather not.", stage.REPLY]
    revision = await stage.finished(stage.compose())
    assert revision.scene.canvas == stage.POND
    first, second = stage.composer.requests
    assert first.correction == ""
    assert second.correction.startswith("line ")
    assert second.rejected == "I would rather not."
    assert replace(second, correction="", rejected="") == first


async def test_broken_code_twice_is_compose_failed(stage):
    """Two replies without a canvas fail the turn with a position; the conversation stands where it stood."""
    before = await stage.finished(stage.compose())
    stage.composer.replies = ["no", "canvas.add_local_description(location='Atlantis'"]
    error = await last_error(stage, stage.compose("t2", parent_id=before.id))
    assert isinstance(error, errors.ComposeFailed)
    assert (error.line, error.column) >= (1, 1)
    assert error.detail
    assert len(stage.composer.requests) == 3
    assert await stage.store.head(stage.TAB) == before


async def test_what_nobody_foresaw_is_internal_and_logged(stage):
    """An exception that no one planned is `Internal` to the person and stands in the log with its cause."""
    stage.composer.replies = [ZeroDivisionError("secret detail")]
    with capture_logs() as logs:
        error = await last_error(stage, stage.compose())
    assert isinstance(error, errors.Internal)
    logged = [entry["exc_info"] for entry in logs if entry["log_level"] == "error"]
    assert [str(cause) for cause in logged] == ["secret detail"]
    assert logged[0].__traceback__ is not None


async def test_a_failed_turn_is_delivered_with_its_error(stage):
    """Who delivers finds in the turn why it failed, and everybody later in the store."""
    stage.composer.replies = [errors.NotUnderstood("qwx")]
    await stage.submit()
    (turn,) = await stage.delivered("t1")
    assert turn.status is TurnStatus.FAILED
    assert isinstance(from_record(turn.error), errors.NotUnderstood)
    assert (await stage.store.turn("t1")).error == turn.error


async def test_a_renderer_that_fails_keeps_what_is_painted(stage):
    """When the second picture fails, the turn has failed; revision, first picture and remark stay."""
    stage.renderer.fails_after = 1
    with capture_logs():
        error = await last_error(stage, stage.compose(settings=replace(stage.SMALL, count=2)))
    assert isinstance(error, errors.Internal)
    head = await stage.store.head(stage.TAB)
    assert [image.index for image in head.images] == [0]
    assert (await stage.store.turn("t1")).remark.startswith("Here is a quiet pond.")


async def test_a_failed_turn_frees_its_place(stage):
    """After a renderer failed, the next turn is painted."""
    stage.renderer.fails_after = 0
    with capture_logs():
        await last_error(stage, stage.compose("t1"))
    stage.renderer.fails_after = None
    await stage.finished(stage.compose("t2"))


async def test_a_store_that_fails_is_told(stage):
    """When a picture cannot be written, the person hears of the storage, not of nothing."""
    folder = (await stage.store.image_path((await stage.finished(stage.compose())).images[0].id)).parent
    images = folder.parent
    images.rename(images.with_name("gone"))
    images.write_text("in the way")
    error = await last_error(stage, stage.compose("t2", settings=replace(stage.SMALL, seed=1)))
    assert type(error).__name__ == "StorageFailed"
    assert (stage.renderer.at_once, stage.renderer.closed) == (0, 2)


async def test_a_composer_without_an_end_is_stopped(stage):
    """Of an endless reply the complete part counts, the composer is closed, and the remark is short."""
    stage.composer.replies = [stage.REPLY + "and so on " * 10_000]
    *events, done = await stage.played(stage.compose())
    assert isinstance(done, Done)
    assert done.revision.scene.canvas == stage.POND
    assert stage.composer.closed == 1
    assert sum(len(event.text) for event in events if isinstance(event, ComposingText)) < 65_000
    assert len((await stage.store.turn("t1")).remark) <= 2_000


async def test_a_picture_that_does_not_fit_is_painted_thriftily(stage):
    """Out of memory goes up the ladder, which is heard and remembered; what was painted is not repeated."""
    stage.renderer.needs, stage.renderer.fits = Economy.ONE_BY_ONE, 1
    events = await stage.played(stage.compose(settings=replace(stage.SMALL, count=3)))
    done = events[-1]
    assert isinstance(done, Done)
    assert [image.seed for image in done.revision.images] == [7, 8, 9]
    assert stage.renderer.batches == [(7, 3, Economy.NONE), (8, 2, Economy.TILED), (9, 1, Economy.ONE_BY_ONE)]
    assert [event.economy for event in events if isinstance(event, Economised)][-1] is Economy.ONE_BY_ONE
    assert (await stage.store.turn("t1")).economy == Economy.ONE_BY_ONE


async def test_a_picture_that_never_fits_is_out_of_memory(stage):
    """At the end of the ladder the turn fails with what is the matter; the pictures that fitted stay."""
    stage.renderer.is_bottomless = True
    error = await last_error(stage, stage.compose())
    assert isinstance(error, errors.OutOfMemory)
    assert [economy for _, _, economy in stage.renderer.batches] == list(Economy)
    assert (await stage.store.turn("t1")).status is TurnStatus.FAILED


def compose(prompt: str = "a pond", parent_id: str | None = None, **settings: object) -> Compose:
    return Compose("t1", TAB, ANN, prompt, replace(SceneSettings(), **settings), parent_id)


@pytest.mark.parametrize(
    ("order", "error"),
    [
        (compose(""), errors.EmptyPrompt),
        (compose(" \n\t"), errors.EmptyPrompt),
        (compose("a" * 10_000), errors.PromptTooLong),
        (compose(width_px=0), errors.BadSetting),
        (compose(height_px=2049), errors.BadSetting),
        (compose(width_px=10**400), errors.BadSetting),
        (compose(count=0), errors.BadSetting),
        (compose(count=5), errors.BadSetting),
        (compose(steps=151), errors.BadSetting),
        (compose(guidance=-0.5), errors.BadSetting),
        (compose(guidance=float("nan")), errors.BadSetting),
        (compose(seed=-1), errors.BadSetting),
        (compose(seed=2**32), errors.BadSetting),
        (compose(composer="gpt-9"), errors.BadSetting),
        (compose(renderer="oil"), errors.BadSetting),
        (compose(composer="openai"), errors.Unavailable),
        (compose(renderer="sdxl"), errors.Unavailable),
        (compose(parent_id="nosuchrev"), NotFound),
        (Repaint("t1", TAB, ANN, "nosuchrev", SceneSettings()), NotFound),
        (Repaint("t1", TAB, ANN, "nosuchrev", SceneSettings(steps=0)), errors.BadSetting),
        (Adopt("t1", TAB, ANN, EMPTY, SceneSettings(count=0)), errors.BadSetting),
        (Adopt("t1", TAB, ANN, EMPTY, SceneSettings(), prompt="a" * 10_000), errors.PromptTooLong),
    ],
)
async def test_impossible_orders_are_refused_at_once(closed_stage, order, error):
    """An order outside of the limits raises in `submit`, and nothing of it is stored."""
    studio = closed_stage.studio_without_engine()
    with pytest.raises(error):
        await studio.submit(order)
    with pytest.raises(NotFound):
        await closed_stage.store.turn("t1")


async def test_a_bad_setting_says_what_is_allowed(closed_stage):
    """The refusal names the setting, the value and the range."""
    with pytest.raises(errors.BadSetting) as caught:
        await closed_stage.studio_without_engine().submit(compose(seed=-1))
    refusal = caught.value
    assert (refusal.name, refusal.value, refusal.allowed) == ("seed", -1, "0-4294967295")


@pytest.mark.parametrize(
    "people",
    [People(deny=frozenset({"web:ann"})), People(allow=frozenset({"web:ben"}))],
    ids=["denied", "not allowed"],
)
async def test_whom_the_operator_does_not_serve_gets_nothing(closed_stage, people):
    """Nothing of the order is stored."""
    closed_stage.people = people
    with pytest.raises(errors.NotAllowed):
        await closed_stage.studio_without_engine().submit(compose())
    with pytest.raises(NotFound):
        await closed_stage.store.turn("t1")


async def test_other_conversations_revisions_are_not_found(stage):
    """A revision of one conversation is no parent in another."""
    theirs = await stage.finished(stage.compose("t1", stage.OTHER_TAB))
    with pytest.raises(NotFound):
        await stage.submit("t2", parent_id=theirs.id)


async def test_a_quota_is_kept(closed_stage):
    """Pictures of today and those still to be painted count; more is refused with a time, and not stored."""
    closed_stage.limits = Limits(pictures_per_day=3)
    stage = await closed_stage.open()
    try:
        await stage.finished(stage.compose("t1"))
        stage.renderer.gate = asyncio.Event()
        await stage.submit("t2", settings=replace(stage.SMALL, count=2))
        with pytest.raises(errors.QuotaUsedUp) as caught:
            await stage.submit("t3")
        assert (caught.value.kind, caught.value.limit) == ("pictures-per-day", 3)
        assert 0 < caught.value.back_in_s <= 86_400
        with pytest.raises(NotFound):
            await stage.store.turn("t3")
        stage.renderer.gate.set()
        await stage.finished(stage.compose("t3", person=stage.BEN))
    finally:
        await stage.close()


async def test_seconds_of_work_count_too(closed_stage):
    """Who has used up a day's seconds of composing and painting waits for the next day."""
    closed_stage.limits = Limits(gpu_s_per_day=1)
    stage = await closed_stage.open()
    try:
        revision = await stage.finished(stage.compose("t1"))
        png = (await stage.store.image_path(revision.images[0].id)).read_bytes()
        await stage.store.add_image(
            revision.id, index=1, seed=8, png=png, width_px=256, height_px=320, paint_s=1.0
        )
        with pytest.raises(errors.QuotaUsedUp, match="gpu-s-per-day"):
            await stage.submit("t2")
    finally:
        await stage.close()
