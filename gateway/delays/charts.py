"""The pictures of a report as SVG: no font, script or address outside of them; the same figures give the same bytes."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from gateway.delays.clock import StopsAt
from gateway.delays.figures import REFERENCES
from gateway.delays.trends import DRAWN_LEGS, SPAN_DAYS, Trends
from gateway.delays.words import Words

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BLUE, ORANGE, GREEN, GREY, INK = "#2b6a99", "#c8602b", "#3c8d5a", "#8a949e", "#26323d"
_REFERENCES = (0, 1, 3)
"""Those with a line of their own in the months: the third is too near the second to be told from it."""
_WIDTH = 7.4
_TICKS = {1: "1 s", 60: "1 min", 3_600: "1 h", 86_400: "1 {day}", 8 * 86_400: "8 {day}", 30 * 86_400: "30 {day}"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """One picture with what it says in words."""

    name: str
    title: str
    caption: str
    svg: str


def charts(trends: Trends, words: Words) -> tuple[Chart, ...]:
    """All pictures there are figures for; ``ImportError`` without matplotlib (the extra ``report``)."""
    found: list[Chart] = []
    if any(month.share_in_time is not None for month in trends.months):
        found.append(_chart("months", 2.6, lambda axes: _months(axes, trends, words), words))
    if trends.waiting:
        found.append(_chart("waiting", 2.7, lambda axes: _waiting(axes, trends, words), words))
    if any(trends.legs[leg].size for leg in DRAWN_LEGS):
        found.append(_chart("legs", 3.2, lambda axes: _legs(axes, trends, words), words))
    if trends.heat.services:
        height = 1.0 + 0.27 * len(trends.heat.services)
        found.append(_chart("heat", height, lambda axes: _heat(axes, trends, words), words))
    return tuple(found)


def _chart(name: str, height: float, draw: Callable[[Axes], None], words: Words) -> Chart:
    import matplotlib as mpl  # noqa: PLC0415 - half a second that other formats do not need
    from matplotlib.figure import Figure  # noqa: PLC0415

    style: dict[Any, Any] = {
        "text.parse_math": False,
        "svg.fonttype": "path",
        "svg.hashsalt": name,
        "font.size": 8.5,
        "axes.edgecolor": GREY,
    }
    style |= {"text.color": INK, "axes.labelcolor": INK, "xtick.color": INK, "ytick.color": INK}
    out = io.StringIO()
    with mpl.rc_context(style):
        figure = Figure(figsize=(_WIDTH, height), layout="constrained")
        axes = figure.add_subplot()
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
        draw(axes)
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None}, transparent=True)
    svg = out.getvalue()
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg[svg.index("<svg") :], flags=re.DOTALL)
    return Chart(name=name, title=words.charts[name][0], caption=words.charts[name][1], svg=svg)


def _months(axes: Axes, trends: Trends, words: Words) -> None:
    places = np.arange(len(trends.months))
    shares = np.array([month.share_in_time or 0.0 for month in trends.months])
    axes.bar(places, shares, width=0.72, color=BLUE, zorder=2)
    for place, month, share in zip(places, trends.months, shares, strict=True):
        is_high = share > 0.15
        told = "–" if month.share_in_time is None else words.percent(share)
        axes.annotate(
            told, (place, share), (0, -3 if is_high else 3), textcoords="offset points", ha="center", fontsize=7.5,
            va="top" if is_high else "bottom", color="white" if is_high else INK, zorder=4,
        )  # fmt: skip
    for number in _REFERENCES:
        reference = REFERENCES[number]
        axes.axhline(reference.share_in_time, color=ORANGE, linewidth=0.9, linestyle=(0, (4, 3)), zorder=3)
        label = f"{words.reference(reference.label)} {words.percent(reference.share_in_time, 1)}"
        axes.annotate(
            label, (1.01, reference.share_in_time), xycoords=("axes fraction", "data"), va="center", fontsize=7.5,
            color=ORANGE,
        )  # fmt: skip
    step = max(1, -(-len(places) // 18))
    names = [month.name.split("-") for month in trends.months]
    labels = [
        f"{month}\n{year}" if number == 0 or month == "01" else month for number, (year, month) in enumerate(names)
    ]
    axes.set_xticks(places[::step], labels[::step])
    axes.tick_params(axis="x", length=0)
    axes.set_xlim(-0.7, max(len(places), 4) - 0.3)
    _percent_axis(axes, words)


def _waiting(axes: Axes, trends: Trends, words: Words) -> None:
    for proof, colour in ((StopsAt.SENT, BLUE), (StopsAt.DELIVERED, GREEN), (StopsAt.READ, ORANGE)):
        if proof in trends.waiting:
            curve = trends.waiting[proof]
            axes.step(trends.days, curve, where="post", color=colour, linewidth=1.7, label=words.proofs[proof.value])
    axes.axvline(8, color=GREY, linewidth=0.9, linestyle=(0, (4, 3)))
    axes.annotate(words.eight_days, (8, 1.0), (3, 0), textcoords="offset points", va="top", fontsize=7.5, color=GREY)
    axes.set_xlim(0, SPAN_DAYS)
    axes.set_xticks([0, 1, 2, 4, 8, 12, 16, 20, 25, 30])
    axes.set_xlabel(words.days_since)
    axes.legend(frameon=False, loc="upper right", fontsize=8)
    _percent_axis(axes, words)


def _legs(axes: Axes, trends: Trends, words: Words) -> None:
    edges = np.unique(np.round(np.geomspace(1, 40 * 86_400, 56))) - 0.5  # durations are whole seconds
    shown = [leg for leg in DRAWN_LEGS if trends.legs[leg].size]
    for place, leg in enumerate(reversed(shown)):
        taken = np.clip(trends.legs[leg], 1, edges[-1] - 1)
        counts, _ = np.histogram(taken, edges)
        density = counts / np.diff(np.log(edges))
        heights = 0.84 * density / density.max()
        axes.bar(edges[:-1], heights, np.diff(edges), bottom=place, align="edge", color=BLUE, linewidth=0)
        median, p90 = float(np.median(taken)), float(np.quantile(taken, 0.9, method="inverted_cdf"))
        axes.vlines(median, place, place + 0.9, color=ORANGE, linewidth=1.8)
        axes.vlines(p90, place, place + 0.9, color=ORANGE, linewidth=1.1, linestyle=(0, (2, 1.5)))
    names = [f"{words.legs[leg.value]}\n(n = {trends.legs[leg].size:,})".replace(",", "\u202f") for leg in shown]
    axes.set_yticks(np.arange(len(shown)) + 0.4, names[::-1])
    axes.tick_params(axis="y", length=0)
    axes.set_xscale("log")
    axes.set_xlim(edges[0], edges[-1])
    axes.set_xticks(list(_TICKS), [label.format(day=words.day) for label in _TICKS.values()])
    axes.minorticks_off()
    axes.grid(axis="x", color="#e3e7eb", linewidth=0.7)
    axes.set_axisbelow(True)


def _heat(axes: Axes, trends: Trends, words: Words) -> None:
    from matplotlib.colors import LinearSegmentedColormap  # noqa: PLC0415

    heat = trends.heat
    colours = LinearSegmentedColormap.from_list("share", ["#f3d9c9", "#f7f4ee", "#bcd5e6", BLUE])
    scale = colours.with_extremes(bad="#f4f5f6")
    across, down = np.arange(8) - 0.5, np.arange(len(heat.services) + 1) - 0.5
    shares = np.ma.masked_invalid(heat.shares)  # as shapes: a picture inside the picture would be blocked in a page
    axes.pcolormesh(across, down, shares, cmap=scale, vmin=0, vmax=1, edgecolors="white", linewidth=0.8)
    axes.invert_yaxis()
    for (row, day), share in np.ndenumerate(heat.shares):
        told = "·" if np.isnan(share) else words.percent(float(share))
        colour = "white" if share > 0.82 else INK
        axes.text(day, row, told, ha="center", va="center", fontsize=7.5, color=colour)
    axes.set_xticks(range(7), words.weekdays)
    axes.set_yticks(range(len(heat.services)), [_short(name) for name in heat.services])
    axes.tick_params(length=0)
    axes.xaxis.tick_top()
    for spine in axes.spines.values():
        spine.set_visible(False)


def _percent_axis(axes: Axes, words: Words) -> None:
    axes.set_ylim(0, 1.05)
    axes.set_yticks([0, 0.25, 0.5, 0.75, 1], [words.percent(share) for share in (0, 0.25, 0.5, 0.75, 1)])
    axes.grid(axis="y", color="#e3e7eb", linewidth=0.7)
    axes.set_axisbelow(True)


def _short(name: str, width: int = 28) -> str:
    plain = "".join(sign if sign.isprintable() else "?" for sign in name)
    return plain if len(plain) <= width else plain[: width - 1] + "…"
