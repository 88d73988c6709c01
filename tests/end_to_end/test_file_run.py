# SPDX-License-Identifier: Apache-2.0
"""`run` and `extract` on files: every line accounted for, resumed, drained."""
import json
import signal
import sqlite3

import pytest

# Room for a sanitized engine, which keeps what it frees: batches are cut earlier when memory is short.
CONFIG = """
source: {{file: {{path: {path}}}}}
preset: customer-support
buffer: {{max_messages: 4, min_messages: 2}}
memory: {{limit: 4GiB}}
sink: {{sqlite: {{path: {store}}}}}
"""


@pytest.fixture
def setup(tmp_path):
    def make(lines):
        path, store, config = tmp_path / "chat.ndjson", tmp_path / "out.db", tmp_path / "c.yaml"
        path.write_bytes(b"".join(line + b"\n" for line in lines))
        config.write_text(CONFIG.format(path=path, store=store))
        return path, store, config

    return make


def line(n, agent="a", content=None):
    return json.dumps({"id": f"m-{n}", "agent_id": agent, "content": content or f"my login {n} failed again"}).encode()


def query(store, sql):
    with sqlite3.connect(store) as db:
        return db.execute(sql).fetchall()


def outcomes(store):
    row = query(store, "select sum(extracted), sum(empty), sum(skipped), sum(noise), sum(dead) from partitions")[0]
    return dict(zip(("extracted", "empty", "skipped", "noise", "dead"), row))


def test_every_line_has_one_outcome(alluvium, setup):
    lines = [line(1), line(2, content="ok"), line(3, content="what a lovely day it is"), b"", b"{broken", line(6)]
    _, store, config = setup(lines)
    done = alluvium.run("run", "-c", config, "--until-end")
    assert done.returncode == 0, done.stderr
    assert outcomes(store) == {"extracted": 2, "empty": 1, "skipped": 0, "noise": 1, "dead": 1}
    assert alluvium.run("ledger", "verify", "-c", config).returncode == 0
    assert query(store, "select offset, reason from dead_letters") == [(5, "not_json")]


def test_a_second_run_reads_only_what_was_appended(alluvium, setup):
    path, store, config = setup([line(n) for n in range(10)])
    assert alluvium.run("run", "-c", config, "--until-end").returncode == 0
    before = query(store, "select memory_id from memories order by 1")
    with path.open("ab") as out:
        out.write(line(10) + b"\n")
    again = alluvium.run("run", "-c", config, "--until-end")
    assert again.returncode == 0, again.stderr
    assert len(query(store, "select memory_id from memories")) == len(before) + 1 == 11
    assert outcomes(store)["extracted"] == 11
    assert alluvium.run("ledger", "verify", "-c", config).returncode == 0


def test_another_file_of_the_same_name_is_refused_until_the_ledger_is_reset(alluvium, setup):
    path, store, config = setup([line(n) for n in range(10)])
    assert alluvium.run("run", "-c", config, "--until-end").returncode == 0
    path.write_bytes(line(77) + b"\n")
    refused = alluvium.run("run", "-c", config, "--until-end")
    assert refused.returncode == 1
    assert "--reset-ledger" in refused.stderr
    accepted = alluvium.run("run", "-c", config, "--until-end", "--reset-ledger")
    assert accepted.returncode == 0, accepted.stderr
    assert len(query(store, "select 1 from memories")) == 11
    assert alluvium.run("ledger", "verify", "-c", config).returncode == 0


def test_sigterm_drains_what_is_held(alluvium, setup):
    _, store, config = setup([line(n, agent=f"agent-{n}") for n in range(50)])
    # Without --until-end it follows the file: one message per agent is held until it is told to end.
    process = alluvium.start("run", "-c", config, "--progress", "never")
    alluvium.wait_for(lambda: watermark(store) == 1)  # Claimed.
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0
    done = alluvium.run("run", "-c", config, "--until-end")
    assert done.returncode == 0, done.stderr
    assert outcomes(store)["extracted"] == 50


