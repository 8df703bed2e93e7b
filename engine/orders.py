"""What can be asked of the studio, and what is refused before any work starts.

Nothing here knows what is stored or running: a parent that does not exist, a backend that is missing and a
conversation that is busy are refused by `engine.studio`.
"""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, cast

from canvas import Canvas, Repair, parse, write
from engine.errors import BadSetting, EmptyPrompt, PromptTooLong
from storage.records import ConversationKey, NewTurn, PersonKey, Turn
from storage.scene import MAX_SEED, MAX_SIDE_PX, MIN_SIDE_PX, SceneSettings

MAX_STEPS = 150
MAX_GUIDANCE = 30.0
MIN_STRENGTH = 0.5
SKETCH_STRENGTH = 0.97
"""Of a picture that begins with the scene's colours, where nobody names another."""
MAX_HIGH_RESOLUTION = 2.0
ENLARGEMENT = 1.5
"""Of a picture that is enlarged, where nobody says by how much."""
MAX_TEXT_CHARS = 2000
NAME = r"[A-Za-z0-9_.-]{0,200}"
"""What a sampler or preset can be called; which there are is the renderer's to say."""
LORAS = r"[\w .+():,-]{0,200}"
"""How LoRA can be named: `name` or `name:weight`, with commas between."""

_SHOWN_CHARS = 40


@dataclass(frozen=True, slots=True)
class Compose:
    """Write a scene and paint it.

    Attributes:
        turn_id: The caller's idempotency key, for example made of platform, chat and message id.
        person: Who asks; the queue is shared fairly among people.
        prompt: The person's words.
        parent_id: The revision to change, or None for a new scene.
        language: Of the composer's remarks: `en` or `zh`.
        canvas: Of a scene from elsewhere, for a change of that; without a parent only.
    """

    turn_id: str
    conversation: ConversationKey
    person: PersonKey
    prompt: str
    settings: SceneSettings
    parent_id: str | None = None
    language: str = "en"
    canvas: Canvas | None = None


@dataclass(frozen=True, slots=True)
class Repaint:
    """Paint a revision's canvas again, with other settings or another seed: a child revision."""

    turn_id: str
    conversation: ConversationKey
    person: PersonKey
    revision_id: str
    settings: SceneSettings
    language: str = "en"


@dataclass(frozen=True, slots=True)
class Adopt:
    """Paint a canvas made by hand: a form's (with a parent) or an uploaded scene's (without one)."""

    turn_id: str
    conversation: ConversationKey
    person: PersonKey
    canvas: Canvas
    settings: SceneSettings
    parent_id: str | None = None
    prompt: str = ""
    language: str = "en"


Order = Compose | Repaint | Adopt


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one request, one person and everybody together may ask for.

    Attributes:
        prompt_chars: Characters of a prompt.
        count: Images of a batch.
        running_per_person: Requests of one person that are worked on at the same time.
        waiting_per_person: Requests of one person that wait beside those; one more is refused.
        waiting_total: Requests of everybody together that are open; one more is refused.
        pictures_per_day: Pictures for one person in a day (UTC); 0 is no limit.
        gpu_s_per_day: Seconds of composing and painting for one person in a day; 0 is no limit.
    """

    prompt_chars: int = 2000
    count: int = 4
    running_per_person: int = 1
    waiting_per_person: int = 5
    waiting_total: int = 500
    pictures_per_day: int = 0
    gpu_s_per_day: int = 0


def prompt_of(order: Order) -> str:
    """The order's words, stripped; a repaint has none."""
    return "" if isinstance(order, Repaint) else order.prompt.strip()


def parent_of(order: Order) -> str | None:
    """The revision that the order starts from."""
    return order.revision_id if isinstance(order, Repaint) else order.parent_id


def composes(turn: Turn) -> bool:
    """Whether a language model has to write the turn's canvas."""
    return turn.request.get("kind") == "compose"


