# SPDX-License-Identifier: Apache-2.0
"""Runs of the model tiers against the simulated model server: config, chat, and what came of it."""
import json
import sqlite3

PRICES = {"input_price": "\"0.10\"", "output_price": "\"0.30\""}


def messages_of(agents, each, text="I really like {subject} number {n}"):
    """`each` messages of each agent, all of them marked for the simulation, no two alike."""
    return [{"id": f"{agent}-{n}", "agent_id": f"agent-{agent}", "org_id": "acme", "role": "user",
             "content": text.format(subject=f"subject {agent}", n=n)}
            for n in range(each) for agent in range(agents)]


def endpoint(url, model="mistral-small-3.1", api="openai", **more):
    keys = {"api": api, "base_url": f"\"{url}\"", "model": model, **PRICES, **more}
    return "{" + ", ".join(f"{name}: {value}" for name, value in keys.items()) + "}"


def config(folder, stub, tiers="small: {enabled: true, max_tokens: 4000}", more="", batch=20, rate=1, endpoints=None):
    """Batches of `batch` by count alone, rules that match nothing, every batch selected."""
    endpoints = endpoints or {"small": endpoint(stub.url + "/v1"), "premium": endpoint(stub.url + "/v1", "gpt-4o")}
    path = folder / "models.yaml"
    path.write_text(f"""
source: {{file: {{path: chat.ndjson}}}}
buffer: {{max_messages: {batch}, min_messages: 1}}
filters: {{min_message_length: 1}}
selection: {{by: hash, rate: {rate}}}
rules: [{{id: none, pattern: "zzzzzz", agents: ["*"]}}]
tiers: {{{tiers}}}
endpoints: {{{", ".join(f"{name}: {value}" for name, value in endpoints.items())}}}
sink: {{sqlite: {{path: store.db}}}}
log: {{level: info}}
{more}
""")
    return path


def write_chat(folder, messages):
    (folder / "chat.ndjson").write_text("".join(json.dumps(message) + "\n" for message in messages))


def query(folder, sql):
    with sqlite3.connect(folder / "store.db") as store:
        return store.execute(sql).fetchall()


def outcomes(folder):
    names = ["extracted", "empty", "skipped", "noise", "dead", "pending"]
    return dict(zip(names, query(folder, f"select {', '.join(f'sum({name})' for name in names)} from partitions")[0]))


def run(alluvium, path, *more, **options):
    done = alluvium.run("run", "-c", path, "--until-end", "--progress", "never", *more, **options)
    assert done.returncode == 0, done.stderr
    verified = alluvium.run("ledger", "verify", "--store", "store.db")
    assert verified.returncode == 0, verified.stdout + verified.stderr
    return done
