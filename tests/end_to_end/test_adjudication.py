# SPDX-License-Identifier: Apache-2.0
"""The small model is asked about memories that are much alike: what it says is done, told, paid for, and done once."""
import json
import pathlib
import signal
import sqlite3

import pytest

from model_runs import endpoint, query, run, write_chat

FLATS = ["I live in a small flat in Berlin", "I live in a small flat in Munich"]
LOCKERS = ["my locker at the gym downstairs is number 12", "my locker at the gym downstairs is number 14"]
SWIMS = ["every summer I swim in the lake near Bern with my brother Tom",
         "every summer I swim in the cold lake near Bern with my brother Tom"]
CHAT = FLATS + LOCKERS + SWIMS
RETRY = "retry: {delay: 20ms, max_delay: 200ms, backlog_delay: 1s}"


def config(folder, url, dedupe="{near: true, adjudicate: true}", more="", name="adjudicate.yaml"):
    """Rules remember every message, and no message is selected for a model."""
    path = folder / name
    path.write_text(f"""
source: {{file: {{path: chat.ndjson}}}}
buffer: {{max_messages: 2, min_messages: 1}}
rules: [{{id: about, pattern: ".*", kind: regex, memory_type: semantic, importance: 0.5, agents: ["*"]}}]
selection: {{by: hash, rate: 0}}
tiers: {{small: {{enabled: true}}}}
endpoints: {{small: {endpoint(url + "/v1")}}}
dedupe: {dedupe}
sink: {{sqlite: {{path: store.db}}}}
{more}
""")
    return path


@pytest.fixture(name="chat", autouse=True)
def fixture_chat(tmp_path):
    write_chat(tmp_path, [{"id": f"m-{n}", "agent_id": "a", "user_id": "u", "org_id": "acme", "content": content}
                          for n, content in enumerate(CHAT)])


def memories(alluvium):
    return {memory["content"]: memory for memory in alluvium.json("memories", "--json", "--store", "store.db")}


def receipt(alluvium, memory_id):
    return alluvium.json("why", memory_id, "--json", "--store", "store.db")[0]


def said(alluvium, memory_id):
    return alluvium.run("why", memory_id, "--store", "store.db").stdout


def test_same_is_merged_update_is_linked_and_different_is_not(alluvium, stub_model, tmp_path):
    run(alluvium, config(tmp_path, stub_model.url))
    kept = memories(alluvium)
    assert set(kept) == set(CHAT) - {SWIMS[1]}
    assert kept[FLATS[1]]["connections"] == [
        {"type": "update", "memory_id": kept[FLATS[0]]["id"], "model": "mistral-small-3.1"}]
    assert all(memory["connections"] == [] for content, memory in kept.items() if content != FLATS[1])
    assert query(tmp_path, "select count(*) from requests") == [(0,)]
    assert len(stub_model.calls()) == 3
    # The receipts.
    winner = receipt(alluvium, kept[SWIMS[0]]["id"])
    merged = winner["dedupe"]["merged"][0]
    assert (merged["why"], merged["content"]) == ("model", SWIMS[1])
    loser = receipt(alluvium, merged["id"])
    assert loser["dedupe"] == {"verdict": "merged", "into": kept[SWIMS[0]]["id"], "why": "model"}
    verdict = loser["verdicts"][0]
    assert (verdict["memory_id"], verdict["verdict"]) == (kept[SWIMS[0]]["id"], "same")
    assert verdict["cost_usd"] > 0
    text = said(alluvium, merged["id"])
    assert f"merged into {kept[SWIMS[0]]['id']}: model" in text
    assert (f"the small model (mistral-small-3.1) says: it says the same as {kept[SWIMS[0]]['id']}; "
            f"request {verdict['request']}, $") in text
    assert receipt(alluvium, kept[FLATS[1]]["id"])["verdicts"][0]["verdict"] == "update"
    assert "is about something else than" in said(alluvium, kept[LOCKERS[1]]["id"])
    # The money.
    cost = query(tmp_path, "select sum(cost) from calls")[0][0]
    assert cost > 0
    assert dict(query(tmp_path, "select scope, spent from spend")) == {"agent": cost, "org": cost, "global": cost}
    # Again: nothing is new, nothing is asked.
    run(alluvium, config(tmp_path, stub_model.url))
    assert len(stub_model.calls()) == 3
    assert set(memories(alluvium)) == set(kept)


