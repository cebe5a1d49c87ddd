"""Draws how seconds and memory grow with the number of records, from JSON on standard input to an SVG file."""

import json
import sys

import matplotlib

matplotlib.use("svg")
matplotlib.rcParams["svg.hashsalt"] = "bench"

from matplotlib import pyplot  # noqa: E402 - the way of drawing is chosen first


def main(file: str) -> None:
    """Two charts side by side, both axes by powers of ten."""
    figure, (time, memory) = pyplot.subplots(1, 2, figsize=(11, 4.2), constrained_layout=True)
    for name, points in json.load(sys.stdin).items():
        sizes, seconds, peaks = zip(*points, strict=True)
        bold = 2.4 if name == "the hub" else 1.2
        time.plot(sizes, seconds, marker="o", markersize=3, linewidth=bold, label=name)
        memory.plot(sizes, peaks, marker="o", markersize=3, linewidth=bold, label=name)
    for axes, title in ((time, "seconds"), (memory, "peak memory, MB")):
        axes.set(title=title, xlabel="records of 2 kB", xscale="log", yscale="log")
        axes.grid(visible=True, which="major", linewidth=0.4)
    time.legend(frameon=False, fontsize=8)
    figure.savefig(file, metadata={"Date": None})


if __name__ == "__main__":
    main(sys.argv[1])
