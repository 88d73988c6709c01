# SPDX-License-Identifier: Apache-2.0
"""`rebuild`: memories made anew from the stream beside the live ones, compared, priced, swapped in or dropped."""
import json
import pathlib
import signal
import sqlite3

import pytest

import model_runs
from rebuild_runs import MOVES, PETS, TRIPS, Rebuilds, chat, memories, write_config


@pytest.fixture
def rebuilds(alluvium, tmp_path):
    return Rebuilds(alluvium, tmp_path)


def test_what_other_rules_would_change_is_shown_and_nothing_is_touched(rebuilds, tmp_path):
    before = memories(tmp_path)
    new = write_config(tmp_path, "new.yaml", [MOVES.replace("0.9", "0.8"), TRIPS])
    rows = rebuilds.rows("-c", new, "--all")
    total = rows[-1]
    assert (total["added"], total["gone"], total["changed"], total["same"]) == (3, 3, 3, 0)
    changes = {(row["change"], row["agent_id"]) for row in rows if row["row"] == "memory"}
    assert len(changes) == 9
    changed = next(row for row in rows if row.get("change") == "changed")
    assert (changed["before"]["importance"], changed["after"]["importance"]) == (0.9, 0.8)
    assert memories(tmp_path) == before
    shown = rebuilds.run("-c", new, "--all").stdout
    assert "3 added, 3 gone, 3 changed, 0 the same, of 3 agents" in shown
    assert "other importance" in shown


def test_the_same_config_changes_nothing(rebuilds):
    total = rebuilds.rows("-c", rebuilds.live, "--all")[-1]
    assert (total["added"], total["gone"], total["changed"], total["same"]) == (0, 0, 0, 6)


def test_a_swap_leaves_what_a_run_with_the_new_rules_would_have_made(rebuilds, alluvium, tmp_path):
    new = write_config(tmp_path, "new.yaml", [TRIPS, PETS])
    fresh = write_config(tmp_path, "fresh.yaml", [TRIPS, PETS], store="fresh.db")
    model_runs_done = alluvium.run("run", "-c", fresh, "--until-end")
    assert model_runs_done.returncode == 0, model_runs_done.stderr
    rebuilds.run("-c", new, "--all")
    swapped = rebuilds.rows("-c", new, "--swap")[0]
    assert (swapped["removed"], swapped["stored"]) == (6, 6)
    assert memories(tmp_path) == memories(tmp_path, "fresh.db")
    assert not rebuilds.shadow().exists()
    rebuilds.verify()
    # The engine goes on where it was, and a second rebuild finds nothing to do.
    model_runs.run(alluvium, new)
    assert rebuilds.rows("-c", new, "--all")[-1]["same"] == 6
    rebuilds.run("-c", new, "--swap")
    assert memories(tmp_path) == memories(tmp_path, "fresh.db")
    rebuilds.verify()


def test_receipts_lead_to_what_the_rebuild_made(rebuilds, alluvium, tmp_path):
    new = write_config(tmp_path, "new.yaml", [TRIPS])
    rebuilds.run("-c", new, "--all")
    rebuilds.run("-c", new, "--swap")
    made = next(row for row in alluvium.json("memories", "-c", new, "--json") if row["agent_id"] == "agent-1")
    why = alluvium.json("why", made["id"], "-c", new, "--json")[0]
    assert [source["message_id"] for source in why["sources"]] == ["1-2"]
    where = alluvium.json("where", "1-2", "-c", new, "--json")
    assert [(row["outcome"], row["memories"]) for row in where] == [("extracted", [made["id"]])]
    gone = alluvium.json("where", "1-0", "-c", new, "--json")
    assert [(row["outcome"], row["memories"]) for row in gone] == [("empty", [])]


