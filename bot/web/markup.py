"""The parts of the page that are plain HTML: the conversation, the picture, the version tree.

Everything that people or models wrote is escaped here and nowhere else. Addresses are relative to the page,
`bot.web.server` answers them. This module knows no Gradio: `data-revision` and `data-prompt` mark what can be
clicked, and `CLICKS` turns such a click into an event of that name.
"""

import base64
import io
from collections.abc import Mapping, Sequence
from html import escape

from PIL import Image

from bot.captions import code_filename, picture_alt, picture_caption, picture_name, title
from bot.replies import Language, Words
from bot.web.visit import Answered, Asked, Entry, Told
from canvas.changes import Change
from canvas.layout import GRID_CELLS, Region, regions
from canvas.model import Repair
from engine.backends import Backend
from storage.records import Revision, StoredImage

PREVIEW_SIDE_PX = 640
_SHOWN_CHANGES = 3
CLICKS = """
element.addEventListener('click', (event) => {
  const marked = event.target.closest('[data-revision], [data-prompt]');
  if (!marked) return;
  event.preventDefault();
  if (marked.dataset.revision) trigger('revision', { revision: marked.dataset.revision });
  else trigger('prompt', { prompt: marked.dataset.prompt });
});
let said = 0;
watch('value', () => {
  const bubbles = element.querySelectorAll('.bubble');
  const list = element.closest('#transcript');
  if (list && bubbles.length > said) list.scrollTop = 0;
  said = bubbles.length;
  element.querySelector('.bubble.trouble:last-child')?.scrollIntoView({ block: 'nearest' });
});
"""
"""What our HTML does in the browser: clicks become events, and new words come into sight.

The conversation's list is reversed, so 0 is its end. Where the page scrolls instead, only trouble is shown.
"""


def transcript(entries: Sequence[Entry], words: Words) -> str:
    """The conversation, oldest first; a welcome while there is none."""
    lines = "".join(_entry(entry, words) for entry in entries) or _welcome(words)
    label = escape(words.text("Conversation"))
    return f'<div class="talk" role="log" aria-live="polite" aria-label="{label}">{lines}</div>'


def chips(prompts: Sequence[str], label: str) -> str:
    """Sentences to try: one click says them."""
    buttons = "".join(
        f'<button type="button" class="chip" data-prompt="{escape(prompt)}">{escape(prompt)}</button>'
        for prompt in prompts
    )
    return f'<div class="chips" role="group" aria-label="{escape(label)}">{buttons}</div>'


def starters(words: Words) -> str:
    """What a newcomer can try; one of them is in another language, to show that it works."""
    prompts = (
        words.text("Happy Children's Day"),
        words.text("A red dragon on a beach at sunset"),
        words.text("A cat on a sofa beside a window, it rains outside"),
        "中秋节" if words.language == "en" else "Mid-Autumn Festival",
    )
    return chips(prompts, words.text("Try one of these"))


def next_steps(words: Words) -> str:
    """What can be said to any scene."""
    prompts = (
        words.text("make it night"),
        words.text("add a red balloon at the top left"),
        words.text("make it winter"),
    )
    return chips(prompts, words.text("Change the picture"))


def invitation(words: Words, *, is_change: bool) -> str:
    """What the input box says while it is empty: what will happen to the words."""
    if is_change:
        return words.text("Say what to change …")
    return words.text("Describe a new picture …")


def brand(tagline: str) -> str:
    """The page's name."""
    return f"<h1>Omost</h1><p>{escape(tagline)}</p>"


def languages(names: Mapping[Language, str], words: Words, home: str) -> str:
    """The links to the page in the other languages: the server answers `?language=` at `home`."""
    links = "".join(
        f'<a href="{home}?language={code}" lang="{code}">{escape(name)}</a>'
        for code, name in names.items()
        if code != words.language
    )
    return f'<nav aria-label="{escape(words.text("Language"))}">{links}</nav>'


