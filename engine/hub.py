"""Models' files from the hub, fetched once and kept in its cache.

The hub's token comes from the environment (`HF_TOKEN`), its address from the caller; no environment is
changed. Knows nothing of what the files are: the caller chooses them by name.
"""

import errno
import io
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

import structlog
from huggingface_hub import (
    HfApi,
    get_cached_repo_tree,
    snapshot_download,  # pyright: ignore[reportUnknownVariableType]
)
from huggingface_hub.errors import (
    CachedRepoTreeNotFoundError,
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    HTTPError,  # pyright: ignore[reportPrivateImportUsage] - of the HTTP library that the hub's uses
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.hf_api import RepoFile
from tqdm import tqdm

from engine.errors import Unavailable

Choose = Callable[[Sequence[str]], Sequence[str]]

_HUB_TIMEOUT_S: Final = 20
_LOG_EVERY_S: Final = 10
_FAILURES: Final = (HFValidationError, HfHubHTTPError, HTTPError, OSError)

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class HubModel:
    """A model of the hub.

    Attributes:
        name: Its id, `owner/name`.
        revision: A branch, tag or commit to stay with; empty for the newest.
        mirror: The address of another hub; empty for the default.
        offline: Whether the network is never used: the model is in the cache, or it is not had.
    """

    name: str
    revision: str = ""
    mirror: str = ""
    offline: bool = False


def fetch(model: HubModel, choose: Choose, backend: str) -> Path:
    """The folder with a model's files, fetched where they are not there yet.

    A hub that cannot be reached is not in the way of a model that was fetched before.

    Args:
        model: Which one.
        choose: Picks those to fetch from the names of all of the model's files, as paths with slashes.
        backend: Who needs it, for the error.

    Raises:
        Unavailable: There is no such model, or it cannot be had; the reason says why.
    """
    began_s = time.monotonic()
    with _refused(model, backend):
        folder = _cached(model, choose) if model.offline else _fetched(model, choose)
    _log.info("model-fetched", model=model.name, took_s=round(time.monotonic() - began_s, 1))
    return folder


def cached(model: HubModel, choose: Choose) -> Path | None:
    """The folder with a model's files, if all of them are on this machine; the network is not used."""
    try:
        return _cached(model, choose)
    except _FAILURES:
        return None


def download_bytes(model: HubModel, choose: Choose, backend: str) -> int:
    """How much there is to fetch of a model of which nothing is here yet; nothing is fetched.

    Raises:
        Unavailable: As for `fetch`.
    """
    with _refused(model, backend):
        sizes = {entry.path: entry.size for entry in _entries(model)}
        return sum(sizes[name] for name in choose(list(sizes)))


@contextmanager
def _refused(model: HubModel, backend: str) -> Generator[None]:
    try:
        yield
    except _FAILURES as error:
        reason = _reason(error, model)
        _log.warning("model-not-fetched", model=model.name, reason=reason, error=str(error))
        raise Unavailable(backend, reason) from error


def _fetched(model: HubModel, choose: Choose) -> Path:
    try:
        names = [entry.path for entry in _entries(model)]
    except _FAILURES:
        try:
            return _cached(model, choose)
        except LocalEntryNotFoundError:
            pass
        raise
    return _snapshot(model, allow_patterns=[_literally(name) for name in choose(names)])


def _cached(model: HubModel, choose: Choose) -> Path:
    """The folder that is here, with all that is needed of it; other files of the model's may be missing."""
    try:
        tree = get_cached_repo_tree(model.name, revision=model.revision or None)
    except CachedRepoTreeNotFoundError:  # not fetched, or by a client that remembered no names
        return _snapshot(model, local_files_only=True)
    names = choose([entry.path for entry in tree])
    return _snapshot(model, local_files_only=True, allow_patterns=[_literally(name) for name in names])


def _snapshot(model: HubModel, **how: Any) -> Path:
    folder: str = cast("Any", snapshot_download)(
        model.name,
        revision=model.revision or None,
        endpoint=model.mirror.rstrip("/") or None,
        etag_timeout=_HUB_TIMEOUT_S,
        tqdm_class=_LoggedProgress,
        **how,
    )
    return Path(folder)


def _entries(model: HubModel) -> list[RepoFile]:
    hub = HfApi(endpoint=model.mirror.rstrip("/") or None)
    found = hub.model_info(model.name, revision=model.revision or "main", timeout=_HUB_TIMEOUT_S)
    tree = hub.list_repo_tree(model.name, recursive=True, revision=found.sha)
    return [entry for entry in tree if isinstance(entry, RepoFile)]


def _literally(name: str) -> str:
    """A pattern that only this name matches."""
    return "".join(f"[{char}]" if char in "*?[" else char for char in name)


def _reason(error: Exception, model: HubModel) -> str:
    cause = error.__cause__ if isinstance(error, LocalEntryNotFoundError) else error
    match cause:
        case _ if model.offline:
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