def test_only_the_agents_and_the_time_in_scope_are_replaced(alluvium, tmp_path):
    rebuilds = Rebuilds(alluvium, tmp_path, messages=chat(agents=3, each=8))  # Two days.
    before = memories(tmp_path)
    new = write_config(tmp_path, "new.yaml", [TRIPS])
    rebuilds.run("-c", new, "--agent", "agent-1", "--from", "2026-02-02T00:00:00Z", "--to", "2026-02-03T00:00:00Z")
    assert rebuilds.rows("-c", new, "--swap")[0]["removed"] == 1  # The dog was known from the first day.
    after = memories(tmp_path)
    taken = [row for row in before if row not in after]
    assert [(row[0], row[1], json.loads(row[3])) for row in taken] == [("agent-1", "I moved to Oslob", ["1-4"])]
    put_in = [row for row in after if row not in before]
    assert [(row[0], json.loads(row[3])) for row in put_in] == [("agent-1", ["1-6"])]
    rebuilds.verify()


def test_messages_that_came_after_it_was_planned_are_not_its(rebuilds, alluvium, tmp_path):
    new = write_config(tmp_path, "new.yaml", [TRIPS])
    rebuilds.run("-c", new, "--all")
    with (tmp_path / "chat.ndjson").open("a") as out:
        out.write(json.dumps({"id": "late", "agent_id": "agent-0", "content": "I moved to Rome"}) + "\n")
    model_runs.run(alluvium, rebuilds.live)
    rebuilds.run("-c", new, "--swap")
    assert [row[1] for row in memories(tmp_path) if row[3] == '["late"]'] == ["I moved to Rome"]
    assert {row[1].split()[0] for row in memories(tmp_path) if row[3] != '["late"]'} == {"trip"}
    rebuilds.verify()


def test_a_swap_beside_a_running_engine_takes_nothing_from_it(rebuilds, alluvium, tmp_path):
    new = write_config(tmp_path, "new.yaml", [TRIPS])
    engine = alluvium.start("run", "-c", rebuilds.live, "--progress", "never")
    for n in range(5):
        rebuilds.run("-c", new, "--all")
        with (tmp_path / "chat.ndjson").open("a") as out:
            for i in range(20):
                out.write(json.dumps({"id": f"late-{n}-{i}", "agent_id": f"agent-{i}",
                                      "content": f"my cat Tom{'abcde'[n]} again"}) + "\n")
        rebuilds.run("-c", new, "--swap")
        alluvium.wait_for(lambda: engine.poll() is not None or len(
            [1 for row in memories(tmp_path) if f"late-{n}-" in row[3]]) == 20)
        assert engine.poll() is None, engine.log.read_text()
        rebuilds.verify()
        # What came before is made anew by other rules the next time: start again from the old ones.
        rebuilds.run("-c", rebuilds.live, "--all")
        rebuilds.run("-c", rebuilds.live, "--swap")
        rebuilds.verify()
    engine.send_signal(signal.SIGTERM)
    assert engine.wait(30) == 0, engine.log.read_text()
    rebuilds.verify()


def test_a_shadow_can_be_dropped_and_is_refused_by_other_stores(rebuilds, alluvium, tmp_path):
    new = write_config(tmp_path, "new.yaml", [TRIPS])
    rebuilds.run("-c", new, "--all")
    rebuilds.run("-c", new, "--drop")
    assert not rebuilds.shadow().exists()
    assert "no rebuild" in rebuilds.run("-c", new, "--swap", code=1).stderr
    rebuilds.run("-c", new, "--all")
    before = memories(tmp_path)
    (tmp_path / "store.db").unlink()
    model_runs.run(alluvium, rebuilds.live)  # Another store of the same stream.
    assert "not made from this store" in rebuilds.run("-c", new, "--swap", code=1).stderr
    assert memories(tmp_path) == before


def test_another_stream_under_the_same_name_is_refused(rebuilds, tmp_path):
    model_runs.write_chat(tmp_path, [{"id": "x", "content": "other"}] + chat())
    refused = rebuilds.run("-c", rebuilds.live, "--all", code=1)
    assert "another stream" in refused.stderr


def test_wrong_usage_is_said(rebuilds, alluvium, tmp_path):
    assert alluvium.run("rebuild", "-c", rebuilds.live).returncode == 2
    assert alluvium.run("rebuild", "-c", rebuilds.live, "--all", "--agent", "a").returncode == 2
    assert alluvium.run("rebuild", "--all").returncode == 2
    assert alluvium.run("rebuild", "-c", rebuilds.live, "--all", "--from", "yesterday").returncode == 2
    missing = alluvium.run("rebuild", "-c", rebuilds.live, "--all", "--store", tmp_path / "none.db")
    assert missing.returncode == 2 and "no store" in missing.stderr
    assert not (tmp_path / "none.db.rebuild").exists()