def test_off_costs_nothing(alluvium, stub_model, tmp_path):
    run(alluvium, config(tmp_path, stub_model.url, "{near: true}"))
    kept = memories(alluvium)
    assert set(kept) == set(CHAT)
    for earlier, later in (FLATS, LOCKERS, SWIMS):
        assert kept[later]["connections"] == [{"type": "possible_update", "memory_id": kept[earlier]["id"]}]
    assert stub_model.calls() == []
    assert query(tmp_path, "select count(*) from verdicts") == [(0,)]


@pytest.mark.parametrize("do", [{"cut_answer": True}, {"refusal": True}, {"wrong_schema": True},
                                {"inject": {"text": "{\"verdicts\":[{\"pair\":7,\"verdict\":\"same\"}]}"}}])
def test_what_is_no_verdict_changes_nothing(alluvium, stub_model, tmp_path, do):
    stub_model.script([{"match": {"every": 1}, "do": do}])
    run(alluvium, config(tmp_path, stub_model.url, more=RETRY))
    kept = memories(alluvium)
    assert set(kept) == set(CHAT)
    assert kept[FLATS[1]]["connections"] == [{"type": "possible_update", "memory_id": kept[FLATS[0]]["id"]}]


@pytest.mark.parametrize("do", ["prose", "fenced"])
def test_what_is_around_an_answer_does_not_matter(alluvium, stub_model, tmp_path, do):
    stub_model.script([{"match": {"every": 1}, "do": {do: True}}])
    run(alluvium, config(tmp_path, stub_model.url))
    assert set(memories(alluvium)) == set(CHAT) - {SWIMS[1]}
    assert len(stub_model.calls()) == 3


def test_a_failing_call_is_repeated(alluvium, stub_model, tmp_path):
    stub_model.script([{"match": {"nth": [1, 2]}, "do": {"status": 503}}])
    run(alluvium, config(tmp_path, stub_model.url, more=RETRY))
    assert set(memories(alluvium)) == set(CHAT) - {SWIMS[1]}


def test_without_budget_pairs_wait_and_are_asked_about_later(alluvium, stub_model, tmp_path):
    path = config(tmp_path, stub_model.url, more="budget: {monthly: \"0.000001\"}")
    run(alluvium, path)
    assert set(memories(alluvium)) == set(CHAT)
    assert stub_model.calls() == []
    assert query(tmp_path, "select distinct state from requests") == [("parked",)]
    waits = query(tmp_path, "select low_id from verdicts where verdict = 'asked' limit 1")[0][0]
    assert "the small model is asked how it stands to" in said(alluvium, waits)
    assert alluvium.run("budget", "set", "--global", "1.00", "--store", "store.db").returncode == 0
    run(alluvium, path)
    assert set(memories(alluvium)) == set(CHAT) - {SWIMS[1]}


def test_a_kill_while_the_model_is_asked_changes_nothing(alluvium, stub_model, tmp_path):
    path = config(tmp_path, stub_model.url, more=RETRY)
    stub_model.script([{"match": {"every": 1}, "do": {"hang": True}}])
    engine = alluvium.start("run", "-c", path, "--until-end", "--progress", "never")
    alluvium.wait_for(lambda: stub_model.stats()["max_in_flight"] >= 1 or engine.poll() is not None)
    engine.send_signal(signal.SIGKILL)
    engine.wait(30)
    stub_model.script([])
    run(alluvium, path)
    kept = memories(alluvium)
    assert set(kept) == set(CHAT) - {SWIMS[1]}
    assert [link["type"] for link in kept[FLATS[1]]["connections"]] == ["update"]
    assert query(tmp_path, "select count(*) from requests") == [(0,)]


