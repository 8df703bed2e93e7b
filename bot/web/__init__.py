"""The chat page: composing pictures by talking, in a browser.

`serve` runs it; `build_page` is the page alone, for those who bring a studio and a server of their own.
"""

from bot.web.page import build_page
from bot.web.server import AddressUnavailable, serve, serve_studio

__all__ = ["AddressUnavailable", "build_page", "serve", "serve_studio"]
