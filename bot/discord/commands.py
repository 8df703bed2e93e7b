"""The slash commands and message menus, with their options in every language.

What they are called and what they are for stands in `bot.chat.commands`, for all platforms.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import replace
from typing import Any, Final, Protocol, TypeVar

import discord
from discord import app_commands
from discord.app_commands import Choice, Range, locale_str

from bot.chat.commands import COMMANDS, Command
from bot.chat.platform import Incoming, Message
from bot.chat.presses import Action, Press
from bot.chat.scene_options import Options
from bot.chat.suggestions import MAX_SUGGESTIONS
from bot.chat.talk import Talk
from bot.chat.views import Answer
from bot.discord.answering import Answering
from bot.discord.forms import SceneFile, file_modal
from bot.discord.hearing import of_interaction
from bot.replies import language_of, words
from bot.sentences import later
from engine.orders import MAX_GUIDANCE, MAX_HIGH_RESOLUTION, MAX_SEED, MAX_STEPS, MIN_STRENGTH

MAX_PROMPT_CHARS: Final = 4000
MAX_COUNT: Final = 16
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
    "whose": (later("whose"), later("Your own settings, or those of this chat")),
}
_REFINE_MENU: Final = later("Change this picture")
_INFO_MENU: Final = later("About this scene")
_COMPLETED: Final = {"size": "size", "preset": "preset", "sampler": "sampler", "loras": "lora"}

_Interaction = discord.Interaction[Any]
_Callback = Callable[..., Coroutine[Any, Any, None]]
_F = TypeVar("_F", bound=_Callback)
_Seed = Range[int, 0, MAX_SEED]
_Count = Range[int, 1, MAX_COUNT]
_Steps = Range[int, 1, MAX_STEPS]
_Guidance = Range[float, 0.0, MAX_GUIDANCE]
_Strength = Range[float, MIN_STRENGTH, 1.0]
_Enlarge = Range[float, 1.0, MAX_HIGH_RESOLUTION]
_Prompt = Range[str, 1, MAX_PROMPT_CHARS]


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


def add_commands(tree: app_commands.CommandTree[Any]) -> None:
    """Puts all commands and menus into the tree."""
    for command in COMMANDS:
        tree.add_command(_command(command, _CALLBACKS[command.name]))
    for name, callback in ((_REFINE_MENU, _refine_this), (_INFO_MENU, _about_this)):
        tree.add_command(app_commands.ContextMenu(name=locale_str(name), callback=callback))


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


def _described(*names: str) -> Callable[[_F], _F]:
    """Names and describes a command's options in all languages, and completes those that can be."""

    def apply(callback: _F) -> _F:
        renamed = app_commands.rename(**{name: locale_str(_OPTIONS[name][0]) for name in names})
        described = app_commands.describe(**{name: locale_str(_OPTIONS[name][1]) for name in names})
        completed = {name: _completing(what) for name, what in _COMPLETED.items() if name in names}
        return app_commands.autocomplete(**completed)(described(renamed(callback)))

    return apply


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
        return [Choice(name=each.label[:MAX_CHOICE_CHARS], value=each.value) for each in fitting][
            :MAX_SUGGESTIONS
        ]

    return complete


# --- commands with options ----------------------------------------------------------------------------


@_described(
    "prompt",
    *("size", "seed", "count", "steps", "guidance", "preset", "sampler", "loras", "avoid", "strength"),
    "enlarge",
)
async def _omost(  # noqa: PLR0917 - the library takes a command's options from its parameters
    interaction: _Interaction,
    prompt: _Prompt,
    size: str = "",
    seed: _Seed | None = None,
    count: _Count | None = None,
    steps: _Steps | None = None,
    guidance: _Guidance | None = None,
    preset: str | None = None,
    sampler: str | None = None,
    loras: str | None = None,
    avoid: str | None = None,
    strength: _Strength | None = None,
    enlarge: _Enlarge | None = None,
) -> None:
    options = Options(size, seed, count, steps, guidance, preset, sampler, loras, avoid, strength, enlarge)
    await _answered(interaction, lambda talk, said: talk.compose(said, prompt, options))


