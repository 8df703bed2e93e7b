"""The storyboard shows a canvas's things in their regions and colours, at any size, and never fails."""

import asyncio
import colorsys
import itertools

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from canvas.layout import regions
from canvas.model import Canvas, GlobalDescription, LocalDescription
from canvas.names import AREAS, COLORS, LOCATIONS, OFFSETS
from engine.renderer import RenderedImage, RenderPreview, RenderStep
from engine.renderer.storyboard import StoryboardRenderer, paint, plan
from engine.renderer.storyboard.lettering import legible, width_px
from engine.renderer.storyboard.lexicon import find
from engine.renderer.storyboard.plan import Figure, Sign
from engine.renderer.storyboard.reading import phrases, quoted_words
from engine.renderer.storyboard.subjects import subjects
from storage.scene import MAX_SEED, SceneSettings

SIZE = (448, 576)


def local(description: str, location: str, area: str, **more) -> LocalDescription:
    return LocalDescription(description, f"on the {location}", area=f"a {area} area", **more)


PARTY = Canvas(
    GlobalDescription(
        "A cheerful Children's Day party.", (), "party, balloons, confetti", "lightgoldenrodyellow"
    ),
    (
        LocalDescription(
            "A group of laughing children playing a game.", distance_to_viewer=2, color="lightyellow"
        ),
        local(
            "A clown juggling for the kids.",
            "left",
            "medium-sized vertical",
            distance_to_viewer=3,
            color="tomato",
        ),
        local(
            "A table laden with cakes and candies.",
            "right",
            "medium-sized vertical",
            distance_to_viewer=3,
            tags="table, birthday cake, candies, apples",
            color="lightcoral",
        ),
        local('A wide banner that reads "Happy Children\'s Day".', "top", "large horizontal", color="gold"),
        local(
            "Parents watching with a smile.",
            "bottom",
            "large horizontal",
            distance_to_viewer=4,
            color="lightpink",
        ),
    ),
)

CORNERS = Canvas(
    GlobalDescription("Four things.", color="white"),
    tuple(
        local(f"A {thing}.", place, "small square", color=color)
        for thing, place, color in (
            ("cat", "top-left", "crimson"), ("house", "top-right", "seagreen"),
            ("robot", "bottom-left", "royalblue"), ("tree", "bottom-right", "darkorange"),
        )
    ),
)  # fmt: skip


def overlap(first, second) -> bool:
    return first[0] < second[2] and second[0] < first[2] and first[1] < second[3] and second[1] < first[3]


def region_box(canvas: Canvas, index: int, width_px: int, height_px: int):
    region = next(region for region in regions(canvas) if region.index == index)
    top, bottom, left, right = region.rect
    return left * width_px / 90, top * height_px / 90, right * width_px / 90, bottom * height_px / 90


def hero_of(made, index: int) -> Figure:
    return next(figure for figure in made.heroes if figure.region == index)


def hue_apart(first, second) -> float:
    hues = [colorsys.rgb_to_hsv(*(value / 255 for value in color))[0] for color in (first, second)]
    return abs((hues[0] - hues[1] + 0.5) % 1 - 0.5)


@pytest.mark.parametrize(
    ("description", "kind", "name"),
    [
        ("A group of happy children playing together.", "person", "child"),
        ("A clown entertaining the children.", "person", "clown"),
        ("A table filled with treats and toys.", "prop", "table"),
        ("Parents and caregivers smiling.", "person", "parent"),
        ("A stormy sky with flashes of lightning.", "scenery", "sky"),
        ("A debris-covered battlefield.", "scenery", "grass"),
        ("Two children building a sandcastle.", "person", "child"),
        ("A mighty dragon.", "icon", "dragon"),
        ("A brave knight on a white horse.", "person", "knight"),
        ("Portrait of an old woman with a red hat.", "person", "grandmother"),
        ("Three black cats sleeping on a sofa.", "icon", "cat"),
        ("A sailing boat near the shore.", "icon", "sailboat"),
        ("一条金色的龙", "icon", "dragon"),
    ],
)
def test_subject_is_the_head_noun(description: str, kind: str, name: str) -> None:
    """The subject of a description is its head noun, never a verb, an adjective or something beside it."""
    canvas = Canvas(GlobalDescription(""), (LocalDescription(description),))
    thing = subjects(canvas)[0].thing
    assert thing is not None
    assert (thing.kind, thing.name) == (kind, name)


def test_verbs_and_adjectives_name_nothing() -> None:
    """Words that only describe match no picture."""
    for words in ("bright", "playing together", "filled with", "happily", "glistening"):
        assert not [thing for phrase in phrases(words) if (thing := find(phrase))], words