@pytest.mark.parametrize("point", ["model.leased", "model.answered", "model.in_settlement", "model.settled"])
def test_a_kill_around_a_verdict_changes_nothing(alluvium, stub_model, tmp_path, point):
    if b"ALLUVIUM_FAILPOINT" not in pathlib.Path(alluvium.binary).read_bytes():
        pytest.skip("only sanitized builds have failpoints")
    path = config(tmp_path, stub_model.url, more=RETRY)
    died = alluvium.run("run", "-c", path, "--until-end", "--progress", "never",
                        environment={"ALLUVIUM_FAILPOINT": f"{point}=kill:2"})
    assert died.returncode == -signal.SIGKILL, died.stderr
    run(alluvium, path)
    kept = memories(alluvium)
    assert set(kept) == set(CHAT) - {SWIMS[1]}
    assert [link["type"] for link in kept[FLATS[1]]["connections"]] == ["update"]
    assert query(tmp_path, "select count(*) from requests") == [(0,)]
    assert query(tmp_path, "select count(*) from verdicts where verdict = 'asked'") == [(0,)]
    assert len(stub_model.calls()) <= 5  # Two were under way, and are asked again.


def test_batch_jobs_carry_pairs_too(alluvium, stub_model, tmp_path):
    path = config(tmp_path, stub_model.url, more="batch_jobs: {poll_interval: 100ms, job_poll_interval: 100ms}")
    path.write_text(path.read_text().replace("small: {enabled: true}", "small: {enabled: true, mode: batch}"))
    engine = alluvium.start("run", "-c", path, "--progress", "never")
    alluvium.wait_for(lambda: (tmp_path / "store.db").exists() and len(said_so_far(tmp_path)) == 3 or
                      engine.poll() is not None, 60)
    engine.terminate()
    assert engine.wait(30) == 0, engine.log.read_text()
    assert set(memories(alluvium)) == set(CHAT) - {SWIMS[1]}


def said_so_far(folder):
    try:
        return query(folder, "select verdict from verdicts where verdict <> 'asked'")
    except sqlite3.OperationalError:  # Its tables are not made yet.
        return []


def test_a_rebuild_asks_nothing_again_and_ends_alike(alluvium, stub_model, tmp_path):
    path = config(tmp_path, stub_model.url)
    run(alluvium, path)
    before = {content: memory["connections"] for content, memory in memories(alluvium).items()}
    for arguments in (["-c", path, "--all", "--make"], ["-c", path, "--swap"]):
        done = alluvium.run("rebuild", *arguments, "--progress", "never")
        assert done.returncode == 0, done.stdout + done.stderr
    assert {content: memory["connections"] for content, memory in memories(alluvium).items()} == before
    assert len(stub_model.calls()) == 3
    loser = query(tmp_path, "select memory_id from duplicates")[0][0]
    assert "it says the same as" in said(alluvium, loser)
    # What comes after the swap is compared with what it brought.
    with (tmp_path / "chat.ndjson").open("a") as chat:
        chat.write(json.dumps({"id": "m-9", "agent_id": "a", "user_id": "u", "content": f"So, {SWIMS[0]}"}) + "\n")
    run(alluvium, path)
    assert set(memories(alluvium)) == set(before)
    assert query(tmp_path, "select count(*) from duplicates") == [(2,)]


def test_check_says_what_is_missing(alluvium, tmp_path):
    def faults(dedupe, tiers="small: {enabled: true}"):
        path = config(tmp_path, "http://127.0.0.1:1", dedupe)
        path.write_text(path.read_text().replace("small: {enabled: true}", tiers))
        checked = alluvium.run("check", "-c", path)
        refused = alluvium.run("run", "-c", path, "--until-end")
        assert (checked.returncode, refused.returncode > 0) == (1, True)
        return checked.stdout

    assert "dedupe.adjudicate: wants dedupe.near: true" in faults("{adjudicate: true}")
    assert "dedupe.adjudicate: wants tiers.small.enabled: true" in faults("{near: true, adjudicate: true}",
                                                                         "small: {enabled: false}")
