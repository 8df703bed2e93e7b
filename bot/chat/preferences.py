"""What people set for themselves and moderators for a chat or a server: size, steps, preset, language.

What is left empty is as the wider settings say: a person's as the chat's, a thread's as its channel's, that
as its server's, and that as the configuration's.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final, Literal

from bot.chat.access import Access
from bot.chat.heard import Heard
from bot.chat.platform import Chat, Incoming
from bot.chat.presses import Action, Press
from bot.chat.scene_options import read_size
from bot.chat.suggestions import preset_options, size_options
from bot.chat.views import Answer, FieldKind, Filled, Form, FormField, Option
from bot.region_form import shortened
from bot.replies import LANGUAGE_NAMES, LANGUAGES, Words, later, words
from bot.settings import Settings
from engine.errors import BadSetting
from engine.orders import MAX_GUIDANCE, MAX_STEPS
from storage.records import JSON
from storage.scene import MAX_SIDE_PX, MIN_SIDE_PX
from storage.store import Store

Scope = Literal["me", "here", "server"]

LANGUAGE: Final = "language"
AS_USUAL: Final = "-"
"""Chosen for what the wider settings shall say; platforms want a value for everything that can be chosen."""

_TITLES: Final[Mapping[Scope, str]] = {
    "me": later("Your settings"),
    "here": later("Settings of this chat"),
    "server": later("Settings of this server"),
}
_KEPT: Final[Mapping[Scope, str]] = {
    "me": later("Your settings are kept."),
    "here": later("The settings of this chat are kept."),
    "server": later("The settings of this server are kept."),
}
_NUMBER_CHARS: Final = 10


class Preferences:
    """The settings of people and of chats."""

    def __init__(self, store: Store, settings: Settings, access: Access) -> None:
        self._store = store
        self._settings = settings
        self._access = access

    async def language(self, heard_in: Incoming) -> str:
        """The language to answer somebody in: theirs, the chat's, their program's, the configuration's."""
        own = await self._store.language(heard_in.speaker.person)
        if own:
            return own
        narrow_to_wide = reversed(await self._of_chat(heard_in.chat))
        of_chat = next((values[LANGUAGE] for values in narrow_to_wide if values.get(LANGUAGE)), None)
        return str(of_chat or heard_in.speaker.locale or self._settings.language)

    async def of_scene(self, heard: Heard) -> tuple[Mapping[str, JSON], ...]:
        """What a new scene is painted with there, wide to narrow: a later one wins over those before it."""
        return (*await self._of_chat(heard.chat), await self._store.preferences(heard.person))

    async def ask(self, heard: Heard, scope: str) -> Answer:
        """The form with what is set.

        Raises:
            NotModerator: The settings of a chat and of a server are the moderators'.
            BadSetting: There are no settings of that scope.
        """
        scope = self._checked(heard, scope)
        values = await self._values(heard, scope)
        return Answer(form=_form(scope, values, heard.words, preset_options(self._settings, heard.words)))

    async def set(self, heard: Heard, scope: str, filled: Filled) -> Answer:
        """Remembers what the form says; fields that were not sent stay as they are.

        Raises:
            NotModerator: As `ask` does.
            BadSetting: Likewise; or a value cannot be used, and nothing is remembered then.
        """
        scope = self._checked(heard, scope)
        values = _read(filled, [option.value for option in preset_options(self._settings, heard.words)])
        if scope != "me":
            where = _chat_id(heard.chat, scope)
            await self._store.set_chat_preferences(heard.chat.platform, where, **values)
            return Answer(toast=heard.words.text(_KEPT[scope]), removes=True)
        spoken = heard.words
        if LANGUAGE in values:
            language = str(values.pop(LANGUAGE) or "")
            await self._store.set_language(heard.person, language)
            spoken = words(language) if language else spoken
        await self._store.set_preferences(heard.person, **values)
        return Answer(toast=spoken.text(_KEPT[scope]), removes=True)

    async def _values(self, heard: Heard, scope: Scope) -> Mapping[str, JSON]:
        if scope != "me":
            return await self._store.chat_preferences(heard.chat.platform, _chat_id(heard.chat, scope))
        language = await self._store.language(heard.person)
        return {**await self._store.preferences(heard.person), LANGUAGE: language}

    def _checked(self, heard: Heard, scope: str) -> Scope:
        match scope:
            case "me":
                return "me"
            case "here":
                if not heard.chat.is_private:
                    self._access.check_moderates(heard.speaker)
                return "here"
            case "server" if heard.chat.within:
                self._access.check_moderates_server(heard.speaker)
                return "server"
            case _:
                allowed = "me, here, server" if heard.chat.within else "me, here"
                raise BadSetting("whose", shortened(scope), allowed)

    async def _of_chat(self, chat: Chat) -> tuple[Mapping[str, JSON], ...]:
        """What has been set for a chat and for what it lies in, wide to narrow."""
        return await self._store.preferences_of_chats(chat.platform, (*chat.within, chat.chat_id))


