"""Scenes at random: a picture of coloured shapes, and the canvas that a composer would write for it.

A canvas tells its scene in one of two ways: with a region for each thing, or with one sentence for the whole
picture that says the places in words. One layout in ten is held out: it is never trained on.
"""

from dataclasses import dataclass
from random import Random
from typing import Final
from zlib import crc32

from PIL import Image

from canvas.layout import Rect, rect
from canvas.model import Canvas, GlobalDescription, LocalDescription
from canvas.names import AREAS, LOCATIONS, OFFSETS
from storage.scene import NEGATIVE_PROMPT
from training.shapes import COLORS, Rgb, Shape, picture

SIZES_PX: Final = ((128, 128), (112, 144), (144, 112))
"""Width and height of the pictures that are trained on."""

PLAIN: Final = ("circle", "square", "triangle", "diamond", "star", "heart")
_NAMES: Final = {
    "circle": ("circle", "circle", "ball"),
    "square": ("square", "square", "box"),
    "tree": ("tree",),
    "house": ("house",),
    "balloon": ("balloon",),
}
_OWN_COLORS: Final[dict[str, tuple[str, Rgb, tuple[str, ...]]]] = {
    "sun": ("circle", COLORS["yellow"], ("a sun", "a yellow sun", "the bright sun")),
    "moon": ("circle", (245, 240, 200), ("a moon", "a full moon", "the pale moon")),
    "tree": ("tree", COLORS["green"], ("a tree", "a tall tree", "a green tree")),
    "mountain": ("triangle", (130, 130, 140), ("a mountain", "a gray mountain", "a distant mountain")),
    "cloud": ("cloud", COLORS["white"], ("a cloud", "a white cloud", "soft clouds")),
    "house": ("house", COLORS["red"], ("a house", "a cozy house")),
}
"""Things that have a shape and a colour of their own."""

_BACKGROUNDS: Final[tuple[tuple[tuple[str, ...], str, Rgb], ...]] = (
    *(((f"a {name} background",), name, rgb) for name, rgb in COLORS.items()),
    (("a white background", "a plain white background", "white"), "white", COLORS["white"]),
    (("a gray background",), "gray", (128, 128, 128)),
    (("a blue sky", "a clear blue sky", "the sky"), "skyblue", (135, 190, 235)),
    (("green grass", "a green meadow", "grass"), "yellowgreen", (120, 185, 80)),
    (("a dark night", "the night sky", "night"), "midnightblue", (25, 25, 75)),
    (("a sandy beach", "sand", "a desert"), "tan", (225, 200, 150)),
)
_BANDS: Final[tuple[tuple[str, Rgb, tuple[str, ...]], ...]] = (
    ("on the bottom", (120, 185, 80), ("green grass", "a green meadow")),
    ("on the bottom", (30, 100, 190), ("the blue sea", "water", "a lake")),
    ("on the bottom", (225, 200, 150), ("sand", "a sandy beach")),
    ("on the top", (135, 190, 235), ("a blue sky", "the sky")),
    ("on the top", (25, 25, 75), ("the night sky", "a dark sky")),
)
_PLACES: Final = {
    "in the center": "in the center",
    "on the top": "at the top",
    "on the bottom": "at the bottom",
    "on the top-left": "in the top-left corner",
    "on the top-right": "in the top-right corner",
    "on the bottom-left": "in the bottom-left corner",
    "on the bottom-right": "in the bottom-right corner",
}
_ADJECTIVES: Final = ("", "", "", "", "big ", "bright ", "beautiful ", "large ", "flat ", "simple ")
_DETAILS: Final = (
    "Light and shadow give it weight",
    "Small highlights on the edges",
    "Soft natural light falls on it",
    "Its outline is clear and sharp",
    "Rich texture from near to far",
    "It stands quietly in its place",
)
_TAGS: Final = ("peaceful", "bright", "cozy", "simple", "shapes", "clean", "minimal", "calm", "colorful")
_MOODS: Final = ("Quiet and serene", "Homely and comfortable", "Cheerful and lively", "A calm mood", "Dreamy")
_STYLES: Final = ("Flat vector art", "Soft natural colors", "Painterly and warm", "A clean illustration")
_QUALITIES: Final = ("High quality", "Sharp focus", "Finely detailed", "Best quality, crisp detail")
NEGATIVES: Final = (
    "",
    "",
    NEGATIVE_PROMPT,
    NEGATIVE_PROMPT,
    "lowres, bad anatomy",
    "worst quality, blurry",
    "bad hands, text, watermark",
)
"""What stands in the place of a prompt now and then: nothing, or what people do not want to see."""

