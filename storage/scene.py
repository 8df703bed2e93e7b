"""What is remembered of a picture beside its canvas: the settings it is painted with."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from canvas.model import Canvas

NEGATIVE_PROMPT = "lowres, bad anatomy, bad hands, cropped, worst quality"
MIN_SIDE_PX = 256
MAX_SIDE_PX = 2048
MAX_SEED = 2**32 - 1


@dataclass(frozen=True, slots=True)
class SceneSettings:
    """How a canvas is painted. The values are not checked here: `engine.studio` refuses bad ones.

    Attributes:
        seed: Of the first image; image k of a batch has the k-th after it.
        count: Images in the batch.
        steps: Denoising steps, for renderers that have them.
        guidance: Classifier-free guidance scale, for renderers that have it.
        negative_prompt: What to avoid, for renderers that read it.
        sampler: The way from noise to the picture, for renderers that have several; empty for their own.
        strength: How much of the scene's coarse colours is painted over, .95 to .99; 1 begins with noise.
        high_resolution: By how much the picture is enlarged and painted once more; 1 for not at all.
        steady: Whether a change leaves untouched what was not asked to change, where the renderer can.
        locked: The regions that a change must not touch, by their descriptions, one a line.
        depth: Whether near regions soften what lies under them in far ones.
        preset: Sampler, steps, guidance and LoRA by one name, which wins over them; empty for none.
        loras: LoRA files by name, `name` or `name:weight` with commas between.
        composer: The composer's name, one of `engine.backends.COMPOSERS`.
        renderer: The renderer's name, one of `engine.backends.RENDERERS`.
    """

    width_px: int = 896
    height_px: int = 1152
    seed: int = 12345
    count: int = 1
    steps: int = 25
    guidance: float = 5.0
    negative_prompt: str = NEGATIVE_PROMPT
    sampler: str = ""
    strength: float = 1.0
    high_resolution: float = 1.0
    steady: bool = True
    locked: str = ""
    depth: bool = False
    preset: str = ""
    loras: str = ""
    composer: str = "embedded"
    renderer: str = "storyboard"

    @property
    def seeds(self) -> tuple[int, ...]:
        """The images' own, in their order."""
        return tuple(seed_after(self.seed, index) for index in range(self.count))

    def to_dict(self) -> dict[str, int | float | str]:
        """The settings as plain JSON values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, object]) -> "SceneSettings":
        """Settings from JSON values; keys of another version are ignored, missing ones take their default.

        Raises:
            ValueError: A value has the wrong type.
        """
        known: dict[str, Any] = {
            item.name: _typed(item.name, values[item.name], item.default)
            for item in fields(cls)
            if item.name in values
        }
        return cls(**known)


@dataclass(frozen=True, slots=True)
class Scene:
    """A canvas and the settings it is painted with: what a scene file carries."""

    canvas: Canvas
    settings: SceneSettings = SceneSettings()


def seed_after(seed: int, places: int) -> int:
    """The seed that lies so many places behind another; the first one follows the last."""
    return (seed + places) % (MAX_SEED + 1)


def _typed(name: str, value: object, default: object) -> object:
    """The value, which must have the default's type; JSON writes 5.0 as 5 at times."""
    if isinstance(default, float) and type(value) is int and abs(value) < 2**53:
        return float(value)
    if type(value) is not type(default):
        raise ValueError(f"{name} must be {type(default).__name__}, not {value!r}")
    return value
