"""What is looked up when somebody asks, beside what `engine.metrics` has counted."""

from collections.abc import Iterable, Mapping
from typing import Protocol

from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily


class Figures(Protocol):
    """What a process knows of itself at a moment."""

    async def troubles(self) -> Mapping[str, str]:
        """Each part that has to work for the process to be ready, with what is wrong; empty for nothing."""
        ...

    async def gauges(self) -> Iterable[Metric]:
        """Figures of this moment."""
        ...


def gauge(name: str, text: str, values: Mapping[str, float], label: str = "") -> GaugeMetricFamily:
    """A figure by the values of a label, or one alone under the empty name."""
    family = GaugeMetricFamily(name, text, labels=[label] if label else [])
    for value, number in values.items():
        family.add_metric([value] if label else [], number)
    return family
