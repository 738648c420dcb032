"""Turn the figures of `scale.py` into the tables of the documentation.

python benchmarks/scale_tables.py scale.json > doc/lsst.analysis.ap/scale.rst.inc
"""

import json
import math
import sys
from pathlib import Path

VISITS = (1000, 100_000)
"""Of a night, and of a data release."""

DETECTORS = 189
PREFIXES = {1e18: "E", 1e15: "P", 1e12: "T", 1e9: "G", 1e6: "M", 1e3: "k", 1: "", 1e-3: "m"}
TIMES = "\N{MULTIPLICATION SIGN}"


def prefix_of(value, unit):
    """Return the power of ten that the unit of a value gets."""
    return next((size for size in PREFIXES if value >= size), 1e-3) if unit else 1


def about(value, unit="", size=None):
    """Return a number as far as two digits, and its unit, which ``size`` is the power of ten of."""
    size = size or prefix_of(value, unit)
    digits = 1 - math.floor(math.log10(value / size))
    number = round(value / size, digits)
    return f"{number:,.{max(digits, 0)}f} {PREFIXES[size]}{unit}".strip()


def measured(figures):
    """Return what was measured, as rows of a table."""
    cpu = figures["cpu_s_per_quantum"]
    return [
        ("What", "How much"),
        ("Pictures of a quantum, by the task alone", about(cpu["task"], "s")),
        ("A quantum with ``pipetask run``, its table included", about(cpu["pipetask_j1"], "s")),
        ("The same with ``zooniverseCutouts``, its files included", about(cpu["direct"], "s")),
        ("An idle quantum with ``pipetask run``", about(cpu["idle"], "s")),
        ("A quantum with ``pipetask run -j 2``", about(cpu["pipetask_j2"], "s")),
        ("One more job of BPS", about(figures["cpu_s_per_job"], "s")),
        (
            f"The final job of BPS, for up to {figures['bps_final_quanta']} quanta",
            about(figures["bps_final_cpu_s"], "s"),
        ),
        ("Read for a quantum", about(figures["read_MB_per_quantum"] * 1e6, "B")),
        ("Memory of a process, at most", about(figures["peak_MB"] * 2**20, "B")),
        ("Table, for a DiaSource", about(figures["table_bytes_per_source"], "B")),
        ("Log and metadata, for a quantum", about(figures["log_bytes_per_quantum"], "B")),
        ("Making the quantum graph, for a quantum", about(figures["graph_cpu_s_per_quantum"], "s")),
        ("Memory for that, for a quantum", about(figures["graph_MB_per_quantum"] * 2**20, "B")),
        ("File of the quantum graph, for a quantum", about(figures["graph_bytes_per_quantum"], "B")),
        ("Export of a DiaSource", about(figures["export_cpu_s_per_source"], "s")),
        ("Picture of a DiaSource", about(figures["png_bytes_per_source"], "B")),
    ]


def computed(figures):
    """Return what follows for a night and for a release, as rows of a table."""
    per_detector = figures["per_detector"]
    counts = [
        {"jobs": visits, "quanta": visits * DETECTORS, "DiaSources": visits * DETECTORS * per_detector}
        for visits in VISITS
    ]

    def row(what, costs, unit="", parts=1):
        totals = [sum(each[name] * cost for name, cost in costs.items()) / parts for each in counts]
        in_units = unit if parts == 1 else ""
        amounts = (about(total, in_units, prefix_of(min(totals), in_units)) for total in totals)
        how = (f"{name} {TIMES} {about(cost, unit) if unit else cost}" for name, cost in costs.items())
        return what, *amounts, " + ".join(how)

    pipetask, job = figures["cpu_s_per_quantum"]["pipetask_j1"], figures["cpu_s_per_job"]
    hour = 3600
    return [
        ("What", "A night", "A data release", "How it is computed"),
        ("Visits, and jobs", *(f"{each['jobs']:,}" for each in counts), "a job for each visit"),
        ("Quanta", *(f"{each['quanta']:,}" for each in counts), f"visits {TIMES} {DETECTORS}"),
        row("DiaSources", {"quanta": per_detector}),
        row("Processor hours", {"quanta": pipetask, "jobs": job}, "s", hour),
        row("Read", {"quanta": figures["read_MB_per_quantum"] * 1e6}, "B"),
        row("Tables", {"DiaSources": figures["table_bytes_per_source"]}, "B"),
        row("Files: table, log and metadata", {"quanta": 3}),
        row("Processor hours for the graph", {"quanta": figures["graph_cpu_s_per_quantum"]}, "s", hour),
        row("Memory for the graph", {"quanta": figures["graph_MB_per_quantum"] * 2**20}, "B"),
        row("File of the graph", {"quanta": figures["graph_bytes_per_quantum"]}, "B"),
        row("Processor hours of the export", {"DiaSources": figures["export_cpu_s_per_source"]}, "s", hour),
        row("Pictures", {"DiaSources": figures["png_bytes_per_source"]}, "B"),
    ]


def as_rst(caption, rows, widths):
    """Return rows as a table in reStructuredText."""
    lines = [f".. list-table:: {caption}", "   :header-rows: 1", f"   :widths: {widths}", ""]
    for row in rows:
        lines += [f"   {' ' if n else '*'} - {cell}" for n, cell in enumerate(row)]
    return "\n".join(lines)


def main():
    """Print the tables."""
    figures = json.loads(Path(sys.argv[1]).read_text())["figures"]
    print(".. Made by benchmarks/scale_tables.py from what benchmarks/scale.py measured. Not to be edited.\n")
    caption = (
        f"Measured with ``benchmarks/scale.py``: detectors of {figures['size']} {TIMES} {figures['size']} "
        f"pixels with {figures['per_detector']} DiaSources each; up to {figures['quanta']} quanta, "
        f"and graphs of up to {figures['graph_quanta']:,}. Times are those of a processor."
    )
    print(as_rst(caption, measured(figures), "70 30"))
    print()
    print(as_rst("What follows from it.", computed(figures), "25 20 24 31"))


if __name__ == "__main__":
    main()
