"""The scene as SVG."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from like_keras_core.spec import ComponentSpec, PortSpec
from like_keras_core.view.page.coordinates import NODE_SIDE, Box, Point
from like_keras_core.view.page.notes import Notes
from like_keras_core.view.page.scene import (
    HERE,
    WIDEST,
    Scene,
    Wire,
    shorten,
    subtitle_of,
    title_of,
)
from like_keras_core.view.plain_text import to_duration, to_rate, to_share

_HUES = (212, 150, 28, 280, 340, 185, 52, 4, 245, 95)
_CORNER = 7.0
_LABEL_LETTER, _SMALL_LETTER = 7.4, 6.5


def to_svg(scene: Scene, notes: Notes) -> str:
    """Return the drawing as an SVG element."""
    width, height = scene.layout.width, scene.layout.height
    hues = {name: _HUES[n % len(_HUES)] for n, name in enumerate(scene.nodes)}
    count = len(scene.spec.components)
    label = f"The components of {scene.spec.name}, {count} of them"
    head = (
        f'<svg id="drawing" viewBox="0 0 {_n(width)} {_n(height)}" '
        f'width="{_n(width)}" height="{_n(height)}" role="group" '
        f'aria-label="{escape(label)}" aria-describedby="keys">'
    )
    parts = [
        head,
        *_machines(scene),
        *_nodes(scene, hues),
        *_wires(scene, hues),
        *_components(scene, notes, hues),
        "</svg>",
    ]
    return "\n".join(parts)


def _n(number: float) -> str:
    """Return a number as short as it goes."""
    return f"{number:.1f}".removesuffix(".0")


def _rect(box: Box, radius: float, kind: str) -> str:
    return (
        f'<rect class="{kind}" x="{_n(box.x)}" y="{_n(box.y)}" '
        f'width="{_n(box.width)}" height="{_n(box.height)}" rx="{_n(radius)}"/>'
    )


def _text(x: float, y: float, text: str, kind: str) -> str:
    return (
        f'<text class="{kind}" x="{_n(x)}" y="{_n(y)}">'
        f"{escape(text, quote=False)}</text>"
    )


def _machines(scene: Scene) -> Iterator[str]:
    for name, box in scene.layout.machines.items():
        yield '<g class="machine">'
        yield _rect(box, 16, "area")
        text = shorten(name, min(box.width, WIDEST) - 84, _LABEL_LETTER)
        yield _label(box, 15, 22, "" if name == HERE else "machine", text)
        yield "</g>"


def _nodes(scene: Scene, hues: dict[str, int]) -> Iterator[str]:
    for name, box in scene.layout.nodes.items():
        engine = scene.nodes[name].engine or ""
        yield f'<g class="node" style="--h:{hues[name]}">'
        yield _rect(box, 11, "area")
        room = min(box.width - NODE_SIDE, WIDEST) - 34 - _SMALL_LETTER * len(engine)
        text = shorten(name, room, _LABEL_LETTER)
        yield _label(box, 13, 23, "node", text, engine)
        yield "</g>"


def _label(
    box: Box, right: float, down: float, kind: str, text: str, more: str = ""
) -> str:
    prefix = f'<tspan class="kind">{kind}</tspan> ' if kind else ""
    suffix = f' <tspan class="kind">{escape(more)}</tspan>' if more else ""
    return (
        f'<text class="label" x="{_n(box.x + right)}" y="{_n(box.y + down)}">'
        f"{prefix}{escape(text, quote=False)}{suffix}</text>"
    )


def _wires(scene: Scene, hues: dict[str, int]) -> Iterator[str]:
    yield '<g class="wires">'
    for n, (wire, line) in enumerate(zip(scene.wires, scene.layout.lines, strict=True)):
        kinds = ["wire", wire.crosses or "inner"]
        kinds += ["delayed"] if wire.spec.delay is not None else []
        sender = scene.spec.components[wire.link.source]
        x, y = line[-1]
        path = _path([*line[:-1], (x - 9, y)])
        yield (
            f'<g class="{" ".join(kinds)}" style="--h:{hues[sender.node]}" '
            f'data-wire="{n}">'
        )
        yield f'<path class="reach" d="{path}"/><path class="line" d="{path}"/>'
        if wire.crosses == "machine":
            yield f'<path class="core" d="{path}"/>'
        yield f'<path class="head" d="M{_n(x - 4)} {_n(y)}l-8 -4.5v9z"/>'
        if wire.spec.delay is not None:
            yield f'<path class="register" d="M{_n(x - 17)} {_n(y - 6)}v12m-4 -12v12"/>'
        yield "</g>"
    yield "</g>"


def _path(points: Sequence[Point]) -> str:
    """Return a path along points, its corners rounded."""
    kept = [points[0]]
    for n, point in enumerate(points[1:], 1):
        if point == kept[-1]:
            continue
        if n + 1 < len(points) and _is_straight(kept[-1], point, points[n + 1]):
            continue
        kept.append(point)
    parts = [f"M{_n(kept[0][0])} {_n(kept[0][1])}"]
    for before, here, after in zip(kept, kept[1:], kept[2:], strict=False):
        start, end = _towards(here, before), _towards(here, after)
        parts.append(
            f"L{_n(start[0])} {_n(start[1])}"
            f"Q{_n(here[0])} {_n(here[1])} {_n(end[0])} {_n(end[1])}"
        )
    parts.append(f"L{_n(kept[-1][0])} {_n(kept[-1][1])}")
    return "".join(parts)


def _is_straight(before: Point, here: Point, after: Point) -> bool:
    return any(before[i] == here[i] == after[i] for i in (0, 1))


def _towards(here: Point, other: Point) -> Point:
    """Return the point where a corner's curve ends: at most half of the way."""
    dx, dy = other[0] - here[0], other[1] - here[1]
    length = abs(dx) + abs(dy)
    part = min(_CORNER, length / 2) / length
    return here[0] + dx * part, here[1] + dy * part


