"""Durable jobs: what was acknowledged is carried out, whatever dies in between, on one machine or many.

DBOS Transact is known in this package alone; the rest of the engine sees turns, stages and messages.
"""

from engine.jobs.engine import Deliver, JobEngine
from engine.jobs.housekeeping import Retention
from engine.jobs.identity import IdentityTaken
from engine.jobs.names import COMPOSE, RENDER, ROLES
from engine.jobs.place import JobsPlace, sqlite_jobs_url

__all__ = [
    "COMPOSE",
    "RENDER",
    "ROLES",
    "Deliver",
    "IdentityTaken",
    "JobEngine",
    "JobsPlace",
    "Retention",
    "sqlite_jobs_url",
]
