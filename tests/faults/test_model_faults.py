# SPDX-License-Identifier: Apache-2.0
"""Every way in which a model server can fail, at each tier: each message keeps one outcome, no memory is there twice,
and no more is asked than batches and retries explain."""
import random
import signal
import socket

import pytest

from model_runs import config, endpoint, messages_of, outcomes, query, run, write_chat

FAST = "retry: {delay: 20ms, max_delay: 200ms, backlog_delay: 1s}"
TIERS = {
    "small": "small: {enabled: true, max_tokens: 4000}",
    "premium": "premium: {enabled: true, max_tokens: 4000, endpoint: small}",
}
# A fault of the first call, and how many calls more than batches it explains.
FAULTS = {
    "429": ({"status": 429, "headers": {"retry-after": "0"}}, 1),
    "500": ({"status": 500}, 1),
    "503": ({"status": 503}, 1),
    "529": ({"status": 529}, 1),
    "408": ({"status": 408}, 1),
    "refuse": ({"refuse": 100}, 5),
    "hang": ({"hang": True}, 1),
    "drip": ({"drip": 100}, 1),
    "close": ({"close": True}, 1),
    "half_close": ({"half_close": True}, 1),
    "reset": ({"reset": True}, 1),
    "reset_mid_body": ({"reset_mid_body": True}, 1),
    "truncate": ({"truncate": True}, 1),
    "html": ({"html": True}, 1),
    "wrong_shape": ({"wrong_shape": True}, 1),
    "wrong_schema": ({"wrong_schema": True}, 1),
    "prose": ({"prose": True}, 1),
    "fenced": ({"fenced": True}, 0),
    "cut_answer": ({"cut_answer": True}, 1),
    "refusal": ({"refusal": True}, 1),
    "huge": ({"huge": True}, 1),
}


@pytest.mark.parametrize("tier", TIERS)
@pytest.mark.parametrize("fault", FAULTS)
def test_a_failing_call_loses_and_repeats_nothing(alluvium, stub_model, tmp_path, tier, fault):
    do, explained = FAULTS[fault]
    write_chat(tmp_path, messages_of(agents=3, each=20))
    stub_model.script([{"match": {"nth": 1}, "do": do}])
    small = endpoint(stub_model.url + "/v1", timeout="1s", read_timeout="500ms", max_response="1MiB")
    run(alluvium, config(tmp_path, stub_model, TIERS[tier], more=FAST, endpoints={"small": small}))
    ends = outcomes(tmp_path)
    assert sum(ends.values()) == 60
    assert (ends["pending"], ends["dead"], ends["noise"], ends["skipped"]) == (0, 0, 0, 0)
    count, distinct = query(tmp_path, "select count(*), count(distinct content) from memories")[0]
    assert count == distinct
    if fault not in ("wrong_schema", "cut_answer"):  # Of those, what was valid was kept.
        assert ends["extracted"] == count == 60
    assert len(stub_model.calls()) <= 3 + explained
    assert stub_model.stats()["duplicates"] == 0 or fault in ("wrong_schema", "prose", "refusal", "cut_answer")


@pytest.mark.parametrize("status", [400, 413, 422])
def test_the_bad_message_alone_becomes_a_dead_letter(alluvium, stub_model, tmp_path, status):
    chat = messages_of(agents=1, each=19)
    chat.insert(7, {"id": "poison", "agent_id": "agent-0", "content": "I love POISON in my tea"})
    write_chat(tmp_path, chat)
    stub_model.script([{"match": {"contains": "POISON"}, "times": 1000, "do": {"status": status}}])
    run(alluvium, config(tmp_path, stub_model, more=FAST))
    assert outcomes(tmp_path) == {"extracted": 19, "empty": 0, "skipped": 0, "noise": 0, "dead": 1, "pending": 0}
    letter, = alluvium.json("dead-letters", "list", "--store", "store.db", "--json")
    assert (letter["message_id"], letter["reason"]) == ("poison", "refused_by_model")
    assert len(stub_model.calls()) <= 1 + 2 * 5


def test_a_gateways_page_in_place_of_the_reply_kills_no_message(alluvium, stub_model, tmp_path):
    write_chat(tmp_path, messages_of(agents=1, each=3))
    # Twice for three of them, twice for two, and then for one alone.
    stub_model.script([{"match": {"contains": "number 0"}, "times": 7, "do": {"html": True}}])
    run(alluvium, config(tmp_path, stub_model, "small: {enabled: true, max_tokens: 4000, min_messages: 1}", batch=3, more=FAST))
    assert outcomes(tmp_path) == {"extracted": 3, "empty": 0, "skipped": 0, "noise": 0, "dead": 0, "pending": 0}


