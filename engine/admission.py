"""Who may ask for more now, and where in the fair order it goes. Pure: knows numbers, no database."""

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from engine.errors import QueueFull, QuotaUsedUp, TooManyWaiting
from engine.orders import Limits
from storage.records import Durations, Place, Standing

UNMEASURED_S = 10.0
"""What a picture is taken to cost before the first one has been measured."""

_UNITS_PER_S = 100


@dataclass(frozen=True, slots=True)
class Admission:
    """What one request is measured by.

    Attributes:
        pictures: How many it asks for.
        share: How many people's share of the queue the person gets.
    """

    limits: Limits
    pictures: int
    share: int
    durations: Durations

    def place(self, standing: Standing) -> Place:
        """Where the request goes.

        It starts where the person's last one ends, in time of service, but never before the one that is being
        served: who asks for much waits behind who asks for little, and who was away saves nothing up.

        Raises:
            TooManyWaiting: The person has enough open requests.
            QueueFull: Everybody together has.
            QuotaUsedUp: The person has had enough today.
        """
        self._check_bounds(standing)
        self._check_quotas(standing)
        start = _behind_equals(max(standing.served, standing.own_finish), standing.open_starts)
        return Place(start, start + self._cost())

    def _cost(self) -> int:
        picture_s = self.durations.picture_s or UNMEASURED_S
        seconds = (self.durations.compose_s or 0.0) + picture_s * self.pictures
        return max(1, math.ceil(seconds * _UNITS_PER_S / self.share))

    def _check_bounds(self, standing: Standing) -> None:
        allowed = self.limits.running_per_person + self.limits.waiting_per_person
        if standing.own_open >= allowed:
            raise TooManyWaiting(allowed, 0)
        if standing.all_open >= self.limits.waiting_total:
            raise QueueFull(0)

    def _check_quotas(self, standing: Standing) -> None:
        pictures, gpu_s = self.limits.pictures_per_day, self.limits.gpu_s_per_day
        if pictures and standing.pictures_today + self.pictures > pictures:
            raise QuotaUsedUp("pictures-per-day", pictures, _rest_of_day_s())
        if gpu_s and standing.gpu_s_today >= gpu_s:
            raise QuotaUsedUp("gpu-s-per-day", gpu_s, _rest_of_day_s())


def _behind_equals(start: int, open_starts: tuple[int, ...]) -> int:
    """The start, or just behind those who came before to the same one.

    A hundredth of a second is nothing in fairness, and a number of one's own makes an order of arrival that
    needs no clock.
    """
    equals = [one for one in open_starts if start <= one <= start + len(open_starts)]
    return max(equals) + 1 if equals else start


def _rest_of_day_s() -> int:
    now = datetime.now(UTC)
    midnight = (now + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    return math.ceil((midnight - now).total_seconds())
