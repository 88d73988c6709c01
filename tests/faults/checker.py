# SPDX-License-Identifier: Apache-2.0
"""Judges a store by what was produced. Nothing of the engine is used here, only SQLite: the positions' bytes are
decoded anew, from their description in the documents."""
import dataclasses
import json
import sqlite3

from stream import agent_of, marked, parts, said_by, kind_of

FAULTS_MAX = 20


@dataclasses.dataclass
class Verdict:
    messages: int = 0
    memories: int = 0
    lost: int = 0
    doubled: int = 0
    faults: list = dataclasses.field(default_factory=list)

    def fault(self, text, lost=0, doubled=0):
        self.lost += lost
        self.doubled += doubled
        if len(self.faults) < FAULTS_MAX:
            self.faults.append(text)

    @property
    def good(self):
        return not (self.lost or self.doubled or self.faults)


def varints(data):
    value = shift = 0
    for byte in data:
        value |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            yield value
            value = shift = 0
    assert shift == 0, "cut off"


def positions(data):
    """[(offset, index in its bundle, messages in the bundle or 1)]"""
    found, offset, numbers = [], 0, varints(data)
    for number in numbers:
        delta, bundled = number >> 1, number & 1
        offset += delta >> 1 if not delta & 1 else -((delta + 1) >> 1)
        found.append((offset, next(numbers), next(numbers)) if bundled else (offset, 0, 1))
    return found


def gap_ranges(data):
    end, numbers = 0, varints(data)
    for number in numbers:
        begin = end + number
        end = begin + next(numbers)
        yield begin, end