@_described("prompt")
async def _refine(interaction: _Interaction, prompt: _Prompt) -> None:
    await _answered(interaction, lambda talk, said: talk.refine(said, prompt))


@_described("size", "seed", "count", "steps", "guidance", "preset", "sampler", "loras", "avoid", "enlarge")
async def _render(  # noqa: PLR0917 - likewise
    interaction: _Interaction,
    size: str = "",
    seed: _Seed | None = None,
    count: _Count | None = None,
    steps: _Steps | None = None,
    guidance: _Guidance | None = None,
    preset: str | None = None,
    sampler: str | None = None,
    loras: str | None = None,
    avoid: str | None = None,
    enlarge: _Enlarge | None = None,
) -> None:
    options = Options(
        size, seed, count, steps, guidance, preset, sampler, loras, avoid, high_resolution=enlarge
    )
    await _answered(interaction, lambda talk, said: talk.render(said, options))


@app_commands.autocomplete(region=_completing("region"))
@_described("region")
async def _regions(interaction: _Interaction, region: str = "") -> None:
    await _answered(interaction, lambda talk, said: talk.regions(said, region))


@app_commands.autocomplete(scene=_completing("scene"))
@_described("scene", "file")
async def _open(interaction: _Interaction, scene: str = "", file: discord.Attachment | None = None) -> None:
    if file:
        opened, serving = SceneFile.of(file), _serving(interaction)
        await serving.answering.answer(interaction, lambda said: serving.open_file(said, opened))
    elif scene:
        await _answered(interaction, lambda talk, said: talk.go(said, scene))
    else:
        spoken = words(interaction.locale.value)
        asked = file_modal(spoken.text("Open a scene"), spoken.text("A picture or Canvas code"))
        await _serving(interaction).answering.show_modal(interaction, asked)


@app_commands.choices(
    whose=[
        Choice(name=locale_str(later("mine")), value="me"),
        Choice(name=locale_str(later("of this chat")), value="here"),
    ]
)
@_described("whose")
async def _settings(interaction: _Interaction, whose: str = "me") -> None:
    await _answered(interaction, lambda talk, said: talk.settings(said, whose), may_ask=True)


# --- menus of a message -------------------------------------------------------------------------------


async def _refine_this(interaction: _Interaction, message: discord.Message) -> None:
    await _pointed(interaction, message, Press(Action.REFINE), may_ask=True)


async def _about_this(interaction: _Interaction, message: discord.Message) -> None:
    await _pointed(interaction, message, Press(Action.PLAN))


async def _pointed(
    interaction: _Interaction, message: discord.Message, press: Press, *, may_ask: bool = False
) -> None:
    """A press that is about the message that was pointed at."""

    def ask(talk: Talk, said: Incoming) -> Awaitable[Answer]:
        pointed = replace(said, reply_to=Message(said.chat, str(message.id)))
        return talk.press(pointed, press)

    await _answered(interaction, ask, may_ask=may_ask)


# --- parts --------------------------------------------------------------------------------------------


def _plain(ask: Callable[[Talk, Incoming], Awaitable[Answer]]) -> _Callback:
    """A command without options."""

    async def callback(interaction: _Interaction) -> None:
        await _answered(interaction, ask)

    return callback


async def _answered(
    interaction: _Interaction, ask: Callable[[Talk, Incoming], Awaitable[Answer]], *, may_ask: bool = False
) -> None:
    serving = _serving(interaction)
    await serving.answering.answer(interaction, lambda said: ask(serving.talk, said), may_ask=may_ask)


def _serving(interaction: _Interaction) -> Serving:
    return interaction.client


_CALLBACKS: Final[Mapping[str, _Callback]] = {
    "omost": _omost,
    "refine": _refine,
    "render": _render,
    "regions": _regions,
    "open": _open,
    "settings": _settings,
    "undo": _plain(Talk.undo),
    "history": _plain(Talk.history),
    "favourites": _plain(Talk.favourites),
    "queue": _plain(Talk.queue),
    "cancel": _plain(Talk.cancel),
    "forget": _plain(Talk.forget),
    "help": _plain(Talk.help_text),
    "stats": _plain(Talk.stats),
}
