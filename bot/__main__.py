"""The console script `omost-bot`; `python -m bot` is the same."""

import sys

from bot.cli import app
from bot.heap import give_back_large_blocks


def main() -> None:
    """Runs one command and ends the process with its exit status."""
    give_back_large_blocks()
    try:
        app(prog_name="omost-bot")
    except KeyboardInterrupt:
        # an interruption inside of a command is the command's; this is one before or after
        sys.exit(130)


if __name__ == "__main__":
    main()
