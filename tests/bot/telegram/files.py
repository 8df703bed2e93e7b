"""Files on Telegram's side: photos are recompressed and lose what was written into them, documents stay."""

import io
import itertools
import mimetypes
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from PIL import Image

from tests.bot.telegram.limits import DOWNLOAD_BYTES, check_file, checked_photo
from tests.bot.telegram.refusals import bad_request

PHOTO_SIDES_PX = (320, 800, 1280)


@dataclass(frozen=True, eq=False)
class StoredFile:
    """An upload as it came; `id` is its stem, of which a photo's sizes make their own."""

    id: str
    data: bytes
    name: str
    size_px: tuple[int, int] | None = None

    @property
    def is_photo(self) -> bool:
        return self.size_px is not None

    @property
    def mime_type(self) -> str:
        return mimetypes.guess_type(self.name)[0] or "application/octet-stream"

    def to_json(self) -> Any:
        """A list of sizes for a photo, else a document."""
        if self.size_px is None:
            shown = {"file_name": self.name, "mime_type": self.mime_type, "file_size": len(self.data)}
            return {"file_id": self.id, "file_unique_id": f"u{self.id}", **shown}
        longest_px = max(self.size_px)
        sides_px = [side for side in PHOTO_SIDES_PX if side < longest_px]
        return [self._size(side) for side in [*sides_px, min(longest_px, PHOTO_SIDES_PX[-1])][:3]]

    def _size(self, side_px: int) -> dict[str, Any]:
        width_px, height_px = self._scaled(side_px)
        name = f"{self.id}-{side_px}"
        return {"file_id": name, "file_unique_id": f"u{name}", "width": width_px, "height": height_px}

    def _scaled(self, side_px: int) -> tuple[int, int]:
        width_px, height_px = self.size_px or (0, 0)
        scale = side_px / max(width_px, height_px)
        return max(1, round(width_px * scale)), max(1, round(height_px * scale))

    def shrunk(self, side_px: int) -> bytes:
        """The photo as a JPEG with that longer side."""
        with Image.open(io.BytesIO(self.data)) as image, io.BytesIO() as out:
            image.convert("RGB").resize(self._scaled(side_px)).save(out, "JPEG", quality=87)
            return out.getvalue()


class Files:
    """Every file that was ever sent, by people and by the bot."""

    def __init__(self) -> None:
        self._files: dict[str, StoredFile] = {}
        self._numbers = itertools.count(1)

    def photo(self, data: bytes, name: str = "photo.png") -> StoredFile:
        return self._add("photo", data, name, checked_photo(data))

    def document(self, data: bytes, name: str) -> StoredFile:
        check_file(data)
        return self._add("document", data, name)

    def _add(self, kind: str, data: bytes, name: str, size_px: tuple[int, int] | None = None) -> StoredFile:
        file = StoredFile(f"{kind}{next(self._numbers)}", data, name, size_px)
        self._files[file.id] = file
        return file

    def known(self, file_id: str) -> StoredFile:
        """The file of an id that the bot got from here."""
        file = self._files.get(file_id.partition("-")[0])
        if file is None:
            raise bad_request("wrong file identifier/HTTP URL specified")
        return file

    def described(self, file_id: str) -> dict[str, Any]:
        """The answer of getFile."""
        if file_id.partition("-")[0] not in self._files:
            raise bad_request("wrong file_id or the file is temporarily unavailable")
        data = self.downloaded(path := self._path(file_id))
        if len(data) > DOWNLOAD_BYTES:
            raise bad_request("file is too big")
        shown = {"file_size": len(data), "file_path": path}
        return {"file_id": file_id, "file_unique_id": f"u{file_id}", **shown}

    def _path(self, file_id: str) -> str:
        file = self.known(file_id)
        return (
            f"photos/{file_id}.jpg" if file.is_photo else f"documents/{file_id}{PurePath(file.name).suffix}"
        )

    def downloaded(self, path: str) -> bytes:
        """What lies at a path that getFile has named; KeyError when nothing does."""
        stem, _, side_px = PurePath(path).stem.partition("-")
        file = self._files[stem]
        return file.shrunk(int(side_px or PHOTO_SIDES_PX[-1])) if file.is_photo else file.data
