"""The page: one file that needs nothing else, and is the same for the same system."""

from __future__ import annotations

import json
import os
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from like_keras_core.view.page.notes import Note, Notes
from like_keras_core.view.page.scene import Scene, arrange, machine_name
from like_keras_core.view.page.svg import legend, to_svg
from like_keras_core.view.page.tables import components_table, connections_table
from like_keras_core.view.plain_text import to_duration, to_rate
from like_keras_core.view.report_text import arrival_notes, timing_notes

if TYPE_CHECKING:
    from like_keras_core.report import RunReport
    from like_keras_core.spec import SystemSpec

_PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; \
style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<link rel="icon" href="data:,">
<style>
{style}</style>
</head>
<body>
<a class="skip" href="#tables">Skip to the tables</a>
<header>
<div class="bar">
<div>
<h1>{title}</h1>
<p>{facts}</p>
</div>
<div class="tools" role="group" aria-label="Find and zoom" hidden>
<label class="find"><span class="unseen">Find a component</span>\
<input id="find" type="search" placeholder="Find a component" autocomplete="off">\
</label>
<output id="found"></output>
<button type="button" data-zoom="out" aria-label="Zoom out">&minus;</button>
<button type="button" data-zoom="in" aria-label="Zoom in">+</button>
<button type="button" data-zoom="fit">Fit</button>
<button type="button" data-zoom="full">100&nbsp;%</button>
</div>
</div>
{run}</header>
<main>
<section aria-labelledby="drawing-title">
<h2 id="drawing-title" class="unseen">Drawing</h2>
{legend}
<div class="stage" id="stage">
{drawing}
</div>
<p id="keys" class="keys">Point at a component or connection to see its ports and \
types. Keys: Tab to the drawing, arrows from component to component, Enter to keep one \
marked, Escape to let go.</p>
</section>
<section id="tables" aria-label="Tables" tabindex="-1">
{tables}
</section>
</main>
<div id="tip" role="tooltip" hidden></div>
<script type="application/json" id="notes">{notes}</script>
<script>
{script}</script>
</body>
</html>
"""


def to_html(spec: SystemSpec, report: RunReport | None = None) -> str:
    """Return a system as an HTML page.

    Args:
        spec: The system.
        report: Of a run of it, whose numbers are shown.
    """
    scene = arrange(spec, report)
    notes = Notes(scene)
    folder = files("like_keras_core.view.page")
    tables = [components_table(scene, notes), connections_table(scene, notes)]
    return _PAGE.format(
        title=escape(spec.name),
        style=folder.joinpath("page.css").read_text("utf-8"),
        script=folder.joinpath("page.js").read_text("utf-8"),
        facts=escape(_facts(scene)),
        run=_run(report),
        legend=legend(scene),
        drawing=to_svg(scene, notes),
        tables="\n".join(tables),
        notes=_as_json(
            {
                "components": [
                    _note(notes.of_component(item)) for item in spec.components
                ],
                "wires": [
                    {
                        **_note(notes.of_wire(wire)),
                        "ends": [wire.link.source, wire.link.target],
                    }
                    for wire in scene.wires
                ],
            }
        ),
    )


def write_page(
    spec: SystemSpec, path: str | os.PathLike[str], report: RunReport | None = None
) -> Path:
    """Write a system as an HTML page and return where it is.

    Args:
        spec: The system.
        path: The file; its name ends in `.html`.
        report: Of a run, whose figures the page shows.

    Raises:
        ValueError: The name does not end in `.html`.
    """
    target = Path(path)
    if target.suffix != ".html":
        raise ValueError(
            f"A page is written to a file that ends in .html; got {str(target)!r}."
        )
    target.write_text(to_html(spec, report), encoding="utf-8")
    return target


def _facts(scene: Scene) -> str:
    machines = {machine_name(node) for node in scene.nodes.values()}
    parts = [
        _count(len(scene.spec.components), "component"),
        _count(len(scene.wires), "connection"),
        _count(len(scene.nodes), "node"),
        _count(len(machines), "machine"),
    ]
    if scene.spec.rate_hz:
        parts.append(f"{scene.spec.rate_hz:g} Hz")
    if scene.spec.late != "wait":
        parts.append("skips what is late")
    return " · ".join(parts)


def _run(report: RunReport | None) -> str:
    if report is None:
        return ""
    rows = [
        ("engine", report.engine),
        ("ticks", str(report.iterations)),
        ("duration", to_duration(report.duration_s)),
        ("rate", to_rate(report.iterations, report.duration_s)),
        ("ended by", report.ended_by),
    ]
    if report.late_ticks:
        rows.append(("late ticks", str(report.late_ticks)))
    items = "".join(
        f"<div><dt>{label}</dt><dd>{escape(text)}</dd></div>" for label, text in rows
    )
    found = (*timing_notes(report), *arrival_notes(report))
    notes = "".join(f"<li>{escape(note)}</li>" for note in found)
    said = f'<ul class="run-notes">{notes}</ul>\n' if notes else ""
    return f'<dl class="run-facts">{items}</dl>\n{said}'


def _count(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _note(note: Note) -> dict[str, object]:
    return {"title": note.title, "rows": note.rows}


def _as_json(data: object) -> str:
    """Return JSON that ends no script element, whatever is in it."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return text.replace("<", "\\u003c")
