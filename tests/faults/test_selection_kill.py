# SPDX-License-Identifier: Apache-2.0
"""Selection by value depends on the stream alone: whatever is killed, and whenever, the same messages are chosen, asked
about in the same company, and remembered."""
import json
import random
import sqlite3

import pytest

from model_runs import endpoint

FACTS = ["My sister Ada moved to Oslo in {year} and I visit her every summer", "I never eat nuts, I am allergic to {thing}",
         "We adopted a {thing} last week, her name is Nora", "I prefer {thing} over coffee since {year}",
         "My birthday is on May {day} and I always love {thing} cake"]
CHATTER = ["ok", "that sounds really nice, tell me more about it", "haha what a day", "I see, and how did it go then?",
           "thanks!", "hm, let me think about this for a while", "well, who knows what will come of it",
           "interesting, the weather is fine here as well"]
THINGS = ["tea", "walnut", "parrot", "lemon", "pear", "honey", "tulip"]


def conversation(count, agents, seed):
    choice = random.Random(seed)
    for n in range(count):
        text = choice.choice(FACTS if choice.random() < 0.2 else CHATTER)
        text = text.format(year=choice.randrange(1990, 2025), day=choice.randrange(1, 31), thing=choice.choice(THINGS))
        yield {"id": f"m-{n}", "agent_id": f"agent-{choice.randrange(agents)}", "content": f"{text}",
               "role": choice.choice(["user", "user", "assistant"]), "session_id": f"s-{n // 500}"}


def write_config(folder, name, kafka, topic, stub):
    path = folder / f"{name}.yaml"
    path.write_text(f"""
source: {{kafka: {{brokers: "{kafka.bootstrap}", topics: [{topic}], group: {topic}-{name}, start: earliest,
  properties: {{session.timeout.ms: "1500", heartbeat.interval.ms: "300"}}}}}}
buffer: {{max_messages: 7, min_messages: 2, idle_timeout: 100ms, max_hold: 300ms}}
engine: {{commit_batches: 8, commit_interval: 10ms, workers: 2}}
selection: {{by: value, rate: 0.25, batch_messages: 6, max_wait: 10h}}
tiers: {{small: {{enabled: true, max_tokens: 4000}}}}
endpoints: {{small: {endpoint(stub.url + "/v1")}}}
rules: [{{id: birthday, pattern: "birthday is on [a-z]+ [0-9]+"}}]
sink: {{sqlite: {{path: {folder / name}.db}}}}
""")
    return path


def ask(store, sql):
    with sqlite3.connect(f"file:{store}?mode=ro", uri=True, timeout=30) as database:
        return database.execute(sql).fetchall()


def remembered(store):
    return sorted(ask(store, "select memory_id, agent_id, content, extraction_method, source_message_ids from memories"))


def judged(store):
    """Of each message: its score, its threshold and how it ended."""
    found = {}
    for ids, scores, outcomes in ask(store, "select message_ids, scores, outcomes from batches"):
        for i, message in enumerate(ids.split("\n")):
            assert message not in found
            found[message] = (scores[2 * i], scores[2 * i + 1], outcomes[i])
    return found


def finish(alluvium, path):
    done = alluvium.run("run", "-c", path, "--until-end", "--progress", "never", timeout=180)
    assert done.returncode == 0, done.stderr
    verified = alluvium.run("ledger", "verify", "-c", path)
    assert verified.returncode == 0, verified.stdout + verified.stderr


@pytest.mark.parametrize("engines", [1, 2])
def test_killed_at_random_the_same_is_chosen_and_remembered(alluvium, kafka, stub_model, tmp_path, engines):
    topic = kafka.create_topic(partitions=3)
    chat = list(conversation(count=20_000, agents=40, seed=engines))
    kafka.produce(topic, [(message["agent_id"], json.dumps(message)) for message in chat])
    calm = write_config(tmp_path, "calm", kafka, topic, stub_model)
    finish(alluvium, calm)

    disturbed = write_config(tmp_path, "disturbed", kafka, topic, stub_model)
    store, choice = tmp_path / "disturbed.db", random.Random(engines)
    running = [alluvium.start("run", "-c", disturbed, "--progress", "never") for _ in range(engines)]

    def so_far():
        """Commits, and messages that are accounted for."""
        try:
            return ask(store, "select coalesce(sum(seq), 0), coalesce(sum(extracted + empty + skipped + noise + dead + pending), 0)"
                              " from partitions")[0]
        except sqlite3.OperationalError:  # No store yet.
            return 0, 0

    for _ in range(12):
        target = so_far()[0] + choice.randrange(1, 60)
        alluvium.wait_for(lambda: so_far()[0] >= target or so_far()[1] == len(chat))
        victim = running.pop(choice.randrange(len(running)))
        victim.kill()
        victim.wait()
        running.append(alluvium.start("run", "-c", disturbed, "--progress", "never"))
    for process in running:
        process.kill()
        process.wait()
    finish(alluvium, disturbed)

    assert judged(store) == judged(tmp_path / "calm.db")
    assert remembered(store) == remembered(tmp_path / "calm.db")
    chosen = sum(score >= threshold for score, threshold, _ in judged(store).values())
    assert 0.05 * len(chat) < chosen < 0.5 * len(chat)
    methods = {method for _, _, _, method, _ in remembered(store)}
    assert methods == {"rules", "small_model"}
