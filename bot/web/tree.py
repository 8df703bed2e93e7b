"""The version tree as HTML: every revision of a conversation, with the lines of descent.

This module knows no Gradio.
"""

from collections.abc import Sequence
from html import escape

from bot.captions import titles
from bot.replies import Words
from bot.version_tree import Place, places
from bot.web import markup
from storage.records import Revision

CARD_WIDTH_PX, CARD_HEIGHT_PX = 124, 164
"""One step of the tree, its gap included."""


def tree(revisions: Sequence[Revision], current_id: str, words: Words) -> str:
    """The tree as HTML: each revision is a button that says its id."""
    laid = places(revisions)
    width = (1 + max((place.column for place in laid.values()), default=0)) * CARD_WIDTH_PX
    height = (1 + max((place.row for place in laid.values()), default=0)) * CARD_HEIGHT_PX
    lines = "".join(_line(laid[one.parent_id], laid[one.id]) for one in revisions if one.parent_id in laid)
    called = titles(revisions, words)
    cards = "".join(
        _card(one, laid[one.id], called[one.id], words, is_current=one.id == current_id) for one in revisions
    )
    return (
        f'<div class="tree"><div style="width:{width}px;height:{height}px">'
        f'<svg width="{width}" height="{height}" aria-hidden="true">{lines}</svg>{cards}</div></div>'
    )


def _line(parent: Place, child: Place) -> str:
    start_x, start_y = _center(parent)
    end_x, end_y = _center(child)
    bend_x = start_x + CARD_WIDTH_PX // 2
    return f'<path d="M{start_x} {start_y} C{bend_x} {start_y} {bend_x} {end_y} {end_x} {end_y}"/>'


def _center(place: Place) -> tuple[int, int]:
    return place.column * CARD_WIDTH_PX + CARD_WIDTH_PX // 2, place.row * CARD_HEIGHT_PX + CARD_HEIGHT_PX // 3


def _card(revision: Revision, place: Place, called: str, words: Words, *, is_current: bool) -> str:
    left, top = place.column * CARD_WIDTH_PX, place.row * CARD_HEIGHT_PX
    name = escape(called)
    mark = (
        f' aria-current="true" aria-label="{escape(words.text("Shown now"))}: {name}"' if is_current else ""
    )
    image = (
        f'<img src="{escape(markup.thumbnail_address(revision))}" alt="" loading="lazy">'
        if revision.images
        else ""
    )
    return (
        f'<button type="button" class="card" data-revision="{escape(revision.id)}" title="{name}"{mark}'
        f' style="left:{left}px;top:{top}px">{image}<span>{name}</span></button>'
    )