def missing_backends(backends: Sequence[Backend], words: Words) -> str:
    """Those that cannot be chosen here, each with its reason."""
    named = (f"{backend.name} — {words.named(backend.reason)}" for backend in backends if backend.reason)
    lines = "".join(f'<li class="drawn drawn-locked">{escape(line)}</li>' for line in named)
    return f'<ul class="missing">{lines}</ul>' if lines else ""


def warning(sentence: str) -> str:
    """What is at stake, above the button that does it."""
    return f'<p class="warning">{escape(sentence)}</p>'


def status(sentence: str, share: float | None = None) -> str:
    """What is being done now, with a bar: `share` of it is filled, or it moves while the end is unknown."""
    if not sentence:
        return ""
    bar = (
        '<i class="bar unknown"></i>' if share is None else f'<i class="bar" style="--share:{share:.3f}"></i>'
    )
    return f'<div class="status"><span role="status">{escape(sentence)}</span>{bar}</div>'


def empty_stage(words: Words) -> str:
    """Where the picture will be."""
    title = escape(words.text("Your picture appears here"))
    text = escape(words.text("Say what it should show, and watch the scene being laid out."))
    icon = '<i class="drawn drawn-palette" aria-hidden="true"></i>'
    return f'<div class="stage empty">{icon}<b>{title}</b><p>{text}</p></div>'


def waiting_stage() -> str:
    """Where the picture of a scene will be that is being painted."""
    return '<div class="stage"></div>'


def preview(image: Image.Image, words: Words) -> str:
    """The storyboard of an unfinished scene, or the renderer's own preview, inside the page itself."""
    small = image.convert("RGB")
    small.thumbnail((PREVIEW_SIDE_PX, PREVIEW_SIDE_PX))
    data = io.BytesIO()
    small.save(data, "webp", quality=82, method=2)
    source = "data:image/webp;base64," + base64.b64encode(data.getvalue()).decode()
    alt = escape(words.text("Preview of the unfinished picture"))
    return (
        f'<div class="stage"><figure class="preview" style="--ratio:{image.width}/{image.height}">'
        f'<img src="{source}" alt="{alt}"></figure></div>'
    )


def picture(revision: Revision, words: Words, region: int | None = None) -> str:
    """The pictures of a revision, each with its download.

    With the index of a region, they show where the regions lie, and this one stands out.
    """
    drawn = "" if region is None else _outlines(regions(revision.scene.canvas), region)
    shown = "".join(_figure(revision, image, drawn, words) for image in revision.images)
    many = " many" if len(revision.images) > 1 else ""
    return f'<div class="stage{many}">{shown or _unpainted(words)}</div>'


def thumbnail_address(revision: Revision) -> str:
    """A small version of the revision's first picture."""
    return f"{image_address(revision.images[0])}/thumbnail"


def image_address(image: StoredImage) -> str:
    """The stored PNG itself, with the scene inside."""
    return f"pictures/{image.id}"


def code_link(revision: Revision, words: Words) -> str:
    """The download of the Canvas code."""
    name = code_filename(revision)
    text = escape(words.text("Download {name}", name=name))
    return f'<a class="download" href="scenes/{escape(revision.id)}" download="{escape(name)}">{text}</a>'


def repairs(mended: Sequence[Repair], words: Words) -> str:
    """What the parser mended, folded away."""
    if not mended:
        return ""
    title = words.count("{number} repair in the code", "{number} repairs in the code", len(mended))
    lines = "".join(f"<li>{escape(words.repair(repair))}</li>" for repair in mended)
    return f"<details><summary>{escape(title)}</summary><ul>{lines}</ul></details>"


def _entry(entry: Entry, words: Words) -> str:
    match entry:
        case Asked(text):
            return f'<div class="bubble asked">{_lines(text)}</div>'
        case Told(sentence, is_trouble):
            kind = "trouble" if is_trouble else "told"
            return f'<div class="bubble {kind}">{_lines(sentence)}</div>'
        case Answered():
            return _answer(entry, words)