# Models ------------------------------------------------------------------------------------------------------------

def model_config(folder, stub, name="live.yaml", prompt=None, more=""):
    tiers = "small: {enabled: true, max_tokens: 1000}"
    if prompt is not None:
        (folder / "prompt.txt").write_text(prompt)
        tiers = "small: {enabled: true, max_tokens: 1000, prompt_file: prompt.txt}"
    path = model_runs.config(folder, stub, tiers, batch=5, more=more)
    return path.rename(folder / name)


def spent(folder):
    with sqlite3.connect(folder / "store.db") as db:
        return db.execute("select spent from spend where scope = 'global'").fetchall()


PROMPT = "Find memories in the messages between the marks. Answer as JSON, as the schema says."


def test_answers_that_are_in_the_store_are_not_paid_again(alluvium, stub_model, tmp_path):
    model_runs.write_chat(tmp_path, model_runs.messages_of(agents=4, each=10))
    config = model_config(tmp_path, stub_model)
    model_runs.run(alluvium, config)
    calls, before, money = len(stub_model.calls()), memories(tmp_path), spent(tmp_path)
    assert calls == 8 and before
    rows = alluvium.json("rebuild", "-c", config, "--all", "--json", "--progress", "never")
    assert (rows[-1]["requests"], rows[-1]["requests_answered_before"], rows[-1]["cost_usd"]) == (0, 8, 0)
    rows = alluvium.json("rebuild", "-c", config, "--all", "--make", "--json", "--progress", "never")
    assert (rows[-1]["same"], rows[-1]["added"], rows[-1]["gone"], rows[-1]["finished"]) == (len(before), 0, 0, True)
    assert len(stub_model.calls()) == calls and spent(tmp_path) == money
    assert alluvium.run("rebuild", "-c", config, "--swap").returncode == 0
    assert memories(tmp_path) == before
    model_runs.run(alluvium, config)
    made = alluvium.json("memories", "-c", config, "--json")[0]
    assert alluvium.json("why", made["id"], "-c", config, "--json")[0]["calls"] == 0  # From the cache.


def test_a_new_prompt_is_priced_then_paid_within_its_budget_and_booked_in_the_live_store(alluvium, stub_model,
                                                                                        tmp_path):
    model_runs.write_chat(tmp_path, model_runs.messages_of(agents=4, each=10))
    live = model_config(tmp_path, stub_model)
    model_runs.run(alluvium, live)
    calls, before, money = len(stub_model.calls()), memories(tmp_path), spent(tmp_path)[0][0]
    new = model_config(tmp_path, stub_model, "new.yaml", PROMPT)
    rebuild = ["rebuild", "-c", new, "--all", "--progress", "never"]
    plan = alluvium.json(*rebuild, "--json")
    assert len(stub_model.calls()) == calls and spent(tmp_path)[0][0] == money
    assert plan[-1]["requests"] == 8 and plan[-1]["cost_usd"] > 0 and plan[-1]["not_compared"] == len(before)
    refused = alluvium.run("rebuild", "-c", new, "--swap")
    assert refused.returncode == 1 and "not finished" in refused.stderr

    short = alluvium.run(*rebuild, "--make", "--budget", "0.0005", "--json")  # A call may cost $0.0003, and costs less.
    assert short.returncode == 1, short.stdout
    total = json.loads(short.stdout.splitlines()[-1])
    made = len(stub_model.calls()) - calls
    assert not total["finished"] and 0 < made < 8 and total["requests_waiting"] == 8 - made
    assert total["paid_usd"] <= 0.0005

    total = alluvium.json(*rebuild, "--make", "--json")[-1]  # Without a limit: the rest.
    assert total["finished"] and len(stub_model.calls()) - calls == 8 and total["calls_made"] == 8
    booked = spent(tmp_path)[0][0] - money
    assert booked == round(total["paid_usd"] * 1e12)
    assert memories(tmp_path) == before
    assert alluvium.run("rebuild", "-c", new, "--swap").returncode == 0
    after = alluvium.json("memories", "-c", new, "--json")
    why = alluvium.json("why", after[0]["id"], "-c", new, "--json")[0]
    assert why["calls"] == 1 and why["cost_usd"] > 0
    model_runs.run(alluvium, new)
    with sqlite3.connect(tmp_path / "store.db") as db:
        assert db.execute("select count(*), count(distinct hash) from calls where outcome = 'answered'").fetchall() == [
            (16, 16)]


