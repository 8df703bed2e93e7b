"""Waiting for many workflows with one question at a time, however many wait."""

import asyncio
from contextlib import suppress
from types import TracebackType
from typing import Self

import structlog
from dbos import DBOS, WorkflowStatusString

_OPEN = ("ENQUEUED", "PENDING", "DELAYED")
_ENDED = [status.value for status in WorkflowStatusString if status.value not in _OPEN]

_log = structlog.get_logger()


class Endings:
    """Tells when workflows end. An async context manager; while nobody waits, nothing is asked."""

    def __init__(self, poll_s: float) -> None:
        self._poll_s = poll_s
        self._waiting: dict[str, asyncio.Future[None]] = {}
        self._is_needed = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._asking = asyncio.create_task(self._ask())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._asking.cancel()
        with suppress(asyncio.CancelledError):
            await self._asking

    async def of(self, workflow_id: str) -> None:
        """Returns when the workflow has ended, whichever way; one waiter for each workflow."""
        ended = self._waiting[workflow_id] = asyncio.get_running_loop().create_future()
        self._is_needed.set()
        try:
            await ended
        finally:
            self._waiting.pop(workflow_id, None)

    async def _ask(self) -> None:
        while True:
            await self._is_needed.wait()
            await asyncio.sleep(self._poll_s)
            if not self._waiting:
                self._is_needed.clear()
                continue
            try:
                ended = await self._ended(list(self._waiting))
            except Exception as error:  # noqa: BLE001 - whatever it is, those who wait go on waiting
                _log.warning("jobs_not_asked", exc_info=error)
                continue
            for workflow_id in ended:
                future = self._waiting.get(workflow_id)
                if future and not future.done():
                    future.set_result(None)

    async def _ended(self, workflow_ids: list[str]) -> list[str]:
        found = await DBOS.list_workflows_async(
            workflow_ids=workflow_ids, status=_ENDED, load_input=False, load_output=False
        )
        return [workflow.workflow_id for workflow in found]