def _answer(answer: Answered, words: Words) -> str:
    said = f"<p>{_lines(answer.remark)}</p>" if answer.remark else ""
    changed = _changes(answer.changes, words)
    mended = repairs(answer.revision.scene.canvas.repairs, words)
    thrifty = words.text("Memory was short: this was painted more thriftily, which took longer.")
    notes = [thrifty] if answer.is_thrifty else []
    noted = "".join(f'<p class="note">{escape(note)}</p>' for note in notes + _sizes(answer.revision, words))
    shown = _thumbnail(answer.revision, words)
    return f'<div class="bubble answered">{shown}<div>{said}{changed}{noted}{mended}</div></div>'


def _sizes(revision: Revision, words: Words) -> list[str]:
    """What is to be said of pictures that have another size than was asked for."""
    settings = revision.scene.settings
    said = (words.other_size(settings, image.width_px, image.height_px) for image in revision.images)
    return [sentence for sentence in dict.fromkeys(said) if sentence]


def _changes(changed: Sequence[Change], words: Words) -> str:
    """What has changed, in a list; of a long one the rest is folded away."""
    lines = [f"<li>{escape(words.change(change))}</li>" for change in changed]
    if not lines:
        return ""
    label = escape(words.text("Changes"))
    first, rest = "".join(lines[:_SHOWN_CHANGES]), lines[_SHOWN_CHANGES:]
    shown = f'<ul class="changes" aria-label="{label}">{first}</ul>'
    if not rest:
        return shown
    more = escape(words.text("… and {number} more", number=len(rest)))
    return f'{shown}<details><summary>{more}</summary><ul class="changes">{"".join(rest)}</ul></details>'


def _thumbnail(revision: Revision, words: Words) -> str:
    if not revision.images:
        return ""
    label = escape(words.text("Show this picture: {title}", title=title(revision)))
    return (
        f'<button type="button" class="thumbnail" data-revision="{escape(revision.id)}" title="{label}">'
        f'<img src="{escape(thumbnail_address(revision))}" alt="{label}"></button>'
    )


def _figure(revision: Revision, image: StoredImage, drawn: str, words: Words) -> str:
    address, name = escape(image_address(image)), escape(f"{picture_name(revision, image)}.png")
    alt = escape(picture_alt(revision, words))
    caption = escape(picture_caption(revision, image, words))
    return (
        f'<figure style="--ratio:{image.width_px}/{image.height_px}">'
        f'<a href="{address}" target="_blank"><img src="{address}" alt="{alt}">{drawn}</a>'
        f"<figcaption><span>{caption}</span>"
        f'<a class="download" href="{address}" download="{name}">{escape(words.text("Download PNG"))}</a>'
        f"</figcaption></figure>"
    )


def _outlines(placed: Sequence[Region], chosen: int) -> str:
    return "".join(
        _outline(region, "outline chosen" if region.index == chosen else "outline") for region in placed
    )


def _outline(region: Region, kind: str) -> str:
    top, bottom, left, right = (100 * cells / GRID_CELLS for cells in region.rect)
    place = f"top:{top:.2f}%;left:{left:.2f}%;width:{right - left:.2f}%;height:{bottom - top:.2f}%"
    return f'<span class="{kind}" style="{place}"><b>{region.index + 1}</b></span>'


def _unpainted(words: Words) -> str:
    return (
        f'<p class="empty">{escape(words.text("There is no picture of this scene. Use “Paint again”."))}</p>'
    )


def _welcome(words: Words) -> str:
    title = escape(words.text("What shall we paint?"))
    text = escape(
        words.text(
            "Describe a picture in your own words. Then say what to change: “make the dragon bigger”,"
            " “add a lamp on the left”, “make it night”."
        )
    )
    return f'<div class="welcome"><h2>{title}</h2><p>{text}</p></div>'


def _lines(text: str) -> str:
    return escape(text).replace("\n", "<br>")