def test_a_killed_run_is_finished_by_the_next_with_the_same_result(alluvium, setup, tmp_path):
    lines = [line(n, agent=f"agent-{n % 37}") for n in range(60_000)]
    path, store, config = setup(lines)
    calm_store, calm = tmp_path / "calm.db", tmp_path / "calm.yaml"
    calm.write_text(CONFIG.format(path=path, store=calm_store))
    assert alluvium.run("run", "-c", calm, "--until-end").returncode == 0
    kills = 0
    for _ in range(6):
        process = alluvium.start("run", "-c", config, "--until-end", "--progress", "never")
        marks = watermark(store)
        alluvium.wait_for(lambda: process.poll() is not None or watermark(store) > marks)
        if process.poll() is None:
            process.kill()
            kills += 1
        process.wait()
    assert kills >= 1
    done = alluvium.run("run", "-c", config, "--until-end")
    assert done.returncode == 0, done.stderr
    for table in ("select memory_id, agent_id, content, source_message_ids from memories",
                  "select batch_id, agent_id, outcomes, outcome, memories from batches"):
        assert sorted(query(store, table)) == sorted(query(calm_store, table))
    assert outcomes(store) == outcomes(calm_store)
    assert alluvium.run("ledger", "verify", "-c", config).returncode == 0


def watermark(store):
    """0 while the engine has not made the store's tables yet."""
    try:
        return query(store, "select coalesce(max(watermark), 0) from partitions")[0][0]
    except sqlite3.OperationalError:
        return 0


def test_hostile_lines_end_as_dead_letters_and_the_good_ones_are_done(alluvium, setup):
    bad = [b"{", b"[]", b"null", b'"text"', b"\xff\xfe{\x00}\x00", b'{"content": 7}', b'{"content": "  "}',
           b'{"agent_id": {}, "content": "hello there"}', b"[" * 100_000, b'{"content":"' + b"x" * 2_000_000 + b'"}',
           b'{"content":"\xc3\x28 is not text"}', b'{"messages":[]}', b'{"content":"cut o']
    lines = []
    for n in range(2_000):
        lines += [line(n, agent=f"agent-{n % 5}"), bad[n % len(bad)]] if n < 200 else [line(n, agent=f"agent-{n % 5}")]
    _, store, config = setup(lines)
    done = alluvium.run("run", "-c", config, "--until-end", timeout=120)
    assert done.returncode == 0, done.stderr
    assert outcomes(store)["extracted"] == 2_000
    assert outcomes(store)["dead"] == 200
    assert query(store, "select count(*) from dead_letters where length(detail) < 10") == [(0,)]
    assert alluvium.run("ledger", "verify", "-c", config).returncode == 0


def test_extract_prints_memories_as_lines(alluvium):
    text = b"".join(line(n) + b"\n" for n in range(3)) + b"{broken\n"
    done = alluvium.run("extract", stdin=text)
    assert done.returncode == 0, done.stderr
    memories = [json.loads(row) for row in done.stdout.splitlines()]
    assert [m["content"] for m in memories] == [f"login {n} failed" for n in range(3)]
    assert memories[0]["source_message_ids"] == ["m-0"]
    assert "line 4: not_json" in done.stderr


def test_run_reads_stdin_and_resumes_it(alluvium, setup):
    _, store, config = setup([])
    config.write_text(CONFIG.format(path="'-'", store=store))
    text = b"".join(line(n) + b"\n" for n in range(9))
    for _ in range(2):
        done = alluvium.run("run", "-c", config, "--until-end", stdin=text)
        assert done.returncode == 0, done.stderr
    assert outcomes(store)["extracted"] == 9


def test_an_idle_buffer_leaves_in_silence_and_a_lonely_message_at_max_hold(alluvium, setup):
    path, store, config = setup([line(1, "pair"), line(2, "pair"), line(3, "lonely")])
    config.write_text(CONFIG.format(path=path, store=store).replace(
        "min_messages: 2", "min_messages: 2, idle_timeout: 300ms, max_hold: 900ms"))
    process = alluvium.start("run", "-c", config, "--progress", "never")

    def done():
        return watermark(store) == 4 and [row[0] for row in query(store, "select agent_id from batches order by id")]

    alluvium.wait_for(lambda: done() == ["pair", "lonely"])
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0
