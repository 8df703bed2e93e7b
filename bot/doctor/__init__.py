"""What keeps the bot from running here, or will, and what to do about it: the command `omost-bot doctor`.

It looks and asks; it makes, upgrades, tells and sets nothing, anywhere.
"""

from bot.doctor.examination import Examination, examine
from bot.doctor.findings import Finding, Status

__all__ = ["Examination", "Finding", "Status", "examine"]
