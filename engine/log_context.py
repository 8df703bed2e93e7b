"""Which request the log speaks of: every event inside of the block carries its ids."""

from contextlib import AbstractContextManager

from structlog.contextvars import bound_contextvars

from storage.records import ConversationKey


def about(turn_id: str, conversation: ConversationKey) -> AbstractContextManager[None]:
    """Binds a turn's ids to what is logged in the block, also by tasks and threads that are begun in it.

    Not for the body of an asynchronous generator, which may be left in another context than it was entered.
    """
    return bound_contextvars(
        turn_id=turn_id, platform=conversation.platform, conversation=conversation.chat_id
    )
