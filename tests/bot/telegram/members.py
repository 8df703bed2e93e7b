"""A member's place in a chat, as the Bot API writes it."""

from typing import Any

RIGHTS = (
    "can_be_edited",
    "can_manage_chat",
    "can_delete_messages",
    "can_manage_video_chats",
    "can_restrict_members",
    "can_promote_members",
    "can_change_info",
    "can_invite_users",
    "can_post_stories",
    "can_edit_stories",
    "can_delete_stories",
)
PERMISSIONS = (
    "can_send_messages",
    "can_send_audios",
    "can_send_documents",
    "can_send_photos",
    "can_send_videos",
    "can_send_video_notes",
    "can_send_voice_notes",
    "can_send_polls",
    "can_send_other_messages",
    "can_add_web_page_previews",
    "can_change_info",
    "can_invite_users",
    "can_pin_messages",
    "can_manage_topics",
    "can_edit_tag",
    "can_react_to_messages",
)


def status_json(status: str, *, is_anonymous: bool = False) -> dict[str, Any]:
    """A place in a chat with the rights that go with it."""
    shown: dict[str, Any] = {"status": status}
    match status:
        case "creator":
            return shown | {"is_anonymous": is_anonymous}
        case "administrator":
            return shown | dict.fromkeys(RIGHTS, True) | {"is_anonymous": is_anonymous}
        case "restricted":
            return shown | dict.fromkeys(PERMISSIONS, False) | {"is_member": True, "until_date": 0}
        case "kicked":
            return shown | {"until_date": 0}
        case _:
            return shown
