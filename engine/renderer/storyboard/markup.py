"""Writes SVG elements. It knows numbers and colours, not what they show."""

from engine.renderer.storyboard.drawing import Rgb, to_hex


def d(*parts: str | float) -> str:
    """The data of a path: commands and numbers, rounded to a hundredth.

    >>> d("M", 0, 1.234, "Z")
    'M 0 1.23 Z'
    """
    return " ".join(
        part if isinstance(part, str) else f"{part:.2f}".rstrip("0").rstrip(".") for part in parts
    )


def path(data: str, fill: str = "none", **more: str | float) -> str:
    """A path."""
    return f'<path d="{data}" fill="{fill}"{_attributes(more)}/>'


def line(data: str, color: str, width: float, **more: str | float) -> str:
    """A path that is only a line, with round ends."""
    return path(data, "none", stroke=color, stroke_width=width, stroke_linecap="round", **more)


def circle(x: float, y: float, radius: float, fill: str, **more: str | float) -> str:
    """A circle."""
    return f'<circle cx="{x:.2f}" cy="{y:.2f}" r="{radius:.2f}" fill="{fill}"{_attributes(more)}/>'


def ellipse(x: float, y: float, across: float, down: float, fill: str, **more: str | float) -> str:
    """An ellipse with its two radii."""
    place = f'cx="{x:.2f}" cy="{y:.2f}" rx="{across:.2f}" ry="{down:.2f}"'
    return f'<ellipse {place} fill="{fill}"{_attributes(more)}/>'


def box(x: float, y: float, width: float, height: float, fill: str, **more: str | float) -> str:
    """A rectangle; `rx` rounds it."""
    place = f'x="{x:.2f}" y="{y:.2f}" width="{max(width, 0):.2f}" height="{max(height, 0):.2f}"'
    return f'<rect {place} fill="{fill}"{_attributes(more)}/>'


def fade(name: str, *stops: tuple[float, Rgb, float]) -> str:
    """A gradient from top to bottom, to fill with `url(#name)`: (place, colour, opacity) each."""
    down = 'x1="0" y1="0" x2="0" y2="1"'
    return f'<defs><linearGradient id="{name}" {down}>{_stops(stops)}</linearGradient></defs>'


def glow(name: str, *stops: tuple[float, Rgb, float]) -> str:
    """A gradient from a middle outwards."""
    return f'<defs><radialGradient id="{name}">{_stops(stops)}</radialGradient></defs>'


def moved(body: str, x: float, y: float, scale: float = 1.0) -> str:
    """Markup at another place and size."""
    return f'<g transform="translate({x:.2f} {y:.2f}) scale({scale:.4f})">{body}</g>'


def _stops(stops: tuple[tuple[float, Rgb, float], ...]) -> str:
    return "".join(
        f'<stop offset="{place}" stop-color="{to_hex(color)}" stop-opacity="{opacity}"/>'
        for place, color, opacity in stops
    )


def _attributes(more: dict[str, str | float]) -> str:
    return "".join(f' {name.replace("_", "-")}="{value}"' for name, value in more.items())
