"""What workflows and queues are called in the jobs' database, where other versions read it too."""

APPLICATION = "omost-bot"
VERSION = "1"
"""Of the workflows, not of the program: open jobs are finished by any program with the same one.

A change of what a workflow does step by step needs a new workflow name beside the old one, not a new version.
"""

JOBS, LLM, IMAGE = "jobs", "llm", "image"
ROLES = frozenset({JOBS, LLM, IMAGE})
"""What a process can be for: the jobs of its platforms, composing, painting."""

JOB, COMPOSE, RENDER = "job", "compose", "render"
STAGE_QUEUES = {COMPOSE: LLM, RENDER: IMAGE}
STREAM = "progress"


def child_id(turn_id: str, stage: str) -> str:
    """The id of a stage's workflow; that of the job is the turn's."""
    return f"{turn_id}/{stage}"


def jobs_queue(platform: str) -> str:
    """The queue of a platform's jobs: only who can deliver there may take them."""
    return f"{JOBS}-{platform}"
