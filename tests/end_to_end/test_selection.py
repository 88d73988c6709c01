# SPDX-License-Identifier: Apache-2.0
"""Selection by value as users see it: which messages a model gets, what `where`, `why` and `report` say of it."""
import json
import signal

from model_runs import endpoint, query, run, write_chat

CHATTER = ["so what do you think about all that then?", "let me see what we can do about it", "ok", "thanks!",
           "that is really something, tell me more"]
FACTS = ["I love hiking with my sister Ada in Norway, {n} times since 2019", "My birthday is on May 3 and I prefer lemon cake {n}"]


def chat(count, agents=2):
    for n in range(count):
        text = FACTS[n // 10 % 2].format(n=n) if n % 10 == 3 else f"{CHATTER[n % 5]}"
        yield {"id": f"m-{n}", "agent_id": f"agent-{n // 10 % agents}", "content": text}


def config(folder, stub, rate=0.3, more="", selection="batch_messages: 4"):
    path = folder / "models.yaml"
    path.write_text(f"""
source: {{file: {{path: chat.ndjson}}}}
preset: customer-support
buffer: {{max_messages: 20, min_messages: 1}}
selection: {{rate: {rate}, {selection}}}
tiers: {{small: {{enabled: true, max_tokens: 4000}}}}
endpoints: {{small: {endpoint(stub.url + "/v1")}}}
sink: {{sqlite: {{path: store.db}}}}
{more}
""")
    return path


def test_the_chosen_are_asked_about_together_and_the_others_are_skipped(alluvium, stub_model, tmp_path):
    write_chat(tmp_path, chat(400))
    path = config(tmp_path, stub_model)
    run(alluvium, path)
    facts = {f"m-{n}" for n in range(3, 400, 10)}
    remembered = [json.loads(ids) for (ids,) in query(tmp_path, "select source_message_ids from memories")]
    assert {source for ids in remembered for source in ids} == facts
    # Asked about four at a time, but for each agent's last ones: not once per batch of twenty.
    asked = sorted(messages for (messages,) in query(tmp_path, "select messages from calls"))
    assert asked[-1] == 4 and asked.count(4) >= len(asked) - 2
    chosen, bytes_ = query(tmp_path, "select sum(chosen_bytes), sum(bytes) from batches")[0]
    assert abs(chosen / bytes_ - 0.3) < 0.12, "a short stream"

    one, = alluvium.json("where", "m-13", "-c", path, "--json")
    assert one["outcome"] == "extracted" and len(one["memories"]) == 1 and one["score"] >= one["threshold"]
    other, = alluvium.json("where", "m-0", "-c", path, "--json")
    assert other["outcome"] == "skipped" and other["score"] < other["threshold"]
    noise, = alluvium.json("where", "m-2", "-c", path, "--json")
    assert noise["outcome"] == "noise" and noise["threshold"] is None
    assert "threshold" in alluvium.run("where", "m-0", "-c", path).stdout

    receipt, = alluvium.json("why", one["memories"][0], "-c", path, "--json")
    source, = receipt["sources"]
    assert (source["message_id"], source["score"], source["threshold"]) == ("m-13", one["score"], one["threshold"])
    assert source["text"] == FACTS[1].format(n=13)
    assert receipt["calls"] == 1 and receipt["cost_usd"] > 0, "of the request it was answered in alone"


def test_a_memory_of_messages_from_several_batches_has_them_all_in_its_receipt(alluvium, stub_model, tmp_path):
    text = "I always love the very same walnut cake on Sundays"
    messages = [{"id": f"m-{n}", "agent_id": "a", "content": text if n in (5, 45) else "hm, let me think about it a while"}
                for n in range(60)]
    write_chat(tmp_path, messages)
    path = config(tmp_path, stub_model, rate=0.1, selection="batch_messages: 50")
    run(alluvium, path)
    memory, = alluvium.json("memories", "-c", path, "--json")
    assert memory["source_message_ids"] == ["m-5", "m-45"]
    receipt, = alluvium.json("why", memory["id"], "-c", path, "--json")
    assert [source["message_id"] for source in receipt["sources"]] == ["m-5", "m-45"]
    for message in ("m-5", "m-45"):
        found, = alluvium.json("where", message, "-c", path, "--json")
        assert (found["outcome"], found["memories"]) == ("extracted", [memory["id"]])


def test_what_waits_for_company_is_told_and_asked_about_in_the_end(alluvium, stub_model, tmp_path):
    write_chat(tmp_path, chat(40, agents=1))
    path = config(tmp_path, stub_model, selection="batch_messages: 20, max_wait: 1h")
    engine = alluvium.start("run", "-c", path, "--progress", "never")

    def pending():
        try:
            return query(tmp_path, "select sum(pending) from partitions")[0][0] or 0
        except Exception:
            return 0

    alluvium.wait_for(lambda: pending() >= 4)
    engine.send_signal(signal.SIGTERM)
    assert engine.wait(30) == 0
    assert stub_model.calls() == [], "draining does not ask early: what waits is in the store"
    found, = alluvium.json("where", "m-3", "-c", path, "--json")
    assert found["outcome"] == "pending"
    request, = found["requests"]
    assert (request["state"], request["messages"]) == ("gathering", pending())
    assert "so far), until" in alluvium.run("where", "m-3", "-c", path).stdout
    run(alluvium, path)
    assert query(tmp_path, "select sum(pending) from partitions") == [(0,)]
    assert len(stub_model.calls()) == 1


def test_time_ends_the_wait(alluvium, stub_model, tmp_path):
    write_chat(tmp_path, chat(40, agents=1))
    path = config(tmp_path, stub_model, selection="batch_messages: 1000, max_wait: 1s")
    alluvium.start("run", "-c", path, "--progress", "never")
    alluvium.wait_for(lambda: stub_model.calls(), timeout=60)


def test_agents_have_rates_of_their_own(alluvium, stub_model, tmp_path):
    write_chat(tmp_path, chat(400, agents=2))
    path = config(tmp_path, stub_model, rate=0.2, selection='agents: {"agent-1": 1, "agent-*": 0}')
    run(alluvium, path)
    assert query(tmp_path, "select distinct agent_id from calls") == [("agent-1",)]
    assert query(tmp_path, "select count(*) from batches where agent_id = 'agent-0' and chosen_bytes > 0") == [(0,)]
    bad = config(tmp_path, stub_model, selection='agents: {"agent-1": "lots"}')
    checked = alluvium.run("check", "-c", bad)
    assert checked.returncode == 1 and "selection.agents" in checked.stdout + checked.stderr


def test_report_says_what_was_saved_by_what(alluvium, stub_model, tmp_path):
    write_chat(tmp_path, chat(400))
    path = config(tmp_path, stub_model)
    run(alluvium, path)
    report, = alluvium.json("report", "-c", path, "--json")
    saved = {one["by"]: one for one in report["saved"]}
    assert list(saved) == ["rules", "filters", "selection", "batching", "caching", "answers kept", "batch jobs"]
    bytes_, noise, chosen = query(tmp_path, "select sum(bytes), sum(noise_bytes), sum(chosen_bytes) from batches")[0]
    spent, = query(tmp_path, "select sum(cost) from calls")[0]
    assert saved["selection"]["count"] == bytes_ - noise - chosen
    assert abs(saved["selection"]["usd"] - (bytes_ - noise - chosen) / chosen * spent / 1e12) < 1e-6
    assert saved["batching"]["usd"] > 0 and saved["batch jobs"]["usd"] == 0
    assert report["preset"]["name"] == "customer-support" and report["preset"]["actual"]["rate"] > 0
    assert [rate["rate"] for rate in report["rates"]] == [0.2, 0.4, 0.6, 0.8]
    assert report["analysis"][0]["tier"] == "small"
    text = alluvium.run("report", "-c", path)
    assert text.returncode == 0, text.stderr
    for title in ("PLANNED AND MEASURED", "EXPECTED AND ACTUAL", "WHAT MODELS MADE", "SAVED"):
        assert title in text.stdout