def test_what_was_paid_for_stays_paid_when_the_shadow_is_dropped(alluvium, stub_model, tmp_path):
    model_runs.write_chat(tmp_path, model_runs.messages_of(agents=2, each=10))
    live = model_config(tmp_path, stub_model)
    model_runs.run(alluvium, live)
    money, calls = spent(tmp_path)[0][0], len(stub_model.calls())
    new = model_config(tmp_path, stub_model, "new.yaml", PROMPT)
    made = alluvium.json("rebuild", "-c", new, "--all", "--make", "--json", "--progress", "never")[-1]
    other = alluvium.run("rebuild", "-c", live, "--all", "--progress", "never")
    assert other.returncode == 1 and "--drop it first" in other.stderr
    assert alluvium.run("rebuild", "-c", new, "--drop").returncode == 0
    assert spent(tmp_path)[0][0] - money == round(made["paid_usd"] * 1e12)
    with sqlite3.connect(tmp_path / "store.db") as db:
        assert db.execute("select count(*) from calls where outcome = 'answered' and batch = 0").fetchall() == [(4,)]
    again = alluvium.json("rebuild", "-c", new, "--all", "--make", "--json", "--progress", "never")[-1]
    assert again["finished"] and len(stub_model.calls()) == calls + 4
    model_runs.run(alluvium, live)


def test_requests_that_wait_for_messages_in_scope_are_cancelled(alluvium, start_stub_model, tmp_path):
    broken = start_stub_model()
    broken.script([{"match": {}, "do": {"status": 503}}])
    model_runs.write_chat(tmp_path, model_runs.messages_of(agents=3, each=5))
    live = model_config(tmp_path, broken, more="retry: {delay: 1ms, max_delay: 2ms}")
    assert alluvium.run("run", "-c", live, "--until-end", "--progress", "never", timeout=300).returncode == 0
    assert model_runs.outcomes(tmp_path)["pending"] == 15
    new = write_config(tmp_path, "new.yaml", [MOVES])
    options = ["rebuild", "-c", new, "--agent", "agent-1", "--progress", "never"]
    assert alluvium.run(*options).returncode == 0
    swapped = alluvium.json("rebuild", "-c", new, "--swap", "--json")[0]
    assert (swapped["requests_cancelled"], swapped["messages_skipped"]) == (1, 5)
    assert model_runs.outcomes(tmp_path)["pending"] == 10
    with sqlite3.connect(tmp_path / "store.db") as db:
        assert db.execute("select agent_id from requests order by 1").fetchall() == [("agent-0",), ("agent-2",)]
        assert db.execute("select sum(skipped) from partitions where retired = 0").fetchall() == [(5,)]
    assert alluvium.run("ledger", "verify", "-c", live).returncode == 0


def test_what_is_gathered_by_value_is_made_anew_and_cancelled_by_the_message(alluvium, stub_model, tmp_path):
    messages = model_runs.messages_of(agents=2, each=10)
    for n, message in enumerate(messages):
        message["timestamp"] = f"2026-03-{1 + n // 10:02}T00:00:00Z"
    model_runs.write_chat(tmp_path, messages)
    live = model_config(tmp_path, stub_model)
    live.write_text(live.read_text().replace("{by: hash, rate: 1}", "{by: value, rate: 1}"))
    engine = alluvium.start("run", "-c", live, "--progress", "never")  # It waits for more to come.
    alluvium.wait_for(lambda: engine.poll() is not None or (
        (tmp_path / "store.db").exists() and gathered(tmp_path) == [("agent-0", 10), ("agent-1", 10)]))
    engine.kill()
    engine.wait(30)
    new = write_config(tmp_path, "new.yaml", [MOVES])
    scope = ["--agent", "agent-0", "--to", "2026-03-02T00:00:00Z"]
    assert alluvium.run("rebuild", "-c", new, *scope, "--progress", "never").returncode == 0
    swapped = alluvium.json("rebuild", "-c", new, "--swap", "--json")[0]
    assert (swapped["requests_cancelled"], swapped["messages_skipped"]) == (1, 5)
    assert gathered(tmp_path) == [("agent-0", 5), ("agent-1", 10)]
    assert alluvium.run("ledger", "verify", "-c", live).returncode == 0
    total = alluvium.json("rebuild", "-c", live, "--all", "--make", "--json", "--progress", "never")[-1]
    assert total["finished"] and total["added"] > 0
    assert alluvium.run("rebuild", "-c", live, "--swap").returncode == 0
    assert gathered(tmp_path) == []
    made = memories(tmp_path)
    model_runs.run(alluvium, live)
    assert memories(tmp_path) == made