_SYLLABLES: Final = ("ka", "ro", "min", "el", "ta", "sho", "ver", "i", "an", "du", "gle", "ing", "st", "or")
_HELD_OUT_OF: Final = 10
_MOST_OVERLAP: Final = 0.2


@dataclass(frozen=True, slots=True)
class Thing:
    """What is in a place.

    Attributes:
        name: With its article and colour.
        color: sRGB.
        distance: To the viewer; larger is farther.
    """

    name: str
    kind: str
    color: Rgb
    location: str
    offset: str
    area: str
    distance: float

    @property
    def rect(self) -> Rect:
        """(top, bottom, left, right) in cells."""
        return rect(LocalDescription(self.name, self.location, self.offset, self.area))


@dataclass(frozen=True, slots=True)
class Scene:
    """What is to be seen, not yet told.

    Attributes:
        background: In words.
        background_name: Of the language's colours.
        things: From far to near.
        size_px: Width and height.
    """

    background: str
    background_name: str
    background_color: Rgb
    things: tuple[Thing, ...]
    size_px: tuple[int, int]

    @property
    def is_held_out(self) -> bool:
        """Whether what stands where is kept from training."""
        layout = sorted(f"{thing.name} {thing.location}" for thing in self.things)
        return crc32("; ".join(layout).encode()) % _HELD_OUT_OF == 0

    def drawn(self, rng: Random) -> Image.Image:
        """The picture; sizes differ a little."""
        shapes = [
            Shape(thing.kind, thing.color, thing.rect, rng.uniform(0.84, 0.92)) for thing in self.things
        ]
        return picture(self.background_color, shapes, *self.size_px)


def scene(rng: Random) -> Scene:
    """A scene of one to four things that is not held out."""
    while True:
        words, name, color = rng.choice(_BACKGROUNDS)
        things = _things(rng, rng.choices((1, 2, 3, 4), (2, 6, 3, 1))[0], color)
        made = Scene(rng.choice(words), name, color, things, rng.choices(SIZES_PX, (4, 2, 1))[0])
        if not made.is_held_out:
            return made


def told_in_regions(scene: Scene, rng: Random) -> Canvas:
    """The canvas with a region for each thing, more or less talkative."""
    names = [thing.name for thing in scene.things]
    whole = (
        f"{_joined(names)} on {scene.background}"
        if rng.random() < 0.4
        else f"{_filler(rng, _TAGS, 0.2)}{scene.background}"
    )
    return Canvas(
        GlobalDescription(
            whole[0].upper() + whole[1:],
            (f"On {scene.background}",) if rng.random() < 0.3 else (),
            ", ".join(rng.sample(_TAGS, rng.choice((0, 0, 0, 1, 3)))),
            scene.background_name,
        ),
        tuple(_local(thing, rng) for thing in scene.things),
    )


def told_in_words(scene: Scene, rng: Random) -> Canvas:
    """The canvas without regions: one sentence says what is where."""
    things = list(scene.things)
    rng.shuffle(things)
    told = _joined([f"{thing.name} {_place(thing.location, rng)}" for thing in things])
    return Canvas(GlobalDescription(f"{told}, on {scene.background}", (), "", scene.background_name))


def all_texts() -> str:
    """Every word that scenes are told in: the tokenizer's vocabulary."""
    own = [" ".join(names) for _, _, names in _OWN_COLORS.values()]
    return " ".join((
        *COLORS, *PLAIN, *(" ".join(names) for names in _NAMES.values()), *own,
        *(" ".join(words) for words, _, _ in _BACKGROUNDS), *(" ".join(names) for _, _, names in _BANDS),
        *LOCATIONS, *OFFSETS, *AREAS, *_PLACES.values(), *_ADJECTIVES, *_DETAILS, *_TAGS, *_MOODS, *_STYLES,
        *_QUALITIES, *NEGATIVES, "a an the of and with side image picture is",
    ))  # fmt: skip


