"""The slash commands and message menus, with their options in every language.

What they are called and what they are for stands in `bot.chat.commands`, for all platforms.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import replace
from functools import partial
from inspect import Parameter, Signature
from typing import Any, Final, Protocol

import discord
from discord import app_commands
from discord.app_commands import Choice, Range, locale_str

from bot.chat.commands import COMMANDS, Command
from bot.chat.platform import Incoming, Message
from bot.chat.presses import Action, Press
from bot.chat.scene_options import Options
from bot.chat.talk import Talk
from bot.chat.views import Answer
from bot.discord.answering import Answering
from bot.discord.forms import SceneFile, file_modal
from bot.discord.hearing import called_by_name, of_interaction
from bot.replies import language_of, words
from bot.sentences import later
from engine.orders import MAX_GUIDANCE, MAX_HIGH_RESOLUTION, MAX_STEPS, MIN_STRENGTH
from storage.scene import MAX_SEED

MAX_PROMPT_CHARS: Final = 4000
MAX_CHOICE_CHARS: Final = 100
COMPLETED_WITHIN_S: Final = 2.0

_OPTIONS: Final[Mapping[str, tuple[str, str]]] = {
    "prompt": (later("prompt"), later("What the picture shall show, or what shall change")),
    "size": (later("size"), later("For example 896x1152, 16:9, or one of the names")),
    "seed": (later("seed"), later("The same seed and scene make the same picture")),
    "count": (later("count"), later("How many pictures")),
    "steps": (later("steps"), later("More steps are slower and finer")),
    "guidance": (later("guidance"), later("How closely the words are followed")),
    "preset": (later("preset"), later("Steps, guidance and sampler in one word")),
    "sampler": (later("sampler"), later("The method of painting")),
    "loras": (later("loras"), later("Styles by name, with commas between")),
    "avoid": (later("avoid"), later("What shall not be seen")),
    "strength": (later("strength"), later("How far the picture may depart from the colour sketch")),
    "enlarge": (later("enlarge"), later("A second pass at so many times the size")),
    "scene": (later("scene"), later("One of your earlier scenes")),
    "file": (later("file"), later("A picture that was made here, or Canvas code")),
    "region": (later("region"), later("Which part of the newest picture")),
    "whose": (later("whose"), later("Your own settings, or those of this chat or server")),
}
_OF_A_PICTURE: Final = (
    *("size", "seed", "count", "steps", "guidance", "preset", "sampler", "loras", "avoid", "strength"),
    "enlarge",
)
_REFINE_MENU: Final = later("Change this picture")
_INFO_MENU: Final = later("About this scene")
_COMPLETED: Final = {
    "size": "size",
    "preset": "preset",
    "sampler": "sampler",
    "loras": "lora",
    "region": "region",
    "scene": "scene",
}
"""Which options are completed, with how `Talk.suggestions` calls what they take."""

_Interaction = discord.Interaction[Any]
_Callback = Callable[..., Coroutine[Any, Any, None]]
_Ask = Callable[[Talk, Incoming], Awaitable[Answer]]


class Serving(Protocol):
    """What commands need of the client."""

    talk: Talk
    answering: Answering

    async def open_file(self, said: Incoming, file: SceneFile, options: Options = ...) -> Answer:
        """A scene file, wherever it was sent."""
        ...


class CatalogueTranslator(app_commands.Translator):
    """Translates commands by the catalogues of `bot.replies`."""

    async def translate(
        self, string: locale_str, locale: discord.Locale, context: app_commands.TranslationContextTypes
    ) -> str | None:
        """The words in a locale; None where they are English anyway."""
        del context
        if language_of(locale.value) == "en":
            return None
        return words(locale.value).text(string.extras.get("key", string.message)).removeprefix("/")


def add_commands(tree: app_commands.CommandTree[Any], *, prompt_chars: int, count: int) -> None:
    """Puts all commands and menus into the tree; at most so much may anybody ask for."""
    kinds = _kinds(min(prompt_chars, MAX_PROMPT_CHARS), count)
    for command in COMMANDS:
        callback, options = _CALLBACKS[command.name]
        tree.add_command(_command(command, _with_options(callback, options, kinds)))
    for name, pointed in ((_REFINE_MENU, _refine_this), (_INFO_MENU, _about_this)):
        tree.add_command(app_commands.ContextMenu(name=locale_str(name), callback=pointed))


def _command(command: Command, callback: _Callback) -> app_commands.Command[Any, Any, None]:
    made: app_commands.Command[Any, Any, None] = app_commands.Command(
        name=locale_str(command.name, key=command.slash),
        description=locale_str(command.purpose),
        callback=callback,
    )
    if command.is_for_moderators:
        made.default_permissions = discord.Permissions(manage_guild=True)
    return made


# --- options ------------------------------------------------------------------------------------------


def _kinds(prompt_chars: int, count: int) -> Mapping[str, Any]:
    """What each option takes, as annotations that the library reads; all but the prompt may be left out."""
    taken: dict[str, Any] = {
        "seed": Range[int, 0, MAX_SEED],
        "count": Range[int, 1, count],
        "steps": Range[int, 1, MAX_STEPS],
        "guidance": Range[float, 0.0, MAX_GUIDANCE],
        "strength": Range[float, MIN_STRENGTH, 1.0],
        "enlarge": Range[float, 1.0, MAX_HIGH_RESOLUTION],
        "file": discord.Attachment,
    }
    optional = {name: taken.get(name, str) | None for name in _OPTIONS}
    return {**optional, "prompt": Range[str, 1, prompt_chars]}


def _with_options(callback: _Callback, names: tuple[str, ...], kinds: Mapping[str, Any]) -> _Callback:
    """The callback of a command with these options, named and described in all languages.

    The library takes a command's options from the parameters of a function.
    """

    async def called(interaction: _Interaction, **given: Any) -> None:
        await callback(interaction, **{name: value for name, value in given.items() if value is not None})

    parameters = [Parameter("interaction", Parameter.POSITIONAL_OR_KEYWORD)]
    for name in names:
        default = Parameter.empty if name == "prompt" else None
        kind = Parameter.POSITIONAL_OR_KEYWORD
        parameters.append(Parameter(name, kind, default=default, annotation=kinds[name]))
    called.__signature__ = Signature(parameters)  # pyright: ignore[reportFunctionMemberAccess]
    app_commands.rename(**{name: locale_str(_OPTIONS[name][0]) for name in names})(called)
    app_commands.describe(**{name: locale_str(_OPTIONS[name][1]) for name in names})(called)
    completed = {name: _completing(what) for name, what in _COMPLETED.items() if name in names}
    app_commands.autocomplete(**completed)(called)
    if "whose" in names:
        app_commands.choices(whose=_WHOSE)(called)
    return called


def _completing(what: str) -> Callable[[_Interaction, str], Coroutine[Any, Any, list[Choice[str]]]]:
    async def complete(interaction: _Interaction, current: str) -> list[Choice[str]]:
        try:
            async with asyncio.timeout(COMPLETED_WITHIN_S):
                found = await _serving(interaction).talk.suggestions(
                    of_interaction(interaction), what, current
                )
        except TimeoutError:
            return []
        fitting = (each for each in found if len(each.value) <= MAX_CHOICE_CHARS)
        return [Choice(name=each.label[:MAX_CHOICE_CHARS], value=each.value) for each in fitting]

    return complete


def _options(given: Mapping[str, Any]) -> Options:
    """What the options say, by the names that everybody else has for them."""
    return Options(**{_FIELDS.get(name, name): value for name, value in given.items()})


# --- commands with options ----------------------------------------------------------------------------


async def _omost(interaction: _Interaction, prompt: str, **given: Any) -> None:
    asked, options = called_by_name(prompt, _NOBODY), _options(given)
    await _answered(interaction, lambda talk, said: talk.compose(said, asked, options), is_ahead=True)


async def _refine(interaction: _Interaction, prompt: str, **given: Any) -> None:
    asked, options = called_by_name(prompt, _NOBODY), _options(given)
    await _answered(interaction, lambda talk, said: talk.refine(said, asked, options), is_ahead=True)


async def _render(interaction: _Interaction, **given: Any) -> None:
    options = _options(given)
    await _answered(interaction, lambda talk, said: talk.render(said, options), is_ahead=True)


async def _regions(interaction: _Interaction, region: str = "") -> None:
    await _answered(interaction, lambda talk, said: talk.regions(said, region))


async def _open(interaction: _Interaction, scene: str = "", file: discord.Attachment | None = None) -> None:
    if file:
        opened, serving = SceneFile.of(file), _serving(interaction)
        await serving.answering.answer(
            interaction, lambda said: serving.open_file(said, opened), is_ahead=True
        )
    elif scene:
        await _answered(interaction, lambda talk, said: talk.go(said, scene), is_ahead=True)
    else:
        spoken = words(interaction.locale.value)
        asked = file_modal(spoken.text("Open a scene"), spoken.text("A picture or Canvas code"))
        await _serving(interaction).answering.show_modal(interaction, asked)


async def _settings(interaction: _Interaction, whose: str = "me") -> None:
    await _answered(interaction, lambda talk, said: talk.settings(said, whose), is_ahead=True)


# --- menus of a message -------------------------------------------------------------------------------


async def _refine_this(interaction: _Interaction, message: discord.Message) -> None:
    await _pointed(interaction, message, Press(Action.REFINE), is_ahead=True)


async def _about_this(interaction: _Interaction, message: discord.Message) -> None:
    await _pointed(interaction, message, Press(Action.PLAN))


async def _pointed(
    interaction: _Interaction, message: discord.Message, press: Press, *, is_ahead: bool = False
) -> None:
    """A press that is about the message that was pointed at."""

    def ask(talk: Talk, said: Incoming) -> Awaitable[Answer]:
        pointed = replace(said, reply_to=Message(said.chat, str(message.id)))
        return talk.press(pointed, press)

    await _answered(interaction, ask, is_ahead=is_ahead)


# --- parts --------------------------------------------------------------------------------------------


async def _simply(ask: _Ask, interaction: _Interaction) -> None:
    """A command without options."""
    await _answered(interaction, ask)


async def _answered(interaction: _Interaction, ask: _Ask, *, is_ahead: bool = False) -> None:
    serving = _serving(interaction)
    await serving.answering.answer(interaction, lambda said: ask(serving.talk, said), is_ahead=is_ahead)


def _serving(interaction: _Interaction) -> Serving:
    return interaction.client


_WHOSE: Final = [
    Choice(name=locale_str(later("mine")), value="me"),
    Choice(name=locale_str(later("of this chat")), value="here"),
    Choice(name=locale_str(later("of this server")), value="server"),
]
_NOBODY: Final[Mapping[str, str]] = {}
"""With an option's text Discord tells no names."""
_FIELDS: Final = {"avoid": "negative_prompt", "enlarge": "high_resolution"}
"""The options that are called otherwise in `Options`."""
_CALLBACKS: Final[Mapping[str, tuple[_Callback, tuple[str, ...]]]] = {
    "omost": (_omost, ("prompt", *_OF_A_PICTURE)),
    "refine": (_refine, ("prompt", *_OF_A_PICTURE)),
    "render": (_render, _OF_A_PICTURE),
    "regions": (_regions, ("region",)),
    "open": (_open, ("scene", "file")),
    "settings": (_settings, ("whose",)),
    "undo": (partial(_simply, Talk.undo), ()),
    "history": (partial(_simply, Talk.history), ()),
    "favourites": (partial(_simply, Talk.favourites), ()),
    "queue": (partial(_simply, Talk.queue), ()),
    "cancel": (partial(_simply, Talk.cancel), ()),
    "forget": (partial(_simply, Talk.forget), ()),
    "help": (partial(_simply, Talk.help_text), ()),
    "stats": (partial(_simply, Talk.stats), ()),
}
"""What each command does, and its options in their order."""
