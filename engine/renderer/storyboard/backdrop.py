"""What lies behind everything: wall and floor or sky and ground, from the canvas's words and colours.

Where the scene is, what time it is and what falls from the sky is read from the words; the colours are the
global colour, a palette of the setting, and the canvas's own colour sketch, washed together.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Final, cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from canvas.layout import color_sketch
from canvas.model import Canvas
from canvas.names import COLORS
from engine.renderer.storyboard.drawing import Rgb, luminance, mix

_WORD: Final = re.compile(r"[^\W_]+(?:-[^\W_]+)?")
_HAN: Final = re.compile(r"[\u3400-\u9fff]")
_READ_CHARS: Final = 1200
_READ_REGIONS: Final = 40


@dataclass(frozen=True, slots=True)
class _Palette:
    top: Rgb
    low: Rgb
    high_ground: Rgb
    low_ground: Rgb
    horizon: float


_PALETTES: Final = MappingProxyType(
    {
        "space": _Palette((12, 12, 40), (48, 34, 92), (38, 30, 80), (20, 18, 52), 1.0),
        "underwater": _Palette((96, 208, 230), (24, 110, 178), (20, 84, 140), (226, 202, 150), 0.88),
        "beach": _Palette((110, 196, 245), (214, 240, 250), (248, 226, 170), (232, 196, 130), 0.52),
        "sea": _Palette((120, 194, 240), (222, 240, 248), (70, 160, 210), (26, 96, 160), 0.46),
        "snow": _Palette((150, 196, 236), (232, 242, 252), (246, 250, 255), (206, 222, 242), 0.5),
        "desert": _Palette((128, 196, 236), (252, 230, 190), (238, 200, 130), (214, 158, 88), 0.5),
        "forest": _Palette((168, 214, 224), (226, 240, 214), (140, 188, 104), (74, 124, 66), 0.46),
        "city": _Palette((140, 190, 236), (232, 236, 242), (190, 190, 200), (140, 142, 156), 0.56),
        "room": _Palette((250, 238, 220), (244, 226, 204), (206, 160, 116), (176, 126, 86), 0.66),
        "meadow": _Palette((126, 198, 246), (226, 244, 250), (150, 206, 110), (92, 162, 76), 0.5),
        "plain": _Palette((252, 248, 240), (248, 238, 224), (240, 226, 206), (222, 202, 178), 0.64),
    }
)
INDOORS: Final = frozenset({"room", "plain"})
NO_HILLS: Final = INDOORS | {"space", "underwater", "city", "sea"}
"""Settings in which nothing far stands on a hill."""


@dataclass(frozen=True, slots=True)
class Backdrop:
    """What the background is.

    Attributes:
        setting: Where the scene is, a key of the `settings` in words.toml, or `plain`.
        time: `day`, `night`, `sunset` or `storm`.
        weather: `rain`, `snowfall`, `fog`, or empty.
        festive: Whether garlands and confetti belong here.
        horizon: Where the ground begins, 0 top to 1 bottom.
        sky: The colours at the top and at the horizon.
        ground: The colours at the horizon and at the bottom.
    """

    setting: str
    time: str
    weather: str
    festive: bool
    horizon: float
    sky: tuple[Rgb, Rgb]
    ground: tuple[Rgb, Rgb]

    @property
    def dark(self) -> bool:
        """Whether light letters read better on it."""
        return luminance(self.sky[1]) < 0.45


def choose(canvas: Canvas) -> Backdrop:
    """The backdrop for a canvas."""
    scores = _scores(canvas)
    table = _tables()
    setting = _best(scores, table["settings"], "plain")
    time = _best(scores, table["times"], "day", at_least=3)
    weather = _best(scores, table["weather"], "", at_least=3)
    festive = _score(scores, table["festive"]["words"]) >= 4
    palette = _PALETTES[setting]
    color = COLORS[canvas.global_description.color]
    top, low, near, far = palette.top, palette.low, palette.high_ground, palette.low_ground
    if time == "sunset" and setting not in ("space", "underwater"):
        top, low = mix(top, (104, 84, 158), 0.7), mix(low, (255, 172, 112), 0.85)
        near, far = mix(near, (230, 140, 110), 0.25), mix(far, (80, 50, 90), 0.3)
    night = time == "night" or luminance(color) < 0.3
    if (night or time == "storm") and setting not in ("space", "underwater"):
        deep = (22, 26, 66) if time != "storm" else (46, 50, 68)
        share = 0.82 if setting not in INDOORS else 0.55
        top, low = mix(top, deep, share), mix(low, mix(deep, (96, 104, 150), 0.4), share)
        near, far = mix(near, (34, 38, 74), 0.55), mix(far, (20, 22, 50), 0.6)
    white = min(color) > 235
    share = 0.15 if white else 0.42
    return Backdrop(
        setting, time, weather, festive, palette.horizon,
        (mix(top, color, share), mix(low, color, share)),
        (mix(near, color, share * 0.8), mix(far, color, share * 0.6)),
    )  # fmt: skip


def paint_backdrop(canvas: Canvas, backdrop: Backdrop, width_px: int, height_px: int) -> Image.Image:
    """The wall and floor or sky and ground, with the colour sketch washed over them."""
    rows = 128
    ramp = np.linspace(0.0, 1.0, rows, dtype=np.float32)[:, None]
    horizon = backdrop.horizon
    sky = _ramp(backdrop.sky, np.clip(ramp / max(horizon, 0.01), 0, 1) ** 1.2)
    ground = _ramp(backdrop.ground, np.clip((ramp - horizon) / max(1 - horizon, 0.01), 0, 1) ** 0.8)
    edge = 0.006 if backdrop.setting not in ("underwater", "space") else 0.1
    below = np.clip((ramp - horizon) / edge + 0.5, 0, 1)
    column = sky * (1 - below) + ground * below
    tall = Image.fromarray(np.repeat(column[:, None, :], 2, axis=1).clip(0, 255).astype(np.uint8))
    base = tall.resize((width_px, height_px), Image.Resampling.BICUBIC)
    sketch = Image.fromarray(color_sketch(canvas)).filter(ImageFilter.GaussianBlur(11))
    wash = sketch.resize((width_px, height_px), Image.Resampling.BICUBIC)
    return Image.blend(base, wash, 0.34)


def _ramp(colors: tuple[Rgb, Rgb], share: NDArray[np.float32]) -> NDArray[np.float32]:
    first, last = (np.array(color, dtype=np.float32) for color in colors)
    return (first + (last - first) * share).astype(np.float32)


def words_of(text: str) -> frozenset[str]:
    """The lower-case words of a text, with and without a plural s; Chinese as pieces of up to three."""
    text = text[:_READ_CHARS].lower()
    words = set(_WORD.findall(text))
    words |= {word[:-1] for word in words if word.endswith("s") and len(word) > 3}
    if _HAN.search(text):
        words |= {text[start : start + length] for start in range(len(text)) for length in (1, 2, 3)}
    return frozenset(words)


def _scores(canvas: Canvas) -> Mapping[str, float]:
    """How much weight each word of the canvas has for the whole picture."""
    scores: dict[str, float] = {}
    whole = canvas.global_description
    texts = [(whole.description, 4.0), (whole.tags, 2.0), (" ".join(whole.detailed_descriptions[:8]), 1.0)]
    texts += [(local.description, 1.5) for local in canvas.local_descriptions[:_READ_REGIONS]]
    for text, weight in texts:
        for word in words_of(text):
            scores[word] = scores.get(word, 0.0) + weight
    return scores


def _score(scores: Mapping[str, float], words: str) -> float:
    return sum(scores.get(word, 0.0) for word in words.split(", "))


def _best(scores: Mapping[str, float], table: Mapping[str, str], fallback: str, at_least: float = 1.5) -> str:
    found = max(table, key=lambda name: _score(scores, table[name]))
    return found if _score(scores, table[found]) >= at_least else fallback


@cache
def _tables() -> Mapping[str, Mapping[str, str]]:
    file = resources.files("engine.renderer.storyboard") / "data" / "words.toml"
    return cast("Mapping[str, Mapping[str, str]]", tomllib.loads(file.read_text(encoding="utf-8")))
