"""A small scene and what became of it, for tests of how things look."""

from datetime import UTC, datetime

from PIL import Image

from bot.replies import words
from canvas import Canvas, GlobalDescription, LocalDescription, Repair
from storage.records import ConversationKey, PersonKey, Revision, StoredImage
from storage.scene import Scene, SceneSettings

ENGLISH, CHINESE = words("en"), words("zh")
ROOM = ConversationKey("chat", "room")
ANN, BEN = PersonKey("chat", "ann"), PersonKey("chat", "ben")
SMALL = SceneSettings(width_px=256, height_px=320, seed=7)
BLANK = Image.new("RGB", (4, 5))
POND = Canvas(
    GlobalDescription("A pond in spring."),
    (LocalDescription("A frog.", color="lightyellow"), LocalDescription("A heron.")),
    (Repair(3, "location", "lefft", "left"),),
)


def revision(count: int = 1, prompt: str = "a pond", **shape: int) -> Revision:
    """The pond, with so many pictures."""
    size = {"width_px": 256, "height_px": 320, **shape}
    images = tuple(
        StoredImage(f"image{index}", "abcdefghij", index, 7 + index, file_key="0" * 64, **size)
        for index in range(count)
    )
    made = datetime(2026, 1, 1, tzinfo=UTC)
    return Revision("abcdefghij", ROOM, "turn", None, Scene(POND, SMALL), prompt, made, images)