def test_counts_and_colors_are_read() -> None:
    """A number and a colour before a noun belong to it."""
    cats, sofa = (phrase for phrase in phrases("three black cats on a red sofa"))
    assert (cats.count, cats.color, cats.words[-1]) == (3, "black", "cat")
    assert (sofa.count, sofa.color) == (1, "red")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("A banner that reads 'Happy Children's Day'.", "Happy Children's Day"),
        ('A sign saying "Open".', "Open"),
        ("写着“新年快乐”的横幅", "新年快乐"),
        ("A banner with ribbons.", None),
    ],
)
def test_quoted_words_are_found(text: str, words: str | None) -> None:
    """What a banner reads is taken whole, apostrophes included."""
    assert quoted_words(text) == words


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_heroes_stand_in_their_regions(seed: int) -> None:
    """Each subject's box lies inside of its region and above the caption."""
    width_px, height_px = SIZE
    made = plan(PARTY, width_px, height_px, seed)
    assert len(made.heroes) == 5
    for figure in made.heroes:
        left, top, right, bottom = region_box(PARTY, figure.region, width_px, height_px)
        assert left - 2 <= figure.box[0] < figure.box[2] <= right + 2
        assert top - 2 <= figure.box[1] < figure.box[3] <= bottom + 2
        assert figure.box[3] <= made.caption.box[1]


def test_party_stands_where_the_script_says() -> None:
    """Clown left of the children, table right of them, banner above, parents below, none tiny."""
    made = plan(PARTY, *SIZE, 1)
    children, clown, table, banner, parents = (hero_of(made, index).box for index in range(5))
    assert clown[2] <= children[0] + 8
    assert children[2] <= table[0] + 8
    assert banner[3] <= children[1]
    assert parents[1] >= children[3] - 8
    for left, top, right, bottom in (children, clown, table, banner, parents):
        assert (right - left) * (bottom - top) > 0.025 * SIZE[0] * SIZE[1]


def test_banner_carries_its_words() -> None:
    """The banner's words are planned whole, inside of the banner, in letters that can be read."""
    made = plan(PARTY, 896, 1152, 1)
    sign = next(layer for layer in made.layers if isinstance(layer, Sign))
    banner = hero_of(made, 3).box
    assert " ".join(sign.lines) == "Happy Children's Day"
    assert sign.size_px >= 24
    assert banner[0] <= sign.box[0] < sign.box[2] <= banner[2]
    assert max(width_px(line, sign.size_px, "display") for line in sign.lines) <= sign.box[2] - sign.box[0]


def test_banner_has_ink() -> None:
    """Where the banner's words are planned there are dark letters on a pale cloth."""
    made = plan(PARTY, 896, 1152, 1)
    sign = next(layer for layer in made.layers if isinstance(layer, Sign))
    pixels = np.asarray(paint(PARTY, 896, 1152, 1).crop(sign.box).convert("L"), dtype=float)
    assert 0.03 < np.mean(pixels < 100) < 0.6


@pytest.mark.parametrize(("width_px", "height_px"), [(896, 1152), (448, 576), (1024, 512), (256, 256)])
def test_labels_cover_nothing(width_px: int, height_px: int) -> None:
    """No label covers another label, a banner, or more than the feet of a figure."""
    made = plan(PARTY, width_px, height_px, 5)
    for first, second in itertools.combinations(made.labels, 2):
        assert not overlap(first.box, second.box)
    for label in made.labels:
        for figure in made.heroes:
            left, top, right, bottom = figure.box
            assert not overlap(label.box, (left, top, right, bottom - round(0.11 * (bottom - top)) - 1))


def test_every_large_scene_has_its_labels() -> None:
    """At the usual size every subject but the banner is named."""
    named = {label.region for label in plan(PARTY, 896, 1152, 1).labels}
    assert named == {0, 1, 2, 4}


