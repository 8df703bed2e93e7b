"""A bot process for the stand-in platform: python -m tests.engine.rig.bot SITE EXECUTOR-ID [WORKER-ID].

With a worker's id it keeps that worker alive as a child of its own. Orders come as lines of JSON on standard
input; each is answered with a line on standard output. It ends with its standard input.
"""

import asyncio
import json
import os
import sys
import urllib.request
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

from engine.errors import EngineError
from engine.jobs import JobEngine
from engine.orders import Compose, Limits
from engine.people import People
from engine.studio import Studio
from engine.supervisor import Supervisor
from storage.errors import StorageError
from storage.records import ConversationKey, PersonKey, Turn
from storage.scene import SceneSettings
from storage.store import Store
from tests.engine.rig.sites import PLATFORM, Site, log_plainly

TIMEOUT_S = 120
SETTINGS = SceneSettings(width_px=256, height_px=256, seed=7)

Command = dict[str, str]


class Deliveries:
    """Edits the message that waits for a turn into what came of it."""

    def __init__(self, store: Store, chat_url: str) -> None:
        self._store = store
        self._chat_url = chat_url

    async def __call__(self, turn: Turn) -> None:
        seeds: list[int] = []
        if turn.revision_id:
            revision = await self._store.revision(turn.revision_id)
            seeds = [image.seed for image in revision.images]
        result = {"status": turn.status, "error": turn.error, "seeds": seeds, "economy": turn.economy}
        message_id = turn.id.partition(":")[2]
        await asyncio.to_thread(_put, f"{self._chat_url}/messages/{message_id}", json.dumps(result).encode())


def _put(url: str, body: bytes) -> None:
    request = urllib.request.Request(url, data=body, method="PUT")
    with urllib.request.urlopen(request, timeout=TIMEOUT_S):
        pass


class Desk:
    """Carries out what the test asks for."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio

    async def answer(self, command: Command) -> object:
        turn_id = command.get("turn_id", "")
        match command["do"]:
            case "submit":
                return await self._studio.submit(_order(command))
            case "cancel":
                return await self._studio.cancel(turn_id, PersonKey(PLATFORM, command["by"]))
            case "hear":
                return [type(event).__name__ async for event in self._studio.events(turn_id)]
            case "queue":
                return len(await self._studio.queue())
            case unknown:
                raise ValueError(unknown)


def _order(command: Command) -> Compose:
    person = command["person"]
    return Compose(
        command["turn_id"],
        ConversationKey(PLATFORM, person),
        PersonKey(PLATFORM, person),
        command["prompt"],
        SETTINGS,
    )


async def serve(answer: Callable[[Command], Awaitable[object]], answers: int) -> None:
    """Answers the lines of standard input, several at a time, until it ends."""
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)

    def say(**said: object) -> None:
        os.write(answers, json.dumps(said).encode() + b"\n")

    async def reply(line: bytes) -> None:
        command = json.loads(line)
        try:
            outcome = {"answer": await answer(command)}
        except (EngineError, StorageError) as error:
            outcome = {"error": type(error).__name__}
        say(id=command["id"], **outcome)

    say(id=0, answer="up")
    async with asyncio.TaskGroup() as replies:
        tasks = [replies.create_task(reply(line)) async for line in lines]
        for task in tasks:
            task.cancel()


async def run(site: Site, executor_id: str, worker_id: str | None) -> None:
    answers = os.dup(1)
    os.dup2(2, 1)  # what anybody prints is no answer
    store = await site.open_store()
    async with AsyncExitStack() as stack:
        if worker_id:
            command = [sys.executable, "-m", "tests.engine.rig.worker", site.to_json(), worker_id]
            await stack.enter_async_context(Supervisor(command, silence_s=site.silence_s))
        jobs = await stack.enter_async_context(
            JobEngine(
                site.jobs_place(executor_id),
                store,
                roles=frozenset({"jobs"}),
                deliveries={PLATFORM: Deliveries(store, site.chat_url)},
            )
        )
        people = People(moderators=frozenset(site.moderators))
        studio = Studio(store, jobs, limits=Limits(**site.limits), people=people)
        await stack.enter_async_context(studio)
        site.ledger.note(executor_id, "process", "up")
        await serve(Desk(studio).answer, answers)


def main(site: str, executor_id: str, worker_id: str | None = None) -> None:
    """Runs until standard input ends."""
    log_plainly()
    asyncio.run(run(Site.from_json(site), executor_id, worker_id))


if __name__ == "__main__":
    main(*sys.argv[1:])
