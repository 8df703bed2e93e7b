"""Buttons and selects that say everything in their `custom_id`, so that they work after any restart.

Making them again when they are pressed asks nobody: whoever is slow there misses the three seconds.
"""

import re
from collections.abc import Sequence
from typing import Any, Protocol, Self

import discord
from discord import ui

from bot.chat.presses import Press, decode

_PRESS = r"omost:v1:[A-Za-z0-9_.:-]*"


class Pressing(Protocol):
    """Who is told of presses: the client."""

    async def pressed(
        self, interaction: discord.Interaction[Any], press: Press, values: Sequence[str]
    ) -> None:
        """A button was pressed, or `values` were chosen."""
        ...


class PressedButton(ui.DynamicItem[ui.Button[Any]], template=_PRESS):
    """A button whose `custom_id` is its press."""

    @classmethod
    async def from_custom_id(
        cls, interaction: discord.Interaction[Any], item: ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        """The button as it stands under the message that was pressed."""
        del interaction, match
        assert isinstance(item, ui.Button)  # noqa: S101 - the template is of buttons only
        return cls(item)

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        """Tells the client."""
        await _told(interaction, self.item.custom_id or "", ())


class ChosenOption(ui.DynamicItem[ui.Select[Any]], template=rf"(?P<number>[0-9]+)\.(?P<press>{_PRESS})"):
    """A select: several under one message may have the same press, so they are numbered."""

    @staticmethod
    def code(number: int, press: Press) -> str:
        """The `custom_id` of a select."""
        return f"{number}.{press.encode()}"

    @classmethod
    async def from_custom_id(
        cls, interaction: discord.Interaction[Any], item: ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        """The select as it stands under the message where something was chosen."""
        del interaction, match
        assert isinstance(item, ui.Select)  # noqa: S101 - the template is of selects only
        return cls(item)

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        """Tells the client."""
        await _told(interaction, self.item.custom_id.partition(".")[2], tuple(self.item.values))


async def _told(interaction: discord.Interaction[Any], code: str, values: Sequence[str]) -> None:
    client: Pressing = interaction.client
    if press := decode(code):
        await client.pressed(interaction, press, values)
