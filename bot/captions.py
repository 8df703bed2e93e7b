"""What scenes and pictures are called, wherever they are shown or sent."""

from bot.replies import Words
from storage.records import Revision, StoredImage
from storage.scene import SceneSettings


def title(revision: Revision) -> str:
    """What a revision is called: what was asked for, or what the scene shows."""
    return revision.prompt or revision.scene.canvas.global_description.description


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
