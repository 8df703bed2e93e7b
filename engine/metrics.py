"""What is measured in a process, for Prometheus; docs/observability.md says what each figure means.

Labels have few values, all of them known to the program: never a person, a chat, a prompt or an id. Measuring
costs next to nothing and is always on; whether anybody is told is the bot's affair.
"""

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram

from engine.errors import Refused

REGISTRY: Final = CollectorRegistry()
"""All figures of this process; other libraries' stay out of it."""

WAIT: Final = "wait"
COMPOSE: Final = "compose"
RENDER: Final = "render"
FIRST_PICTURE: Final = "first_picture"
DELIVER: Final = "deliver"
WHOLE: Final = "whole"

_STAGES: Final = (WAIT, COMPOSE, RENDER, FIRST_PICTURE, DELIVER, WHOLE)
_SECONDS: Final = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600)
_STEP_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1, 2.5, 5, 10, 30)
_LAG_SECONDS: Final = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)
_RATES: Final = (1, 2, 5, 10, 20, 30, 50, 75, 100, 150, 200, 300, 500, 1000)

STAGE_S: Final = Histogram(
    "omost_stage_seconds",
    "What requests took that have ended, stage by stage.",
    ["stage"],
    buckets=_SECONDS,
    registry=REGISTRY,
)
REQUESTS: Final = Counter(
    "omost_requests", "Requests that have ended.", ["platform", "result"], registry=REGISTRY
)
PICTURES: Final = Counter("omost_pictures", "Pictures that were asked for and painted.", registry=REGISTRY)
REPAIRS: Final = Counter("omost_repairs", "What was mended in composed scenes.", ["what"], registry=REGISTRY)
ECONOMIES: Final = Counter(
    "omost_economies", "Requests whose pictures did not fit into the memory at first.", registry=REGISTRY
)
REFUSALS: Final = Counter(
    "omost_refusals",
    "Requests that people can change, by what stood against them.",
    ["reason"],
    registry=REGISTRY,
)
ERRORS: Final = Counter("omost_errors", "Everything else that went wrong.", ["error"], registry=REGISTRY)
DELIVERIES: Final = Counter(
    "omost_deliveries", "Tries to show what came of a request.", ["platform", "result"], registry=REGISTRY
)
WORKER_ENDS: Final = Counter(
    "omost_worker_ends", "Times that the worker of this process ended unasked.", registry=REGISTRY
)
STEP_S: Final = Histogram(
    "omost_step_seconds",
    "Between two steps of the same picture.",
    ["renderer"],
    buckets=_STEP_SECONDS,
    registry=REGISTRY,
)
TOKENS: Final = Counter("omost_model_tokens", "Tokens that the local model wrote.", registry=REGISTRY)
PASSES: Final = Counter("omost_model_passes", "Passes of the local model.", registry=REGISTRY)
MODEL_S: Final = Counter("omost_model_seconds", "Seconds that the local model wrote.", registry=REGISTRY)
TOKEN_RATE: Final = Histogram(
    "omost_model_tokens_per_second",
    "The local model's speed in each answer, prompt and waiting for its turn included.",
    buckets=_RATES,
    registry=REGISTRY,
)
LOOP_LAG_S: Final = Histogram(
    "omost_event_loop_lag_seconds",
    "How much later than it was due the event loop did something.",
    buckets=_LAG_SECONDS,
    registry=REGISTRY,
)

for _stage in _STAGES:  # a stage that nobody has come to yet is told as 0, not as missing
    STAGE_S.labels(_stage)


def count_error(error: BaseException) -> None:
    """Counts what a person was told, by its class: a refusal, or something that went wrong."""
    if isinstance(error, Refused):
        REFUSALS.labels(type(error).__name__).inc()
    else:
        ERRORS.labels(type(error).__name__).inc()


def count_answer(*, tokens: int, passes: int, took_s: float) -> None:
    """Counts an answer that the local model has written to its end."""
    TOKENS.inc(tokens)
    PASSES.inc(passes)
    MODEL_S.inc(took_s)
    TOKEN_RATE.observe(tokens / max(took_s, 1e-3))
