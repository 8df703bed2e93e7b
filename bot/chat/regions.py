"""Editing a scene region by region: choosing one, its form, locking, removing, adding.

Regions are named by their index in one revision, which never changes, so a panel of last month means the same
as it did.
"""

import asyncio
from typing import Final

from bot.chat import region_panels
from bot.chat.heard import Heard
from bot.chat.presses import Press
from bot.chat.region_panels import EDIT
from bot.chat.requests import Requests
from bot.chat.subjects import Subject, Subjects
from bot.chat.views import Answer, Filled
from bot.locks import lock_line
from bot.region_form import RegionForm, region_of, shortened, with_region, without_region
from storage.errors import NotFound
from storage.store import Store

_IS_LOCKED: Final = "locked"
"""Under this a decision says what became of a press of the lock."""


class Regions:
    """What the buttons and forms of regions do.

    Each method that takes a press raises `NotFound` for a region that the revision does not have.
    """

    def __init__(self, store: Store, requests: Requests, subjects: Subjects) -> None:
        self._store = store
        self._requests = requests
        self._subjects = subjects
        self._locking = asyncio.Lock()

    async def choose(self, heard: Heard, subject: Subject) -> Answer:
        """The regions to choose from."""
        locks = await self._subjects.locks(subject.revision)
        return Answer(view=region_panels.choice(subject.revision, locks, heard.words))

    async def show(self, heard: Heard, subject: Subject, press: Press) -> Answer:
        """One region: what it is and where, and what can be done with it; or its form."""
        index = _index(press)
        local = region_of(subject.revision.scene.canvas, index)
        if press.args[1:2] == (EDIT,):
            return Answer(form=region_panels.form(press, RegionForm.of(local), heard.words))
        locks = await self._subjects.locks(subject.revision)
        view = region_panels.panel(subject.revision, index, locks, heard.words)
        return Answer(view=view, replaces=True)

    def ask_for_new(self, heard: Heard, press: Press) -> Answer:
        """The form of a new region."""
        return Answer(form=region_panels.form(press, RegionForm(), heard.words))

    async def change(self, heard: Heard, subject: Subject, press: Press, filled: Filled) -> Answer:
        """Paints the scene with a region changed as its form says."""
        canvas, index = subject.revision.scene.canvas, _index(press)
        base = region_of(canvas, index)
        local = region_panels.read(RegionForm.of(base), filled).local_description(base)
        locks = await self._subjects.locks(subject.revision)
        if lock_line(base.description) in locks:  # whatever it is called from now on
            locks |= {lock_line(local.description)}
        said = heard.words.text("Region changed: {name}", name=shortened(local.description))
        changed = with_region(canvas, index, local)
        await self._requests.adopt(heard, subject, changed, said, locks)
        return heard.begun(removes=True)

    async def add(self, heard: Heard, subject: Subject, filled: Filled) -> Answer:
        """Paints the scene with the region that the form describes."""
        canvas = subject.revision.scene.canvas
        local = region_panels.read(RegionForm(), filled).local_description(None)
        said = heard.words.text("Region added: {name}", name=shortened(local.description))
        added = with_region(canvas, len(canvas.local_descriptions), local)
        await self._requests.adopt(heard, subject, added, said, await self._subjects.locks(subject.revision))
        return heard.begun(removes=True)

    async def remove(self, heard: Heard, subject: Subject, press: Press) -> Answer:
        """Paints the scene without a region."""
        canvas, index = subject.revision.scene.canvas, _index(press)
        name = shortened(region_of(canvas, index).description)
        said = heard.words.text("Region removed: {name}", name=name)
        rest = without_region(canvas, index)
        await self._requests.adopt(heard, subject, rest, said, await self._subjects.locks(subject.revision))
        return heard.begun(removes=True)

    async def toggle_lock(self, heard: Heard, subject: Subject, press: Press) -> Answer:
        """Keeps the next changes from touching a region, or does not any more; each press does it once.

        Raises:
            NotYours: Only the author's changes may start there, and so only they say what those leave alone.
        """
        await self._requests.check_may_branch(heard, subject)
        index = _index(press)
        line = {lock_line(region_of(subject.revision.scene.canvas, index).description)}
        async with self._locking:  # what somebody else locks at the same moment stays locked
            locks = await self._subjects.locks(subject.revision)
            wanted = {_IS_LOCKED: not line <= locks}
            decision = await self._store.decide(heard.chat.platform, heard.said.key, wanted)
            locks = locks | line if decision[_IS_LOCKED] else locks - line
            await self._subjects.set_locks(subject.revision, locks)
        if line <= locks:
            toast = heard.words.text("Locked: the next changes leave it untouched.")
        else:
            toast = heard.words.text("Unlocked: it may change again.")
        view = region_panels.panel(subject.revision, index, locks, heard.words)
        return Answer(toast=toast, view=view, replaces=True)


def _index(press: Press) -> int:
    try:
        return press.number()
    except ValueError:
        raise NotFound("region", "".join(press.args[:1]) or "-") from None
