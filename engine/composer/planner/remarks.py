"""What the planner says beside its code, in the person's language.

Knows sentences only. Errors are worded by the bot; this is the composer's own voice, as a model has one.
"""

from collections.abc import Mapping
from typing import Any

from engine.composer.planner.tables import table


def remark(key: str, language: str, **values: str) -> str:
    """The sentence for a key; English where a language is not known."""
    sentences: Mapping[str, Any] = table("remarks")
    chosen: Mapping[str, str] = sentences.get(language, sentences["en"])
    return chosen[key].format(**values)
