"""Remembering the newest entries only."""

from bot.chat.recent import Recent


def test_the_oldest_entry_is_forgotten():
    """An entry that is noted again is the newest one."""
    recent: Recent[str, int] = Recent(2)
    for key, value in (("a", 1), ("b", 2), ("a", 3), ("c", 4)):
        recent.note(key, value)
    assert dict(recent) == {"a": 3, "c": 4}
