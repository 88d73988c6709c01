# SPDX-License-Identifier: Apache-2.0
"""Stores that a run with some rules has filled, and rebuilds of them."""
import json
import sqlite3

import model_runs

MOVES = """{id: moves, pattern: "I moved to [A-Z][a-z]+", memory_type: semantic, importance: 0.9, agents: ["*"]}"""
PETS = """{id: pets, pattern: "my (dog|cat) [A-Z][a-z]+", memory_type: semantic, importance: 0.5, agents: ["*"]}"""
TRIPS = """{id: trips, pattern: "trip to [A-Z][a-z]+", memory_type: episodic, importance: 0.4, agents: ["*"]}"""
TEXTS = ["I moved to Oslo", "my dog Rex is ill", "the trip to Lima was long", "nothing to see here"]


def chat(agents=3, each=4, day=1):
    """Each agent says the texts in turn, a minute between any two messages, no two alike."""
    return [{"id": f"{agent}-{n}", "agent_id": f"agent-{agent}",
             "timestamp": f"2026-02-{day + n // 4:02}T10:{n % 4 * agents + agent:02}:00Z",
             "content": TEXTS[n % 4].replace("Oslo", f"Oslo{'abcdefgh'[n // 4]}") + f" ({agent}-{n})"}
            for n in range(each) for agent in range(agents)]


def write_config(folder, name, rules, source="file: {path: chat.ndjson}", more="", store="store.db"):
    path = folder / name
    path.write_text(f"""
source: {{{source}}}
buffer: {{max_messages: 3, min_messages: 1, idle_timeout: 100ms}}
filters: {{min_message_length: 1}}
rules: [{", ".join(rules)}]
sink: {{sqlite: {{path: {store}}}}}
{more}
""")
    return path


def memories(folder, store="store.db"):
    with sqlite3.connect(folder / store) as db:
        return sorted(db.execute("select agent_id, content, importance, source_message_ids from memories"))


class Rebuilds:
    """A store that a run with some rules has filled, and rebuilds of it."""

    def __init__(self, alluvium, folder, rules=(MOVES, PETS), messages=None):
        self.alluvium, self.folder = alluvium, folder
        model_runs.write_chat(folder, messages if messages is not None else chat())
        self.live = write_config(folder, "live.yaml", rules)
        model_runs.run(alluvium, self.live)

    def run(self, *arguments, code=0):
        done = self.alluvium.run("rebuild", *arguments, "--progress", "never")
        assert done.returncode == code, done.stdout + done.stderr
        return done

    def rows(self, *arguments, code=0):
        return [json.loads(line) for line in self.run(*arguments, "--json", code=code).stdout.splitlines()]

    def shadow(self):
        return self.folder / "store.db.rebuild"

    def verify(self):
        verified = self.alluvium.run("ledger", "verify", "-c", self.live)
        assert verified.returncode == 0, verified.stdout + verified.stderr
