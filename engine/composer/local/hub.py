"""A model's files: a folder of this machine, or the hub's, fetched once and kept in its cache.

Fetches weights as safetensors only, never pickles or code. The hub's token comes from the environment
(`HF_TOKEN`), its address from the options; no environment is changed.
"""

import errno
import io
import time
from pathlib import Path
from typing import Any, Final, cast

import structlog
from huggingface_hub import snapshot_download  # pyright: ignore[reportUnknownVariableType]
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    HTTPError,  # pyright: ignore[reportPrivateImportUsage] - of the HTTP library that the hub's uses
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from tqdm import tqdm

from engine.composer.local.options import TransformersOptions
from engine.errors import Unavailable

_FILES: Final = ["*.json", "*.safetensors", "*.jinja", "*.txt", "tokenizer.model"]
_HUB_TIMEOUT_S: Final = 20
_LOG_EVERY_S: Final = 10

_log = structlog.get_logger()


def model_folder(options: TransformersOptions) -> Path:
    """The folder with the model's files, fetched where they are not there yet.

    Raises:
        Unavailable: There is no such model, or it cannot be had; the reason says why.
    """
    folder = Path(options.model).expanduser()
    if not options.model or not folder.is_dir():
        folder = _fetched(options)
    if not any(folder.glob("*.safetensors")):
        raise Unavailable("transformers", _why_no_weights(folder))
    return folder


def _fetched(options: TransformersOptions) -> Path:
    began_s = time.monotonic()
    try:
        folder: str = cast("Any", snapshot_download)(
            options.model,
            revision=options.revision or None,
            endpoint=options.mirror.rstrip("/") or None,
            local_files_only=options.offline,
            allow_patterns=_FILES,
            etag_timeout=_HUB_TIMEOUT_S,
            tqdm_class=_LoggedProgress,
        )
    except (HFValidationError, HfHubHTTPError, HTTPError, OSError) as error:
        reason = _reason(error, options)
        _log.warning("model-not-fetched", model=options.model, reason=reason, error=str(error))
        raise Unavailable("transformers", reason) from error
    _log.info("model-fetched", model=options.model, took_s=round(time.monotonic() - began_s, 1))
    return Path(folder)


def _reason(error: Exception, options: TransformersOptions) -> str:
    cause = error.__cause__ if isinstance(error, LocalEntryNotFoundError) else error
    match cause:
        case _ if options.offline:
            return "model-offline"
        case HFValidationError():
            return "model-unknown"
        case RevisionNotFoundError():
            return "revision-unknown"
        case HfHubHTTPError():
            return _reason_of_answer(cause)
        case OSError(errno=errno.ENOSPC):
            return "disk-full"
        case _:
            return "hub-unreachable"


def _reason_of_answer(error: HfHubHTTPError) -> str:
    """What an error of the hub means; strangers get a 401 for a model that is not there, too."""
    if isinstance(error, GatedRepoError) or error.response.status_code in {401, 403}:
        return "model-gated"
    return "model-unknown" if isinstance(error, RepositoryNotFoundError) else "hub-unreachable"


def _why_no_weights(folder: Path) -> str:
    return "model-without-safetensors" if (folder / "config.json").is_file() else "model-unreadable"


class _LoggedProgress(tqdm):  # pyright: ignore[reportMissingTypeArgument] - generic in its stub only
    """Progress as lines of the log instead of a bar."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        cast("Any", super()).__init__(*args, **kwargs | {"file": io.StringIO()})
        self._logged_s = time.monotonic()

    def update(self, n: float | None = 1) -> bool | None:
        """Counts and, now and then, logs the bytes that have come so far."""
        shown = super().update(n)
        if self.unit == "B" and time.monotonic() - self._logged_s > _LOG_EVERY_S:
            self._logged_s = time.monotonic()
            _log.info("fetching-model", fetched_bytes=int(self.n), of_bytes=int(self.total or 0))
        return shown