def test_a_retry_waits_for_retry_after_and_is_byte_identical(alluvium, stub_model, tmp_path):
    write_chat(tmp_path, messages_of(agents=2, each=20))
    stub_model.script([{"match": {"nth": 1}, "do": {"status": 429, "headers": {"retry-after": "2"}}}])
    path = config(tmp_path, stub_model, more=FAST, endpoints={
        "small": endpoint(stub_model.url + "/v1", max_concurrent=1)})
    run(alluvium, path)
    first, *others = stub_model.calls()
    # The floor is for the endpoint: not only this request waits.
    assert all(call["time_ms"] >= first["time_ms"] + 2000 for call in others)
    assert first["body_xxh3"] in [call["body_xxh3"] for call in others]
    assert len(others) == 2


def test_a_date_in_retry_after_counts_too(alluvium, stub_model, tmp_path):
    write_chat(tmp_path, messages_of(agents=1, each=20))
    stub_model.script([{"match": {"nth": 1}, "do": {"status": 503, "retry_after_date_s": 3}}])
    run(alluvium, config(tmp_path, stub_model, more=FAST))
    first, second = stub_model.calls()
    assert second["time_ms"] - first["time_ms"] >= 1900  # A date has whole seconds.


def test_the_documents_profile_retries_in_smaller_parts(alluvium, stub_model, tmp_path):
    write_chat(tmp_path, messages_of(agents=1, each=5))
    stub_model.script([{"match": {"nth": 1}, "do": {"status": 500}}])
    run(alluvium, config(tmp_path, stub_model, batch=5, more="profile: production\nretry: {delay: 50ms}"))
    assert [call["messages"] for call in stub_model.calls()][0] == 5
    assert sorted(call["messages"] for call in stub_model.calls()[1:]) == [1, 2, 2]
    assert stub_model.stats()["max_in_flight"] <= 2


def test_a_dead_endpoint_leaves_the_rules_and_is_caught_up_on_later(alluvium, stub_model, tmp_path):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    write_chat(tmp_path, messages_of(agents=2, each=20))
    nobody = config(tmp_path, stub_model, more="retry: {max: 1, delay: 20ms}", endpoints={
        "small": endpoint(f"http://127.0.0.1:{port}/v1")})
    nobody.write_text(nobody.read_text().replace("zzzzzz", "number 3"))
    done = run(alluvium, nobody)
    assert "backlog" in done.stderr
    assert outcomes(tmp_path)["extracted"] == 2 and outcomes(tmp_path)["pending"] == 38
    batch = alluvium.json("batches", "--store", "store.db", "--json")[0]
    assert batch["processing_stats"]["error"]
    run(alluvium, config(tmp_path, stub_model))
    assert outcomes(tmp_path)["extracted"] == 40
    assert len(stub_model.calls()) == 2


def test_a_wrong_key_is_said_and_kills_nothing(alluvium, start_stub_model, tmp_path):
    stub = start_stub_model("--api-key", "right")
    write_chat(tmp_path, messages_of(agents=30, each=20))
    done = run(alluvium, config(tmp_path, stub, endpoints={
        "small": endpoint(stub.url + "/v1", api_key="\"${KEY}\"", max_concurrent=2)}), environment={"KEY": "wrong"})
    assert "401" in done.stderr
    assert outcomes(tmp_path)["pending"] == 600
    assert len(stub.calls()) <= 4


def test_two_hundred_calls_in_flight_hold_up_nobody(alluvium, start_stub_model, tmp_path):
    stub = start_stub_model("--latency", "1000")
    write_chat(tmp_path, messages_of(agents=400, each=20))
    path = config(tmp_path, stub, endpoints={"small": endpoint(stub.url + "/v1", max_concurrent=200)})
    done = run(alluvium, path)
    assert outcomes(tmp_path)["extracted"] == 8000
    assert stub.stats()["max_in_flight"] >= 150
    assert len(stub.calls()) == 400
    peak = int(done.stderr.split("peak RSS ")[1].split()[0])
    assert peak < 200


def test_no_answer_that_arrived_is_paid_for_twice_through_thirty_kills(alluvium, start_stub_model, tmp_path):
    stub = start_stub_model("--latency", "20")
    source = random.Random(7)
    agents = 100
    write_chat(tmp_path, messages_of(agents=agents, each=20))
    path = config(tmp_path, stub, endpoints={"small": endpoint(stub.url + "/v1", max_concurrent=4)})
    kills = 0
    while kills < 30:
        process = alluvium.start("run", "-c", path, "--until-end", "--progress", "never")
        wanted = stub.stats()["calls"] + source.randrange(1, 4)
        alluvium.wait_for(lambda: process.poll() is not None or stub.stats()["calls"] >= wanted)
        if process.poll() is not None:
            break
        process.send_signal(signal.SIGKILL)
        process.wait()
        kills += 1
    run(alluvium, path)
    assert kills >= 20
    assert outcomes(tmp_path)["extracted"] == 20 * agents
    assert query(tmp_path, "select count(*), count(distinct content) from memories") == [(20 * agents, 20 * agents)]
    # Only what was under way at a kill is asked again: at most max_concurrent each time.
    assert len(stub.calls()) <= agents + 4 * kills
    recorded = query(tmp_path, "select count(*) from calls where outcome = 'answered'")[0][0]
    assert recorded == agents