class Check:
    def __init__(self, store, stream):
        self.db = sqlite3.connect(f"file:{store}?mode=ro", uri=True, timeout=30)
        self.stream = stream
        self.verdict = Verdict()
        self.partition = dict(self.db.execute("select id, partition from partitions where topic = ? and retired = 0",
                                              [stream.topic]))
        self.rows = {}  # Batch row -> ids of its messages.
        # How often each message has an outcome: a count per record, bundles by index.
        self.seen = [bytearray(len(numbers)) for numbers in stream.at]
        self.bundled = {}
        self.in_gaps = set()

    def run(self):
        try:
            self.batches()
            self.dead_letters()
            self.gaps()
            self.totals()
            self.memories()
        finally:
            self.db.close()
        return self.verdict

    def settle(self, partition, offset, index, count, name, letter, agent):
        here = f"{partition}/{offset}"
        numbers = self.stream.at[partition]
        number = numbers[offset] if offset < len(numbers) else -1
        if number < 0:
            self.verdict.fault(f"{here}: has an outcome, and was not produced", doubled=1)
            return
        expected = parts(number)
        if count != len(expected):
            self.verdict.fault(f"{here}: has {len(expected)} messages, not {count}")
            return
        if letter != expected[index][2]:
            self.verdict.fault(f"{here}: {expected[index][0]} ended as {letter}, not {expected[index][2]}")
        if kind_of(number) != "broken" and (name != expected[index][0] or agent != agent_of(number)):
            self.verdict.fault(f"{here}: is {expected[index][0]} of {agent_of(number)}, not {name} of {agent}")
        if count > 1:
            key = (partition, offset)
            seen = self.bundled.setdefault(key, [0] * count)
            seen[index] += 1
            again = seen[index] > 1
        else:
            again = self.seen[partition][offset] > 0
        self.seen[partition][offset] = 1
        self.verdict.messages += 1
        if again:
            self.verdict.fault(f"{here}: {expected[index][0]} has two outcomes", doubled=1)

    def batches(self):
        last = {}  # Agent -> its highest position so far.
        for row, pid, agent, data, ids, outcomes in self.db.execute(
                "select id, partition_id, agent_id, positions, message_ids, outcomes from batches order by id"):
            partition = self.partition.get(pid)
            if partition is None:
                self.verdict.fault(f"batch row {row}: of no partition")
                continue
            where = positions(data)
            names = ids.split("\n") if ids is not None else []
            self.rows[row] = set(names)
            if len(where) != len(names) or len(where) != len(outcomes):
                self.verdict.fault(f"batch row {row}: {len(where)} positions, {len(names)} ids, {len(outcomes)} outcomes")
                continue
            for place, name, letter in zip(where, names, outcomes):
                if letter != "d":  # Its dead letter has that one.
                    self.settle(partition, *place, name, letter, agent)
                if place[:2] <= last.get((partition, agent), (-1, -1)):
                    self.verdict.fault(f"batch row {row}: {agent} is out of order at {place}")
                last[partition, agent] = place[:2]

    def dead_letters(self):
        for pid, offset, index, count, name in self.db.execute(
                "select partition_id, offset, bundle_index, bundle_count, message_id from dead_letters"):
            self.settle(self.partition[pid], offset, index, max(count, 1), name, "d", None)

    def gaps(self):
        for pid, kind, ranges in self.db.execute("select partition_id, kind, ranges from gaps"):
            partition = self.partition[pid]
            for begin, end in gap_ranges(ranges):
                for offset in range(begin, end):
                    numbers = self.stream.at[partition]
                    if offset >= len(numbers) or numbers[offset] < 0:
                        continue
                    self.in_gaps.add((partition, offset))
                    if self.stream.compacted and not self.seen[partition][offset]:
                        numbers[offset] = -1  # Removed before it was read, as compaction may.
                    elif not self.stream.compacted:
                        self.verdict.fault(f"{partition}/{offset}: is a {kind}, and was produced", lost=1)

    def totals(self):
        marks = dict(self.db.execute("select partition, watermark from partitions where topic = ? and retired = 0",
                                     [self.stream.topic]))
        for partition, numbers in enumerate(self.stream.at):
            missing = [offset for offset, number in enumerate(numbers) if number >= 0 and not self.seen[partition][offset]]
            if missing:
                self.verdict.fault(f"partition {partition}: no outcome at {missing[:5]}", lost=len(missing))
            if numbers and marks.get(partition, 0) < len(numbers):
                self.verdict.fault(f"partition {partition}: the watermark is {marks.get(partition)}, not {len(numbers)}")
        for place, seen in self.bundled.items():
            if 0 in seen and not (self.stream.compacted and place in self.in_gaps):  # The rest of it may be gone, too.
                self.verdict.fault(f"{place}: a part of the bundle has no outcome", lost=seen.count(0))

    def memories(self):
        expected = {}  # Content -> the messages that say it first, one in each partition;
        sayers = {}  # and all of them.
        for partition, numbers in enumerate(self.stream.at):
            for offset, n in enumerate(numbers):
                if kind_of(n) == "bundle" and self.bundled.get((partition, offset), [1, 1])[1] == 0:
                    continue  # That part of it has no outcome, which is said already unless it was compacted away.
                if n >= 0 and kind_of(n) in ("marked", "bundle"):
                    said = said_by(n) if kind_of(n) == "marked" else n
                    name = f"m-{n}.1" if kind_of(n) == "bundle" else f"m-{n}"
                    expected.setdefault((agent_of(n), marked(said)), {}).setdefault(partition, name)
                    sayers.setdefault((agent_of(n), marked(said)), set()).add(name)
        found, ids = {}, set()
        for name, agent, content, sources, batch, method in self.db.execute(
                "select memory_id, agent_id, content, source_message_ids, batch, extraction_method from memories"):
            self.verdict.memories += 1
            key = (agent, content)
            if key not in expected:
                self.verdict.fault(f"{name}: nobody said {content!r} to {agent}", doubled=1)
                continue
            if key in found or name in ids:
                self.verdict.fault(f"{name}: is there twice: {content!r}", doubled=1)
            found[key] = name
            ids.add(name)
            rests_on = set(json.loads(sources))
            # What rules find is stored in the stream's order. Models answer when they like.
            first = len(rests_on) == 1 and rests_on <= set(expected[key].values())
            if not rests_on or not (first if method == "rules" else rests_on <= sayers[key]):
                self.verdict.fault(f"{name}: rests on {sources}, not on {expected[key]}")
            if not rests_on <= self.rows.get(batch, set()):
                self.verdict.fault(f"{name}: its batch {batch} does not have {sources}")
        missing = [key for key in expected if key not in found]
        if missing:
            self.verdict.fault(f"no memory of {missing[:3]}", lost=len(missing))


def check(store, stream):
    return Check(store, stream).run()


def memory_ids(store):
    """What an undisturbed run has to give as well."""
    with sqlite3.connect(f"file:{store}?mode=ro", uri=True, timeout=30) as db:
        return dict(db.execute("select agent_id || ' ' || content, memory_id from memories"))
