"""What a process tells those who watch it: whether it lives and is ready, and its figures for Prometheus.

It is told over HTTP at a port of its own, which the chat page's password and address do not concern; nothing
is listened on unless the settings name a port. docs/observability.md says what is told.
"""

from bot.observing.bot_figures import BotFigures
from bot.observing.server import observe
from bot.observing.worker_figures import WorkerFigures

__all__ = ["BotFigures", "WorkerFigures", "observe"]