def _things(rng: Random, count: int, background: Rgb) -> tuple[Thing, ...]:
    placed: list[Thing] = []
    if rng.random() < 0.12:
        placed.append(_band(rng))
    for _ in range(40):
        if len(placed) == count:
            break
        one = _thing(rng, background)
        taken = {thing.color for thing in placed}
        if one.color not in taken and all(
            _overlap(one.rect, thing.rect) < _MOST_OVERLAP for thing in placed if thing.kind != "band"
        ):
            placed.append(one)
    return tuple(sorted(placed, key=lambda thing: -thing.distance))


def _thing(rng: Random, background: Rgb) -> Thing:
    location = rng.choice(list(LOCATIONS))
    offset = "no offset" if rng.random() < 0.6 else rng.choice(list(OFFSETS))
    small = rng.random() < 0.75
    area = rng.choice([area for area in AREAS if not small or area.startswith("a small")])
    name, kind, color = _look(rng)
    while color == background:
        name, kind, color = _look(rng)
    return Thing(name, kind, color, location, offset, area, round(rng.uniform(1, 6), 1))


def _look(rng: Random) -> tuple[str, str, Rgb]:
    """A thing's name, shape and colour."""
    if rng.random() < 0.2:
        kind, color, names = rng.choice(list(_OWN_COLORS.values()))
        return rng.choice(names), kind, color
    kind = rng.choice((*PLAIN, *PLAIN, "tree", "house", "balloon"))
    color = rng.choice(list(COLORS))
    phrase = f"{rng.choice(_ADJECTIVES)}{color} {rng.choice(_NAMES.get(kind, (kind,)))}"
    return with_article(phrase), kind, COLORS[color]


def with_article(phrase: str) -> str:
    """For example "an orange star"."""
    return f"{'an' if phrase[0] in 'aeiou' else 'a'} {phrase}"


def _band(rng: Random) -> Thing:
    location, color, names = rng.choice(_BANDS)
    return Thing(rng.choice(names), "band", color, location, "no offset", "a large horizontal area", 9.0)


def _local(thing: Thing, rng: Random) -> LocalDescription:
    sentences = [_at(thing), *_DETAILS] if rng.random() < 0.3 else []
    return LocalDescription(
        thing.name[0].upper() + thing.name[1:],
        thing.location,
        thing.offset,
        thing.area,
        thing.distance,
        tuple(rng.sample(sentences, min(len(sentences), rng.randint(1, 3)))),
        tags=_filler(rng, _TAGS, 0.3),
        atmosphere=_filler(rng, _MOODS, 0.25),
        style=_filler(rng, _STYLES, 0.25),
        quality_meta=_filler(rng, _QUALITIES, 0.25),
    )


def _at(thing: Thing) -> str:
    return f"{_PLACES.get(thing.location, thing.location)} of the image, {thing.name}"


def _filler(rng: Random, texts: tuple[str, ...], chance: float) -> str:
    """Now and then a text that says nothing of shapes and colours, sometimes in unknown words."""
    if rng.random() > chance:
        return ""
    if rng.random() < 0.2:
        return "".join(rng.choices(_SYLLABLES, k=rng.randint(2, 4))) + " "
    return rng.choice(texts) + " "


def _place(location: str, rng: Random) -> str:
    return _PLACES.get(location, location) if rng.random() < 0.5 else location


def _joined(names: list[str]) -> str:
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def _overlap(one: Rect, other: Rect) -> float:
    """The common part, as a share of the smaller one."""
    height = min(one[1], other[1]) - max(one[0], other[0])
    width = min(one[3], other[3]) - max(one[2], other[2])
    areas = [(bottom - top) * (right - left) for top, bottom, left, right in (one, other)]
    return max(0, height) * max(0, width) / min(areas)