def to_turn(order: Order) -> NewTurn:
    """The order as it is remembered; `from_turn` reads it back, in any process."""
    return NewTurn(
        id=order.turn_id,
        conversation=order.conversation,
        person=order.person,
        prompt=prompt_of(order),
        parent_id=parent_of(order),
        request=_request(order),
        pictures=order.settings.count,
    )


def from_turn(turn: Turn) -> Order:
    """The order that a turn was made of.

    Raises:
        ValueError: The request was not written by `to_turn`.
    """
    request = cast("Mapping[str, Any]", turn.request)
    settings = SceneSettings.from_dict(request.get("settings", {}))
    language = str(request.get("language", "en"))
    whose = (turn.id, turn.conversation, turn.person)
    match request.get("kind"):
        case "compose":
            canvas = _canvas(request) if "canvas" in request else None
            return Compose(*whose, turn.prompt, settings, turn.parent_id, language, canvas)
        case "repaint" if turn.parent_id:
            return Repaint(*whose, turn.parent_id, settings, language)
        case "adopt":
            return Adopt(*whose, _canvas(request), settings, turn.parent_id, turn.prompt, language)
        case kind:
            raise ValueError(f"turn {turn.id!r} is of no known kind: {kind!r}")


def _request(order: Order) -> dict[str, object]:
    request: dict[str, object] = {
        "kind": type(order).__name__.lower(),
        "settings": order.settings.to_dict(),
        "language": order.language,
    }
    if not isinstance(order, Repaint) and order.canvas is not None:
        request["canvas"] = write(order.canvas)
        request["repairs"] = [asdict(repair) for repair in order.canvas.repairs]
    return request


def _canvas(request: Mapping[str, Any]) -> Canvas:
    repairs = tuple(Repair(**repair) for repair in request.get("repairs", ()))
    return replace(parse(request["canvas"]), repairs=repairs)


def check(order: Order, limits: Limits) -> None:
    """Refuses what no backend could serve.

    Raises:
        EmptyPrompt: The prompt to compose has no character but spaces.
        PromptTooLong: It has more characters than the limit.
        BadSetting: A setting is outside of its range.
    """
    prompt = prompt_of(order)
    if isinstance(order, Compose) and not prompt:
        raise EmptyPrompt
    if len(prompt) > limits.prompt_chars:
        raise PromptTooLong(len(prompt), limits.prompt_chars)
    _check_settings(order.settings, limits)


def _check_settings(settings: SceneSettings, limits: Limits) -> None:
    _check_range("width_px", settings.width_px, MIN_SIDE_PX, MAX_SIDE_PX)
    _check_range("height_px", settings.height_px, MIN_SIDE_PX, MAX_SIDE_PX)
    _check_range("count", settings.count, 1, limits.count)
    _check_range("steps", settings.steps, 1, MAX_STEPS)
    _check_range("guidance", settings.guidance, 0, MAX_GUIDANCE)
    _check_range("seed", settings.seed, 0, MAX_SEED)
    _check_range("strength", settings.strength, MIN_STRENGTH, 1)
    _check_range("high_resolution", settings.high_resolution, 1, MAX_HIGH_RESOLUTION)
    _check_shape("sampler", settings.sampler, NAME, "A-Z a-z 0-9 _ . -")
    _check_shape("preset", settings.preset, NAME, "A-Z a-z 0-9 _ . -")
    _check_shape("loras", settings.loras, LORAS, "name, name:0.8")
    _check_length("negative_prompt", settings.negative_prompt)
    _check_length("locked", settings.locked)


def _check_shape(name: str, value: str, pattern: str, allowed: str) -> None:
    if not re.fullmatch(pattern, value):
        raise BadSetting(name, value[:_SHOWN_CHARS], allowed)


def _check_length(name: str, text: str) -> None:
    if len(text) > MAX_TEXT_CHARS:
        raise BadSetting(name, len(text), f"0-{MAX_TEXT_CHARS}")


def _check_range(name: str, value: float, low: float, high: float) -> None:
    # `not <=` refuses NaN too
    if not low <= value <= high:
        raise BadSetting(name, value, f"{low:g}-{high:.0f}")
