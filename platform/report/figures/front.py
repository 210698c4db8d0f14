"""The front of several objectives: what each complete configuration is worth by the first two."""

from __future__ import annotations

from functools import partial

from matplotlib.figure import Figure

from platform.report.figures.drawing import Cell, Drawing, Numbers, Tips
from platform.report.figures.style import DOT, HALF, INK, MUTED, OTHER, RECIPE, WINNER, canvas
from platform.report.searched import Searched
from platform.results.formats import percent

Point = tuple[int, float, float]  # trial, worth by the first objective, by the second


def front_figure(searched: Searched) -> Drawing | None:
    """Draw the front; None of one objective, or without a complete trial."""
    if searched.front is None or not searched.front.numbers:
        return None
    worth, headings = searched.front.worth, [one.heading for one in searched.objective.parts]
    points = [(number, two[0].value, two[1].value) for number, two in worth.items()]
    more = f" The others of {len(headings)} objectives are in the table." * (len(headings) > 2)
    return Drawing(
        key="front",
        title="The front",
        caption=f"Every complete configuration by what it is worth in {headings[0]} and in "
        f"{headings[1]} on tune, by all scores. No trial is better in every respect than one on "
        f"the line.{more}",
        alt=f"{len(points)} complete configurations, {len(searched.front.numbers)} on the front.",
        numbers=front_numbers(searched),
        draw=partial(_draw, points, searched),
        wide=HALF,
    )


def front_numbers(searched: Searched) -> Numbers:
    """Return what every complete trial is worth by each objective, the front first."""
    front = searched.front
    if front is None:
        return Numbers(columns=(), rows=())
    order = [*front.numbers, *(number for number in front.worth if number not in front.numbers)]
    rows: list[list[Cell]] = []
    for number in order:
        ends = [end for one in front.worth[number] for end in (one.value, one.half)]
        rows.append([number, _role(searched, number), *ends])
    headings = [one.heading for one in searched.objective.parts]
    columns = [text for one in headings for text in (one, f"{one}, half of the 95 % interval")]
    return Numbers(columns=("trial", "is", *columns), rows=rows)


def _role(searched: Searched, number: int) -> str:
    front = searched.front
    names = ["recipe"] if number == 0 else []
    names += ["on the front"] if front and number in front.numbers else []
    names += ["taken"] if number == searched.winner else []
    return ", ".join(names) or "behind it"


def _draw(points: list[Point], searched: Searched, width: int, tips: Tips) -> Figure:
    figure, axes = canvas(width, round(0.7 * width))
    front = searched.front.numbers if searched.front else ()
    line = sorted((100 * x, 100 * y) for number, x, y in points if number in front)
    axes.plot(*zip(*line, strict=True), color=INK, linewidth=1.2, drawstyle="steps-pre")
    colours = {searched.winner: WINNER, 0: RECIPE}
    for number, x, y in points:
        size = 2 * DOT if number in front else DOT
        place = [100 * x], [100 * y]
        dot = axes.scatter(*place, s=size, color=colours.get(number, OTHER), zorder=3)
        first, second = (one.heading for one in searched.objective.parts[:2])
        tips.add(dot, [f"trial {number}", f"{first} {percent(x)}", f"{second} {percent(y)}"])
        if number in front or number == 0:
            text = f"{number} (recipe)" if number == 0 else str(number)
            axes.annotate(
                text, (place[0][0], place[1][0]), xytext=(5, 5), textcoords="offset points"
            )
    axes.set_xlabel(f"{searched.objective.parts[0].heading}, %", color=MUTED)
    axes.set_ylabel(f"{searched.objective.parts[1].heading}, %", color=MUTED)
    return figure
