"""For developers: writes the next revision from what `storage.models` has and the last one lacks."""

import sys
import tempfile
from pathlib import Path

from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

from storage.migrations import configuration, upgrade


def main(message: str) -> None:
    """Makes an empty database, upgrades it, and writes the difference as a new file in `versions`."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'empty.db'}"
        upgrade(url)
        engine = create_engine(url)
        with engine.connect() as connection:
            config = configuration(connection)
            newest = ScriptDirectory.from_config(config).get_current_head()
            command.revision(config, message, autogenerate=True, rev_id=f"{int(newest or 0) + 1:04}")
        engine.dispose()


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit('usage: python -m storage.migrations "what changes"')
    main(sys.argv[1])
