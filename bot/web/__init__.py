"""The chat page: composing pictures by talking, in a browser.

`serve` runs it for a studio, `listen` takes its port beforehand; `build_page` is the page alone, for those
who bring a server of their own.
"""

from bot.listening import AddressUnavailable, listen
from bot.web.page import build_page
from bot.web.server import serve

__all__ = ["AddressUnavailable", "build_page", "listen", "serve"]