def gathered(folder):
    with sqlite3.connect(folder / "store.db") as db:
        try:
            return db.execute("select agent_id, messages from requests where state = 'gathering' order by 1").fetchall()
        except sqlite3.OperationalError:
            return []


def test_a_kill_while_it_is_made_costs_nothing_twice(alluvium, start_stub_model, tmp_path):
    stub = start_stub_model("--latency", "50")
    model_runs.write_chat(tmp_path, model_runs.messages_of(agents=8, each=10))
    live = write_config(tmp_path, "live.yaml", [MOVES])
    model_runs.run(alluvium, live)
    new = model_config(tmp_path, stub, "new.yaml", PROMPT)
    process = alluvium.start("rebuild", "-c", new, "--all", "--make", "--progress", "never")
    alluvium.wait_for(lambda: len(stub.calls()) >= 4)
    process.kill()
    process.wait(30)
    total = alluvium.json("rebuild", "-c", new, "--all", "--make", "--json", "--progress", "never")[-1]
    assert total["finished"] and total["added"] > 0
    answered = [call for call in stub.calls() if call["status"] == 200]
    # What was under way when it died may have been answered: asked again, and counted as possibly paid.
    assert len({call["body_xxh3"] for call in answered}) == 16
    assert alluvium.run("rebuild", "-c", new, "--swap").returncode == 0
    assert alluvium.run("ledger", "verify", "-c", live).returncode == 0


# Kafka -------------------------------------------------------------------------------------------------------------

def test_a_rebuild_of_a_topic_reads_it_alone_up_to_the_watermarks(alluvium, kafka, tmp_path):
    kafka.create_topic("anew", 3)
    kafka.produce("anew", [(row["agent_id"], row) for row in chat(agents=20, each=8)])
    source = f"kafka: {{brokers: \"{kafka.bootstrap}\", topics: [anew], group: anew, start: earliest}}"
    live = write_config(tmp_path, "live.yaml", [MOVES, PETS], source)
    engine = alluvium.start("run", "-c", live, "--progress", "never")
    alluvium.wait_for(lambda: engine.poll() is not None or (
        (tmp_path / "store.db").exists() and done_in(tmp_path) == 160), 60)
    assert engine.poll() is None, engine.log.read_text()
    new = write_config(tmp_path, "new.yaml", [TRIPS], source)
    rows = alluvium.json("rebuild", "-c", new, "--all", "--json", "--progress", "never")
    assert (rows[-1]["added"], rows[-1]["gone"], rows[-1]["same"]) == (20, 60, 0)
    kafka.produce("anew", [("late", {"id": "late", "content": "I moved to Rome"})])
    alluvium.wait_for(lambda: done_in(tmp_path) == 161, 60)
    assert alluvium.run("rebuild", "-c", new, "--swap").returncode == 0
    engine.terminate()
    assert engine.wait(60) == 0, engine.log.read_text()
    assert len(memories(tmp_path)) == 21
    assert alluvium.run("ledger", "verify", "-c", live).returncode == 0
    log = pathlib.Path(engine.log).read_text()
    assert "claimed by another" not in log and "rebalance" not in log


def done_in(folder):
    with sqlite3.connect(folder / "store.db") as db:
        try:
            return db.execute("select coalesce(sum(extracted + empty + noise), 0) from partitions").fetchone()[0]
        except sqlite3.OperationalError:
            return 0
