# SPDX-License-Identifier: Apache-2.0
"""Files of results, and the table that is printed of them."""
import json
import statistics

from .process import Failure

FORMAT = 1
NEEDED = {"format", "scenario", "commit", "machine", "versions", "command", "workloads", "left_out", "runs"}
NANOSECONDS = {"ns": 1, "us": 1e3, "ms": 1e6, "s": 1e9}
# Of a run: key, heading, how a value is written, how many of the unit one is.
COLUMNS = [("cpu_s", "CPU s", "{:.2f}", 1), ("cpu_s_per_million", "CPU s per million", "{:.2f}", 1), ("wall_s", "wall s", "{:.1f}", 1),
           ("peak_rss_bytes", "peak RSS MB", "{:,.0f}", 1e-6), ("memories", "memories", "{:,.0f}", 1),
           ("p50_ms", "p50 ms", "{:.0f}", 1), ("p99_ms", "p99 ms", "{:.0f}", 1), ("p999_ms", "p99.9 ms", "{:.0f}", 1),
           ("max_ms", "max ms", "{:.0f}", 1), ("window", "window", "{:,.0f}", 1),
           ("claimed_s", "claimed after s", "{:.3f}", 1), ("first_batch_s", "first batch after s", "{:.3f}", 1),
           ("agents", "agents", "{:,.0f}", 1), ("resident_bytes", "resident MB", "{:,.1f}", 1e-6),
           ("cpu_ns", "CPU ns", "{:,.1f}", 1),
           ("bytes_per_agent", "bytes per agent", "{:,.0f}", 1)]


def short(commit):
    """With the "+" of one that has changes on top."""
    return commit[:12] + commit[40:]


def medians(results):
    """(workload, contestant) -> column -> median over the runs, in the order of the file."""
    groups = {}
    for run in results["runs"]:
        groups.setdefault((run["workload"], run["contestant"]), []).append(run)
    return {group: {key: statistics.median(run[key] for run in runs) for key, *_ in COLUMNS if key in runs[0]}
            for group, runs in groups.items()}


def table(headings, rows):
    """As Markdown, with the columns one below the other."""
    lines = [headings, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(headings))]
    shown = ["| " + " | ".join(text.ljust(width) for text, width in zip(line, widths)) + " |" for line in lines]
    return "\n".join([shown[0], "| " + " | ".join("-" * width for width in widths) + " |", *shown[1:]])


def summary(results):
    """Medians: one table per workload, with each contestant's CPU beside the loop's; of the engine alone one for all."""
    found = medians(results)
    if len({contestant for _, contestant in found}) == 1:
        return columns_of({workload: values for (workload, _), values in found.items()})
    parts = []
    for workload in results["workloads"]:
        rows = {contestant: values for (name, contestant), values in found.items() if name == workload}
        if rows:
            parts.append(f"{workload}\n\n{columns_of(rows)}")
    return "\n\n".join(parts + [f"Left out: {text}" for text in results["left_out"]])


def columns_of(rows):
    """`rows`: heading -> medians."""
    columns = [column for column in COLUMNS if any(column[0] in values for values in rows.values())]
    base = rows.get("loop", {}).get("cpu_s_per_million")
    lines = []
    for name, values in rows.items():
        line = [name] + [form.format(values[key] * scale) if key in values else "" for key, _, form, scale in columns]
        lines.append(line + ([f"{values['cpu_s_per_million'] / base:.2f}"] if base else []))
    return table(["", *(heading for _, heading, *_ in columns)] + (["CPU to loop"] if base else []), lines)


def write(results, path):
    path.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


def of_micro(found):
    """What Google Benchmark writes (--benchmark_out), as if it were a contest: one workload per benchmark."""
    context = found["context"]
    runs = [{"workload": run.get("run_name", run["name"]), "contestant": "micro",
             "cpu_ns": run["cpu_time"] * NANOSECONDS[run["time_unit"]]}
            for run in found["benchmarks"] if run.get("run_type", "iteration") == "iteration"]
    return {"format": FORMAT, "scenario": "micro", "commit": context.get("commit", "unknown"),
            "machine": {"cpu": context.get("cpu", "unknown"), "cores": context.get("num_cpus", 0)}, "versions": {},
            "command": context.get("executable", ""), "workloads": {run["workload"]: {} for run in runs},
            "left_out": [], "runs": runs}


def read(path):
    """A file of `bench/run` or of Google Benchmark."""
    try:
        results = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(results, dict) and "benchmarks" in results:
            results = of_micro(results)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Failure(f"{path}: {error}") from None
    if not isinstance(results, dict) or not NEEDED <= results.keys() or results["format"] != FORMAT:
        raise Failure(f"{path} is no file of results")
    return results