def _components(scene: Scene, notes: Notes, hues: dict[str, int]) -> Iterator[str]:
    policies = {wire.spec.target: wire.policy for wire in scene.wires}
    yield '<g class="components">'
    for n, item in enumerate(scene.spec.components):
        box = scene.layout.components[n]
        spoken = escape(notes.of_component(item).spoken)
        yield (
            f'<g class="component" role="button" tabindex="{-1 if n else 0}" '
            f'aria-pressed="false" style="--h:{hues[item.node]}" '
            f'data-component="{n}" aria-label="{spoken}">'
        )
        yield _rect(box, 8, "box")
        yield from _words(scene, item, box)
        for port, place in _ports(item.inputs, box, box.x):
            yield _glyph(place, policies.get(item.address_of(port), "free"))
        for _, place in _ports(item.outputs, box, box.x + box.width):
            yield _glyph(place, "output")
        yield "</g>"
    yield "</g>"


def _ports(
    ports: Sequence[PortSpec], box: Box, x: float
) -> Iterator[tuple[PortSpec, Point]]:
    for n, port in enumerate(ports):
        yield port, (x, box.port(n, len(ports)))


def _glyph(place: Point, kind: str) -> str:
    x, y = place
    if kind == "hold":
        return f'<path class="port hold" d="M{_n(x - 4)} {_n(y - 4)}h8v8h-8z"/>'
    if kind == "latest":
        return f'<path class="port latest" d="M{_n(x - 5)} {_n(y)}l5 -5l5 5l-5 5z"/>'
    return f'<circle class="port {kind}" cx="{_n(x)}" cy="{_n(y)}" r="3.5"/>'


def _words(scene: Scene, item: ComponentSpec, box: Box) -> Iterator[str]:
    room = box.width - 26
    middle = box.x + box.width / 2
    report = scene.report
    run = None if report is None else report.components.get(item.name)
    top = box.y + box.height / 2 - (10 if report is not None else 0)
    yield _text(middle, top - 3, shorten(title_of(item), room), "name")
    subtitle = shorten(subtitle_of(item, scene.spec.rate_hz), room, _SMALL_LETTER)
    yield _text(middle, top + 13, subtitle, "sub")
    if report is None or run is None:
        return
    numbers = (
        to_rate(run.fired, report.duration_s),
        to_duration(run.latency_p50_s),
        to_share(run.busy_s, report.duration_s),
    )
    yield _text(middle, top + 30, " · ".join(numbers), "run")
    share = min(1.0, run.busy_s / report.duration_s) if report.duration_s > 0 else 0.0
    bar = Box(box.x + 10, box.y + box.height - 7, box.width - 20, 3)
    yield _rect(bar, 1.5, "bar")
    if share:
        yield _rect(bar._replace(width=max(2.0, bar.width * share)), 1.5, "busy")


def legend(scene: Scene) -> str:
    """Return what the marks that occur in the drawing mean, as a list."""
    items = []
    for wire, text in _first_of_each(scene.wires):
        items.append(f"<li>{_sample(wire)}{text}</li>")
    for policy, text in (
        ("hold", "input that holds the newest value"),
        ("latest", "input that takes whatever came last"),
    ):
        if any(wire.policy == policy for wire in scene.wires):
            mark = f'<g class="component">{_glyph((12, 9), policy)}</g>'
            items.append(f"<li>{_swatch(mark, 24)}{text}</li>")
    if scene.report is not None:
        bar = Box(2, 12, 40, 3)
        mark = _rect(bar, 1.5, "bar") + _rect(bar._replace(width=14), 1.5, "busy")
        mark = f'<g class="component">{mark}</g>'
        text = "rate · median latency · busy share"
        items.append(f"<li>{_swatch(mark, 44)}{text}</li>")
    return f'<ul class="legend" aria-label="Legend">{"".join(items)}</ul>'


def _first_of_each(wires: Sequence[Wire]) -> Iterator[tuple[str, str]]:
    found = {wire.crosses for wire in wires}
    for crosses, text in (
        ("", "within a process"),
        ("process", "between processes"),
        ("machine", "between machines"),
    ):
        if crosses in found:
            yield crosses or "inner", text
    if any(wire.spec.delay is not None for wire in wires):
        yield "inner delayed", "delayed by a tick"


def _sample(kind: str) -> str:
    core = '<path class="core" d="M2 9H38"/>' if kind == "machine" else ""
    bars = ""
    if "delayed" in kind:
        bars = '<path class="register" d="M30 3v12m-4 -12v12"/>'
    mark = (
        f'<g class="wire {kind}"><path class="line" d="M2 9H38"/>{core}{bars}'
        '<path class="head" d="M46 9l-8 -4.5v9z"/></g>'
    )
    return _swatch(mark, 48)


def _swatch(mark: str, width: int) -> str:
    return (
        f'<svg width="{width}" height="18" viewBox="0 0 {width} 18" '
        f'aria-hidden="true" style="--h:212">{mark}</svg>'
    )