def test_it_drains_although_models_hold_the_intake_back(alluvium, start_stub_model, tmp_path):
    stub = start_stub_model("--latency", "1000")
    write_chat(tmp_path, messages_of(agents=200, each=20))
    path = config(tmp_path, stub, more="engine: {model_requests: 2}", endpoints={
        "small": endpoint(stub.url + "/v1", max_concurrent=2)})
    process = alluvium.start("run", "-c", path, "--progress", "never")
    alluvium.wait_for(lambda: stub.stats()["max_in_flight"] == 2)
    process.terminate()
    assert process.wait(20) == 0
    assert alluvium.run("ledger", "verify", "--store", "store.db").returncode == 0
    # What was under way was waited for.
    assert query(tmp_path, "select count(*) from calls where outcome = 'possibly_paid'") == [(0,)]


def test_a_tier_that_was_switched_off_is_not_waited_for(alluvium, start_stub_model, tmp_path):
    stub = start_stub_model("--latency", "60000")
    write_chat(tmp_path, messages_of(agents=2, each=20))
    path = config(tmp_path, stub)
    process = alluvium.start("run", "-c", path, "--until-end", "--progress", "never")
    alluvium.wait_for(lambda: stub.stats()["max_in_flight"] == 2)
    process.kill()
    process.wait()
    run(alluvium, config(tmp_path, stub, tiers="small: {enabled: false}"), timeout=30)


def test_a_retry_after_of_an_hour_holds_up_neither_stream_nor_end(alluvium, stub_model, tmp_path):
    write_chat(tmp_path, messages_of(agents=20, each=20))
    stub_model.script([{"match": {"nth": 1}, "do": {"status": 429, "headers": {"retry-after": "3600"}}}])
    run(alluvium, config(tmp_path, stub_model, endpoints={
        "small": endpoint(stub_model.url + "/v1", max_concurrent=1)}), timeout=60)
    assert len(stub_model.calls()) == 1
    assert query(tmp_path, "select count(*) from requests where state = 'degraded'") == [(20,)]


def test_one_agents_budget_holds_up_no_other(alluvium, start_stub_model, tmp_path):
    stub = start_stub_model("--latency", "300")
    write_chat(tmp_path, messages_of(agents=6, each=20))
    # Too little for agent-0 from the start.
    path = config(tmp_path, stub)
    assert alluvium.run("budget", "set", "agent-0", "0.0000001", "--store", "store.db").returncode == 0
    run(alluvium, path, timeout=60)
    assert outcomes(tmp_path)["extracted"] == 100
    assert outcomes(tmp_path)["pending"] == 20


def test_verify_holds_after_a_reset_with_dead_messages(alluvium, stub_model, tmp_path):
    write_chat(tmp_path, messages_of(agents=1, each=19) + [
        {"id": "poison", "agent_id": "agent-0", "content": "I love POISON in my tea"}])
    stub_model.script([{"match": {"contains": "POISON"}, "times": 1000, "do": {"status": 400}}])
    path = config(tmp_path, stub_model, more=FAST)
    run(alluvium, path)
    calls = len(stub_model.calls())
    run(alluvium, path, "--reset-ledger")
    assert query(tmp_path, "select count(*) from memories") == [(19,)]
    assert len(stub_model.calls()) <= 2 * calls


@pytest.mark.parametrize("status, times", [(429, 2), (503, 1)])  # 503 breaks the endpoint for a while.
def test_every_request_may_fail_and_all_are_answered_in_one_run(alluvium, stub_model, tmp_path, status, times):
    chat = messages_of(agents=40, each=20)
    write_chat(tmp_path, chat)
    stub_model.script([{"match": {"contains": f"subject {agent} number 0\\n"}, "times": times,
                        "do": {"status": status}} for agent in range(40)])
    run(alluvium, config(tmp_path, stub_model, more="retry: {delay: 20ms, max_delay: 200ms}"), timeout=100)
    assert outcomes(tmp_path)["extracted"] == 800
    assert len(stub_model.calls()) == (1 + times) * 40
    assert len({call["body_xxh3"] for call in stub_model.calls()}) == 40
