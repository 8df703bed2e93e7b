"""Forms as panels of buttons, for platforms that have no forms of their own.

A panel shows the fields with their values; a press on a field shows what can be chosen for it, or asks for
its text; at last the whole is sent. What has been filled in so far is for the adapter to remember. The
presses name fields and options by their places in the form.
"""

from collections.abc import Mapping
from typing import Final

from bot.chat.presses import Action, Press
from bot.chat.views import Button, ButtonStyle, Form, FormField, Span, Style, View
from bot.region_form import shortened
from bot.replies import Words

CHOSEN: Final = "✓ "


def panel(form: Form, values: Mapping[str, str], words: Words) -> View:
    """The form with what it holds, and with what has been filled in instead."""
    text = (Span(form.title, Style.BOLD), *(_line(field, values) for field in form.fields))
    fields = tuple(
        (Button(f"✏️ {field.label}", Press(Action.FIELD, "", (str(index),))),)
        for index, field in enumerate(form.fields)
    )
    send = Button(words.text("✅ Done"), Press(Action.APPLY), ButtonStyle.MAIN)
    close = Button(words.text("✖ Close"), Press(Action.CLOSE))
    return View(text, rows=(*fields, (send, close)), is_quiet=True)


def options(form: Form, index: int, values: Mapping[str, str], words: Words) -> View:
    """What can be chosen for a field."""
    field = form.fields[index]
    value = values.get(field.name, field.value)
    rows = tuple(
        (
            Button(
                (CHOSEN if option.value == value else "") + option.label,
                Press(Action.VALUE, "", (str(index), str(number))),
            ),
        )
        for number, option in enumerate(field.options)
    )
    back = Button(words.text("↩ Back"), Press(Action.FIELD))
    text = (Span(form.title, Style.BOLD), Span(f"\n{field.label}"))
    return View(text, rows=(*rows, (back,)), is_quiet=True)


def question(form: Form, field: FormField, values: Mapping[str, str], words: Words) -> View:
    """Asks for a field's text; the answer comes as a reply."""
    value = values.get(field.name, field.value)
    text = (Span(form.title, Style.BOLD), Span(f"\n{field.label}"))
    if value:
        text = (*text, Span("\n"), Span(value, Style.CODE))
    return View((*text, Span("\n" + words.text("Answer as a reply to this message."))), is_quiet=True)


def _line(field: FormField, values: Mapping[str, str]) -> Span:
    value = values.get(field.name, field.value)
    value = next((option.label for option in field.options if option.value == value), value)
    mark = " ✏️" if field.name in values else ""
    return Span(f"\n{field.label}: {shortened(value) if value else '–'}{mark}")
