"""What happens in chats, whatever the platform.

An adapter turns what it hears into `Incoming`, `Press` and texts, and hands them to `Talk`, which asks the
studio and answers with views. `Messages` keeps the one message of each turn: first a placeholder, then
progress, then the result. Both reach people through `Platform`, which each adapter is for its own.
"""
