#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Puts what tools/campaign.sh has measured into a document, between its markers.

Usage: tools/campaign_table.py RESULTS DOCUMENT COMMAND COMMIT
"""
import json
import pathlib
import sys
import xml.etree.ElementTree as xml

BEGIN, END = "<!-- campaign: begin -->", "<!-- campaign: end -->"


def rows_of(results):
    """One row per fault, in the order in which they came first."""
    rows = {}
    path = results / "rows.ndjson"
    for line in path.read_text().splitlines() if path.exists() else []:
        one = json.loads(line)
        row = rows.setdefault(one["fault"], {"runs": 0, "times": 0, "messages": 0, "lost": 0, "doubled": 0, "wrong": 0, "healed": []})
        row["runs"] += 1
        for name in ("times", "messages", "lost", "doubled", "wrong", "healed"):
            row[name] += one[name]
    return rows


def fault_table(rows):
    yield "| fault | runs | times | messages | lost | doubled | moves again within |"
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    total = dict.fromkeys(("runs", "times", "messages", "lost", "doubled"), 0)
    for fault, row in rows.items():
        healed = f"{max(row['healed']):.1f} s" if row["healed"] else ""
        wrong = f" ({row['wrong']} WRONG)" if row["wrong"] else ""
        yield (f"| {fault}{wrong} | {row['runs']} | {row['times']:,} | {row['messages']:,} | {row['lost']} | {row['doubled']} |"
               f" {healed} |")
        for name in total:
            total[name] += row[name]
    yield f"| all | {total['runs']} | {total['times']:,} | {total['messages']:,} | {total['lost']} | {total['doubled']} | |"


def test_table(results):
    """How many tests of each file passed: some prove what has no place in a table of messages."""
    yield "| tests | passed | failed |"
    yield "| --- | --- | --- |"
    for path in sorted(results.glob("*.xml")):
        suite = next(xml.parse(path).getroot().iter("testsuite"))
        count = {name: int(suite.get(name)) for name in ("tests", "failures", "errors", "skipped")}
        failed = count["failures"] + count["errors"]
        yield f"| `tests/faults/{path.stem}.py` | {count['tests'] - failed - count['skipped']} | {failed} |"


def main():
    results, document, command, commit = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), *sys.argv[3:]
    text = document.read_text()
    head, rest = text.split(BEGIN)
    tail = rest.split(END)[1]
    lines = [BEGIN, f"`{command}`, at commit `{commit}`:", "", *fault_table(rows_of(results)), "", *test_table(results), END]
    document.write_text(head + "\n".join(lines) + tail)


if __name__ == "__main__":
    main()
