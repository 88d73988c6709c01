# SPDX-License-Identifier: Apache-2.0
"""The benchmarks still run, on a real broker, and what they write can be read. No time is looked at."""
import collections
import json
import os
import pathlib
import subprocess
import sys
import xml.etree.ElementTree

import pytest

BENCH = pathlib.Path(__file__).resolve().parents[2] / "bench"


@pytest.fixture
def bench(alluvium, tmp_path):
    def run(program, *arguments, check=True):
        done = subprocess.run([sys.executable, BENCH / program, *map(str, arguments)], capture_output=True, text=True,
                              timeout=180, cwd=tmp_path, env={**os.environ, "ALLUVIUM": alluvium.binary}, check=False)
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done

    return run


@pytest.fixture
def workload(alluvium):
    binary = pathlib.Path(alluvium.binary).parent / "bench" / "workload" / "workload"

    def run(*arguments):
        return subprocess.run([binary, *map(str, arguments)], capture_output=True, check=True, timeout=60).stdout

    return run


def test_engine_and_loop_come_to_the_same_memories(bench, kafka, tmp_path):
    before, after = tmp_path / "before.json", tmp_path / "after.json"
    said = bench("run", "smoke", "--brokers", kafka.bootstrap, "--out", before).stdout
    assert "| alluvium" in said and "| loop" in said
    bench("run", "smoke", "--brokers", kafka.bootstrap, "--out", after, "--messages", "5000", "--rules", "20")

    results = json.loads(before.read_text())
    assert len(results["commit"]) >= 40 or results["commit"] == "unknown"
    assert set(results["machine"]) == {"cpu", "cores", "memory_bytes", "kernel"}
    assert {"kafka", "librdkafka", "alluvium"} <= set(results["versions"])
    runs = {run["contestant"]: run for run in results["runs"]}
    assert set(runs) == {"alluvium", "loop"}
    assert runs["alluvium"]["digest"] == runs["loop"]["digest"]
    assert runs["alluvium"]["memories"] == runs["loop"]["memories"] > 500
    assert all(run[key] > 0 for run in runs.values() for key in ("cpu_s", "wall_s", "peak_rss_bytes"))

    compared = bench("compare", before, before).stdout
    assert compared.count("| 1.00") >= 8
    assert "only in the first" in bench("compare", before, after).stdout
    plotted = pathlib.Path(bench("plot", before, "--out", tmp_path / "plots").stdout.strip())
    assert xml.etree.ElementTree.parse(plotted).getroot().tag.endswith("svg")
    # Topics that are left behind would fill the disk of whoever lends a broker; the broker's own have to stay.
    from confluent_kafka.admin import AdminClient
    topics = AdminClient({"bootstrap.servers": kafka.bootstrap}).list_topics(timeout=10).topics
    assert not [name for name in topics if name.startswith(("memories-alluvium", "memories-loop", "messages-"))]
    assert "__consumer_offsets" in topics


def test_the_engine_is_measured_alone(bench, kafka, tmp_path):
    columns = {"latency": ("p99_ms", "--messages", 6_000, "--rate", 5_000),
               "restart": ("first_batch_s", "--messages", 6_000, "--agents", 100),
               "memory": ("resident_bytes", "--messages", 500, "--agents", 500)}
    for scenario, (column, *arguments) in columns.items():
        out = tmp_path / f"{scenario}.json"
        bench("run", scenario, "--runs", 1, "--brokers", kafka.bootstrap, "--out", out, *arguments)
        assert json.loads(out.read_text())["runs"][0][column] > 0


def test_a_file_that_is_no_result_is_refused(bench, tmp_path):
    (tmp_path / "other.json").write_text("{}")
    done = bench("compare", "other.json", "missing.json", check=False)
    assert done.returncode == 1 and "other.json is no file of results" in done.stderr
    done = bench("plot", "missing.json", "--out", tmp_path / "plots", check=False)
    assert done.returncode == 1 and "missing.json" in done.stderr


def test_files_of_micro_benchmarks_are_compared_too(bench, tmp_path):
    for name, times in (("a", (1.0, 3.0, 2.0)), ("b", (4.0, 4.0, 4.0))):
        (tmp_path / f"{name}.json").write_text(json.dumps({"context": {"num_cpus": 2}, "benchmarks": [
            {"name": "decode", "run_name": "decode", "run_type": "iteration", "cpu_time": time, "time_unit": "us"}
            for time in times]}))
    row = [cell.strip() for cell in bench("compare", "a.json", "b.json").stdout.splitlines()[2].split("|")[1:-1]]
    assert row == ["decode", "micro", "CPU ns", "2,000.0", "4,000.0", "2.00"]


def test_contestants_that_differ_get_no_figures(monkeypatch):
    monkeypatch.syspath_prepend(BENCH)
    from harness import contest, contestants, process

    def run(name, *memories):
        digest = contestants.Digest()
        for memory in memories:
            digest.add(*memory)
        return {"contestant": name, **digest.result()}

    first = run("a", ("agent-1", "Login failed!"), ("agent-2", "so what"))
    contest.check_same([first, run("b", ("agent-2", "So, what?"), ("agent-1", "login  failed"))])
    for other in ([("agent-1", "login failed")], [("agent-1", "login failed"), ("agent-1", "so what")],
                  [("agent-1", "login failed")] * 2):
        with pytest.raises(process.Failure, match="memories differ"):
            contest.check_same([first, run("b", *other)])


def test_the_same_options_make_the_same_messages(workload):
    same = ("--messages", 3_000, "--agents", 50)
    assert workload(*same) == workload(*same)
    assert workload(*same) != workload(*same, "--seed", 7)


def test_a_workload_is_as_it_was_asked_for(workload, alluvium, tmp_path):
    rules = tmp_path / "rules.yaml"
    lines = workload("--messages", 20_000, "--agents", 100, "--length", 200, "--match", 0.1, "--noise", 0.3, "--rules",
                     20, "--write-rules", rules)
    messages = [json.loads(line) for line in lines.splitlines()]
    assert len(messages) == len({message["id"] for message in messages}) == 20_000
    # Without skew all agents are equally busy.
    assert set(collections.Counter(message["agent_id"] for message in messages).values()) == {200}
    talk = [len(message["content"]) for message in messages if len(message["content"]) >= 10]
    assert 0.68 < len(talk) / 20_000 < 0.72
    assert 170 < sum(talk) / len(talk) < 230
    # Each message that is to match matches one rule, once.
    (tmp_path / "c.yaml").write_text(f"source: {{file: {{path: \"-\"}}}}\nrules_file: {rules}\n")
    memories = alluvium.json("extract", "-c", tmp_path / "c.yaml", stdin=lines)
    sources = [source for memory in memories for source in memory["source_message_ids"]]
    assert len(set(sources)) == len(sources)
    assert 0.06 < len(memories) / 20_000 < 0.11
    assert len({memory["rule_id"] for memory in memories}) == 20


def test_skew_gives_a_few_agents_most_messages(workload):
    lines = workload("--messages", 20_000, "--agents", 1_000, "--skew", 1.1).splitlines()
    counts = [count for _, count in collections.Counter(json.loads(line)["agent_id"] for line in lines).most_common()]
    assert sum(counts[:10]) > 0.4 * 20_000
    assert len(counts) > 500