def _chat_id(chat: Chat, scope: Scope) -> str:
    """Under which the settings of a chat, or of its server, are kept."""
    return chat.within[0] if scope == "server" else chat.chat_id


def _form(scope: Scope, values: Mapping[str, JSON], words: Words, presets: tuple[Option, ...]) -> Form:
    languages = tuple(Option(LANGUAGE_NAMES[each], each) for each in LANGUAGES)
    fields = (
        _choice("size", _size_options(values, words), _size(values), words),
        _number_field("steps", values, f"1-{MAX_STEPS}", words),
        _number_field("guidance", values, f"0-{MAX_GUIDANCE:.0f}", words),
        _choice("preset", presets, str(values.get("preset") or ""), words),
        _choice(LANGUAGE, languages, str(values.get(LANGUAGE) or ""), words),
    )
    return Form(words.text(_TITLES[scope]), Press(Action.SETTINGS, scope), fields)


def _choice(name: str, options: tuple[Option, ...], value: str, words: Words) -> FormField:
    """A choice whose first entry leaves it to the wider settings."""
    value = value or AS_USUAL
    offered = (Option(words.text("As usual"), AS_USUAL), *options)
    shown = tuple(replace(each, is_chosen=each.value == value) for each in offered)
    return FormField(name, words.named(name), value, FieldKind.CHOICE, shown)


def _number_field(name: str, values: Mapping[str, JSON], allowed: str, words: Words) -> FormField:
    value = values.get(name)
    shown = f"{value:g}" if isinstance(value, int | float) else ""
    return FormField(name, f"{words.named(name)} ({allowed})", shown, max_chars=_NUMBER_CHARS)


def _size_options(values: Mapping[str, JSON], words: Words) -> tuple[Option, ...]:
    named = size_options(words)
    size = _size(values)
    is_named = not size or any(option.value == size for option in named)
    return named if is_named else (*named, Option(size.replace("x", " × "), size))


def _size(values: Mapping[str, JSON]) -> str:
    match values:
        case {"width_px": int(width_px), "height_px": int(height_px)}:
            return f"{width_px}x{height_px}"
        case _:
            return ""


def _read(filled: Filled, presets: Sequence[str]) -> dict[str, JSON]:
    """What was sent, as it is remembered; None for what is left to the wider settings."""
    values: dict[str, JSON] = {}
    for name, sent in filled.values.items():
        text = "" if sent.strip() == AS_USUAL else sent.strip()
        match name:
            case "size":
                values["width_px"], values["height_px"] = _read_size(text)
            case "steps":
                values[name] = _read_number(name, text, 1, MAX_STEPS, int)
            case "guidance":
                values[name] = _read_number(name, text, 0, MAX_GUIDANCE, float)
            case "preset":
                values[name] = _one_of(name, text, presets)
            case "language":
                values[name] = _one_of(name, text, LANGUAGES)
            case _:
                pass
    return values


def _read_size(text: str) -> tuple[int, int] | tuple[None, None]:
    if not text:
        return None, None
    sides = read_size(text)
    for name, side_px in zip(("width_px", "height_px"), sides, strict=True):
        if side_px not in range(MIN_SIDE_PX, MAX_SIDE_PX + 1):
            raise BadSetting(name, side_px, f"{MIN_SIDE_PX}-{MAX_SIDE_PX}")
    return sides


def _read_number(name: str, text: str, low: float, high: float, read: Callable[[str], float]) -> float | None:
    if not text:
        return None
    try:
        number = read(text.replace(",", "."))
    except ValueError:
        number = math.nan
    if not low <= number <= high:  # `not <=` refuses NaN too
        raise BadSetting(name, shortened(text), f"{low:g}-{high:.0f}")
    return number


def _one_of(name: str, text: str, known: Sequence[str]) -> str | None:
    if text and text not in known:
        raise BadSetting(name, shortened(text), ", ".join(known))
    return text or None
