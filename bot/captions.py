"""What scenes and pictures are called, wherever they are shown or sent."""

from collections.abc import Mapping, Sequence
from enum import Enum

from bot.replies import Words
from storage.records import Revision, StoredImage
from storage.scene import SceneSettings, seed_after


class Making(Enum):
    """How a revision came about."""

    SAID = "said"
    """Somebody said words for it, or a form did."""
    AGAIN = "again"
    LARGER = "larger"
    VARIED = "varied"
    """The same scene, several times."""


def making(prompt: str, settings: SceneSettings, parent: SceneSettings | None) -> Making:
    """How something came about that was asked for with these words and settings."""
    if prompt:
        return Making.SAID
    if parent and _longer_side(settings) > _longer_side(parent):
        return Making.LARGER
    return Making.VARIED if _is_varied(settings, parent) else Making.AGAIN


def titles(revisions: Sequence[Revision], words: Words) -> dict[str, str]:
    """What revisions are called, by their ids; also those that nobody said words for.

    Args:
        revisions: What is not among them is not looked at.
        words: Of whoever reads it.
    """
    known = {revision.id: revision for revision in revisions}
    return {revision.id: _title_among(revision, known, words) for revision in revisions}


def title(revision: Revision) -> str:
    """What a revision is called: what was asked for, or what the scene shows."""
    return revision.prompt or revision.scene.canvas.global_description.description


def on_one_line(text: str, max_chars: int) -> str:
    """The text without its line breaks, cut where it is longer."""
    line = " ".join(text.split())
    return line if len(line) <= max_chars else line[: max_chars - 1] + "…"


def _title_among(revision: Revision, known: Mapping[str, Revision], words: Words) -> str:
    parent = known.get(revision.parent_id or "")
    origin = revision
    while not origin.prompt and (before := known.get(origin.parent_id or "")):
        origin = before
    called = title(origin)
    if revision.parent_id is None:
        return called
    match making(revision.prompt, revision.scene.settings, parent and parent.scene.settings):
        case Making.SAID:
            return called
        case Making.AGAIN:
            return words.text("{title} · again", title=called)
        case Making.LARGER:
            return words.text("{title} · larger", title=called)
        case Making.VARIED:
            return words.text("{title} · variations", title=called)


def _is_varied(settings: SceneSettings, parent: SceneSettings | None) -> bool:
    """Whether one picture became several; several that were painted again are as many others."""
    if settings.count == 1 or parent is None or parent.count == 1:
        return settings.count > 1
    return seed_after(settings.seed, -1) in parent.seeds  # it goes on from one of theirs


def _longer_side(settings: SceneSettings) -> float:
    return max(settings.width_px, settings.height_px) * settings.high_resolution


def picture_kind(settings: SceneSettings, words: Words) -> str:
    """What the renderer's pictures are called: a storyboard never passes for a painting."""
    return words.text("Storyboard") if settings.renderer == "storyboard" else settings.renderer


def picture_caption(revision: Revision, image: StoredImage, words: Words) -> str:
    """Kind, size and seed of a picture."""
    kind = picture_kind(revision.scene.settings, words)
    return f"{kind} · {image.width_px} × {image.height_px} · {words.text('seed {seed}', seed=image.seed)}"


def picture_alt(revision: Revision, words: Words) -> str:
    """What can be seen, for those who cannot."""
    return f"{picture_kind(revision.scene.settings, words)}: {scene_sentence(revision)}"


def scene_sentence(revision: Revision) -> str:
    """What the scene shows, in the composer's words."""
    return revision.scene.canvas.global_description.description


def picture_name(revision: Revision, image: StoredImage) -> str:
    """What a picture's file is called, without its ending."""
    number = f"-{image.index + 1}" if len(revision.images) > 1 else ""
    return f"omost-{revision.id}{number}"


def code_filename(revision: Revision) -> str:
    """What the file with the Canvas code is called."""
    return f"omost-{revision.id}.py"
