"""What is remembered: conversations, turns, revisions and their pictures, in a database and in files."""

from storage.errors import DatabaseAway, NotAScene, NotFound, StorageError, StorageFailed
from storage.migrations import upgrade
from storage.scene import Scene, SceneSettings
from storage.store import Store

__all__ = [
    "DatabaseAway",
    "NotAScene",
    "NotFound",
    "Scene",
    "SceneSettings",
    "StorageError",
    "StorageFailed",
    "Store",
    "upgrade",
]
