"""Discord: what is said and pressed there is handed to `bot.chat`, and what that shows is drawn there."""

from bot.discord.service import serve_discord

__all__ = ["serve_discord"]
