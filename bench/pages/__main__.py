"""Plots bench/results/*.json, and further results, on one page.

    python3 bench/pages [RESULT.json...] -o build/bench/index.html
"""
import argparse
import pathlib
import re

from history import history
from results import ROOT, Results
from roofline import rooflines

STYLE = """
.machine { margin: 0 0 .75rem; font-size: 1.2rem; font-weight: 650; }
section .run { margin: -.5rem 0 .75rem; }
.curves { grid-template-columns: repeat(auto-fill, minmax(min(100%, 27rem), 1fr)); }
.curves text { paint-order: stroke; stroke: var(--card); stroke-width: 3px; }
.legend { display: flex; flex-wrap: wrap; gap: 0 1rem; margin: 0; color: var(--faint); font-size: .85rem; }
b.ours, .ours { color: var(--accent); fill: var(--accent); }
b.peer, .peer { color: var(--third); }
b.ratio, .ratio { color: var(--text); fill: var(--text); }
b.roof { color: var(--faint); }
.mark path, .mark circle { stroke: none; fill: inherit; }
.mark rect { fill: var(--card); stroke: var(--third); stroke-width: 2; }
.curves .joined.ours { stroke: var(--accent); }
.curves .joined.peer { stroke: var(--third); stroke-dasharray: 6 4; }
.curves .joined.ratio { stroke: var(--text); }
.curves .roof { stroke: var(--faint); stroke-width: 1.5; }
.curves .mark.ours circle { fill: var(--accent); fill-opacity: .85; }
.curves .mark.ratio path { fill: var(--text); }
"""


def report_style():
    """The style sheet of the programs' reports."""
    source = (ROOT / "apps" / "common" / "report_page.cpp").read_text()
    return re.search(r"<style>\n(.*?)</style>", source, re.DOTALL)[1]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", nargs="*", type=pathlib.Path)
    parser.add_argument("-o", "--output", type=pathlib.Path, default=ROOT / "build" / "bench" / "index.html")
    options = parser.parse_args()

    files = sorted((ROOT / "bench" / "results").glob("*.json")) + [file for file in options.results if file.exists()]
    results = Results(files)
    body = history(results) + rooflines(results.kernels)
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Benchmarks of sapnet</title>
<style>
{report_style()}{STYLE}</style>
</head>
<body>
<main>
<header>
<h1>Benchmarks</h1>
<p class="run">Time over commits next to the fastest peer of the same run, one section per machine, and the roofline of each machine's
operations. Minimum times on a CPU, medians on a GPU. Hover over a mark for details.</p>
</header>
{body}</main>
</body>
</html>
""")
    print(f"written: {options.output.resolve().as_uri()}")


if __name__ == "__main__":
    main()