@pytest.mark.parametrize("index", range(4))
def test_region_shows_its_color(index: int) -> None:
    """The ground around a subject has about the hue that its region asks for."""
    made = plan(CORNERS, *SIZE, 3)
    left, _, right, bottom = hero_of(made, index).box
    pixels = np.asarray(paint(CORNERS, *SIZE, 3))
    asked = COLORS[CORNERS.local_descriptions[index].color]
    # under the feet, between the shadow and the rim of the patch of ground
    strip = pixels[bottom + 1 : bottom + 4, left : left + max(4, (right - left) // 3)].reshape(-1, 3)
    assert hue_apart(strip.mean(axis=0), asked) < 0.09


def test_a_color_word_tints_the_thing() -> None:
    """A red dragon is red and a blue one blue."""
    for color, channel in (("red", 0), ("blue", 2)):
        canvas = Canvas(GlobalDescription(""), (LocalDescription(f"A {color} dragon.", color="white"),))
        left, top, right, bottom = hero_of(plan(canvas, 256, 256, 1), 0).box
        pixels = np.asarray(paint(canvas, 256, 256, 1).crop((left, top, right, bottom)), dtype=float)
        vivid = pixels[(pixels.max(axis=2) - pixels.min(axis=2)) > 90]
        assert np.mean(vivid.argmax(axis=1) == channel) > 0.5


def test_same_seed_same_pixels() -> None:
    """Painting is deterministic for a seed."""
    first, second = (np.asarray(paint(PARTY, *SIZE, 9)) for _ in range(2))
    assert np.array_equal(first, second)


def test_new_seed_new_arrangement() -> None:
    """Another seed changes a good part of the picture, and the subjects stay in their regions."""
    first, second = (np.asarray(paint(PARTY, *SIZE, seed), dtype=int) for seed in (1, 2))
    assert np.mean(np.abs(first - second).max(axis=2) > 24) > 0.08
    drawings = [[figure.drawing.body for figure in plan(PARTY, *SIZE, seed).heroes] for seed in (1, 2)]
    assert sum(one != other for one, other in zip(*drawings, strict=True)) >= 3


@pytest.mark.parametrize("size", [(256, 256), (2048, 256), (256, 2048), (1152, 896), (300, 777)])
def test_any_size(size: tuple[int, int]) -> None:
    """The picture has the size that was asked for, RGB, with ink in it."""
    image = paint(PARTY, *size, 4)
    assert image.size == size
    assert image.mode == "RGB"
    assert np.asarray(image).std() > 10


def test_caption_says_storyboard() -> None:
    """The caption names the picture a storyboard and what it is of."""
    made = plan(PARTY, 896, 1152, 1)
    assert made.caption.text == "Storyboard · A cheerful Children's Day party."
    strip = np.asarray(paint(PARTY, 896, 1152, 1).crop(made.caption.box).convert("L"))
    assert np.mean(strip > 200) > 0.01


def test_long_caption_is_cut() -> None:
    """A caption too long for the picture ends in an ellipsis inside of it."""
    canvas = Canvas(GlobalDescription("A very long description. " * 400))
    made = plan(canvas, 256, 256, 1)
    assert made.caption.text.endswith("…")
    assert width_px(made.caption.text, made.caption.size_px) < 256


def test_chinese_has_ink_that_is_no_box() -> None:
    """Chinese characters are drawn, and differ from one another and from a missing glyph."""
    assert legible("新年快乐") == "新年快乐"
    canvases = [
        Canvas(GlobalDescription(""), (LocalDescription(f"写着“{words}”的横幅"),))
        for words in ("新年快乐", "恭喜发财")
    ]  # fmt: skip
    first, second = (np.asarray(paint(canvas, 512, 512, 1), dtype=int) for canvas in canvases)
    assert np.mean(np.abs(first - second).max(axis=2) > 60) > 0.005


def test_scripts_without_font_are_left_out() -> None:
    """Emoji, right-to-left text and control characters leave no boxes behind."""
    assert legible("a\u202eb \u0007🎉 שלום عربى c") == "ab c"


def test_scenery_is_painted_as_an_area() -> None:
    """A sky and a field fill their regions instead of standing in them as icons."""
    canvas = Canvas(
        GlobalDescription("A field.", color="skyblue"),
        (
            local("A clear blue sky.", "top", "large horizontal", color="deepskyblue"),
            local("A green meadow.", "bottom", "large horizontal", color="limegreen"),
        ),
    )
    made = plan(canvas, *SIZE, 1)
    assert made.heroes == ()
    pixels = np.asarray(paint(canvas, *SIZE, 1), dtype=float)
    width_px, height_px = SIZE
    sky = np.median(pixels[10 : height_px // 5, width_px // 2 :].reshape(-1, 3), axis=0)
    meadow = np.median(pixels[int(height_px * 0.7) : int(height_px * 0.9)].reshape(-1, 3), axis=0)
    assert hue_apart(sky, COLORS["deepskyblue"]) < 0.08
    assert hue_apart(meadow, COLORS["limegreen"]) < 0.08


def test_unknown_things_get_a_plate_with_their_name() -> None:
    """A thing that no picture fits is shown by its name, not by a wrong icon."""
    canvas = Canvas(GlobalDescription(""), (LocalDescription("A shiny zorblax."),))
    sign = next(layer for layer in plan(canvas, 512, 512, 1).layers if isinstance(layer, Sign))
    assert sign.lines == ("Shiny zorblax",) or "".join(sign.lines).lower().endswith("zorblax")


def test_a_seed_gives_other_people() -> None:
    """Every seed draws the group of children anew."""
    assert len({hero_of(plan(PARTY, *SIZE, seed), 0).drawing.body for seed in range(4)}) == 4


def test_trees_are_a_wood_and_a_tree_is_a_tree() -> None:
    """Several trees are scenery, one tree stands for itself."""
    one, several = (
        subjects(Canvas(GlobalDescription(""), (LocalDescription(text),)))[0].thing
        for text in ("A tree.", "Tall trees.")
    )
    assert one is not None
    assert several is not None
    assert (one.kind, several.kind) == ("icon", "scenery")


@pytest.mark.parametrize("count", [0, 1, 40, 90])
def test_any_number_of_regions(count: int) -> None:
    """From no region to many: always a picture."""
    things = ("cat", "castle", "sea", "zorblax", "knight", "table", "")
    places, areas, colors = tuple(LOCATIONS), tuple(AREAS), tuple(COLORS)
    canvas = Canvas(
        GlobalDescription("Many."),
        tuple(
            LocalDescription(f"A {things[i % 7]}.", places[i % 9], area=areas[i % 8], color=colors[i % 140])
            for i in range(count)
        ),
    )
    assert paint(canvas, 512, 512, 1).size == (512, 512)


def test_long_texts() -> None:
    """Ten thousand characters in every field are no harm."""
    text = ("many things, cats and dogs in 'the' garden that reads \"a\" " * 200)[:10_000]
    item = LocalDescription(text, detailed_descriptions=(text,) * 6, tags=text, atmosphere=text)
    assert paint(Canvas(GlobalDescription(text, (text,) * 6, text), (item,) * 5), 256, 256, 1)


NOUNS = st.sampled_from(
    ["cat", "castle", "sky", "children", "banner", "table", "sea", "forest", "king", "zorblax"]
)
TEXTS = st.one_of(st.text(max_size=60), st.builds("{} {} with {}".format, st.text(max_size=6), NOUNS, NOUNS))
LOCALS = st.builds(
    LocalDescription,
    TEXTS,
    st.sampled_from(sorted(LOCATIONS)),
    st.sampled_from(sorted(OFFSETS)),
    st.sampled_from(sorted(AREAS)),
    st.floats(0.01, 1e9),
    st.lists(TEXTS, max_size=2).map(tuple),
    TEXTS,
    color=st.sampled_from(sorted(COLORS)),
)
CANVASES = st.builds(
    Canvas,
    st.builds(GlobalDescription, TEXTS, st.just(()), TEXTS, st.sampled_from(sorted(COLORS))),
    st.lists(LOCALS, max_size=7).map(tuple),
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(CANVASES, st.integers(256, 2048), st.integers(256, 2048), st.integers(0, 2**32 - 1))
def test_every_canvas_has_a_plan(canvas: Canvas, width_px: int, height_px: int, seed: int) -> None:
    """Any canvas at any size has a plan with no two labels on each other and all figures in the picture."""
    made = plan(canvas, width_px, height_px, seed)
    for first, second in itertools.combinations(made.labels, 2):
        assert not overlap(first.box, second.box)
    for figure in made.heroes:
        assert 0 <= figure.box[0] < figure.box[2] <= width_px + 4
        assert 0 <= figure.box[1] < figure.box[3] <= height_px


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(CANVASES, st.integers(0, 2**32 - 1))
def test_every_canvas_can_be_painted(canvas: Canvas, seed: int) -> None:
    """Any canvas is painted without an exception."""
    assert paint(canvas, 256, 320, seed).size == (256, 320)


async def test_renderer_reports_stages_and_images() -> None:
    """A batch gives steps that rise to their total, a preview, and one image a seed, in order."""
    events = [
        event async for event in StoryboardRenderer().render(PARTY, SceneSettings(*SIZE, seed=7, count=2))
    ]
    images = [event for event in events if isinstance(event, RenderedImage)]
    assert [(image.index, image.seed, image.image.size) for image in images] == [(0, 7, SIZE), (1, 8, SIZE)]
    steps = [event for event in events[: events.index(images[0])] if isinstance(event, RenderStep)]
    assert [step.step for step in steps] == list(range(1, steps[0].steps + 1))
    assert any(isinstance(event, RenderPreview) for event in events)


@pytest.mark.parametrize(("seed", "following"), [(7, 8), (MAX_SEED, 0)])
async def test_an_image_does_not_depend_on_its_batch(seed, following) -> None:
    """The second of a batch is the image of the following seed alone; the first seed follows the last."""
    events = [
        event async for event in StoryboardRenderer().render(PARTY, SceneSettings(*SIZE, seed=seed, count=2))
    ]
    second = [event for event in events if isinstance(event, RenderedImage)][1]
    assert second.seed == following
    assert second.image.tobytes() == paint(PARTY, *SIZE, following).tobytes()


async def test_closing_stops_the_painting() -> None:
    """After the iterator is closed nothing of the render goes on."""
    before = asyncio.all_tasks()
    render = StoryboardRenderer().render(PARTY, SceneSettings(2048, 2048, count=4))
    async for _ in render:
        break
    await render.aclose()
    assert asyncio.all_tasks() == before
