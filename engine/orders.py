"""What can be asked of the studio, and what is refused before any work starts.

Nothing here knows what is stored or running: a parent that does not exist, a backend that is missing and a
conversation that is busy are refused by `engine.studio`.
"""

from dataclasses import dataclass

from canvas.model import Canvas
from engine.errors import BadSetting, EmptyPrompt, PromptTooLong
from storage.scene import MAX_SIDE_PX, MIN_SIDE_PX, SceneSettings
from storage.store import ConversationKey

MAX_STEPS = 150
MAX_GUIDANCE = 30.0
MAX_SEED = 2**32 - 1


@dataclass(frozen=True, slots=True)
class Compose:
    """Write a scene and paint it.

    Attributes:
        turn_id: The caller's idempotency key, for example made of platform, chat and message id.
        prompt: The person's words.
        parent_id: The revision to change, or None for a new scene.
        language: Of the composer's remarks: `en` or `zh`.
    """

    turn_id: str
    conversation: ConversationKey
    prompt: str
    settings: SceneSettings
    parent_id: str | None = None
    language: str = "en"


@dataclass(frozen=True, slots=True)
class Repaint:
    """Paint a revision's canvas again, with other settings or another seed: a child revision."""

    turn_id: str
    conversation: ConversationKey
    revision_id: str
    settings: SceneSettings
    language: str = "en"


@dataclass(frozen=True, slots=True)
class Adopt:
    """Paint a canvas made by hand: a form's (with a parent) or an uploaded scene's (without one)."""

    turn_id: str
    conversation: ConversationKey
    canvas: Canvas
    settings: SceneSettings
    parent_id: str | None = None
    prompt: str = ""
    language: str = "en"


Order = Compose | Repaint | Adopt


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one request may ask for.

    Attributes:
        prompt_chars: Characters of a prompt.
        count: Images of a batch.
        renders_at_once: Requests that are painted at the same time; the others queue.
        turns_per_conversation: Requests of one conversation that run at the same time; more are `Busy`.
    """

    prompt_chars: int = 2000
    count: int = 4
    renders_at_once: int = 1
    turns_per_conversation: int = 1


def prompt_of(order: Order) -> str:
    """The order's words, stripped; a repaint has none."""
    return "" if isinstance(order, Repaint) else order.prompt.strip()


def parent_of(order: Order) -> str | None:
    """The revision that the order starts from."""
    return order.revision_id if isinstance(order, Repaint) else order.parent_id


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


def _check_range(name: str, value: float, low: float, high: float) -> None:
    # `not <=` refuses NaN too
    if not low <= value <= high:
        raise BadSetting(name, value, f"{low:g}-{high:.0f}")
