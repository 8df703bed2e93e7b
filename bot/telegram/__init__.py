"""Telegram: what is heard there, how things are shown there, and nothing of what is said and done."""

import os

# else python-telegram-bot warns of durations as numbers whenever Telegram asks it to slow down
os.environ.setdefault("PTB_TIMEDELTA", "true")

from bot.telegram.app import serve_telegram

__all__ = ["serve_telegram"]
