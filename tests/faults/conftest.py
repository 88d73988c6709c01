# SPDX-License-Identifier: Apache-2.0
"""What all tests of the fault campaign share: one seed for everything that is left to chance, and the rows of its table.

ALLUVIUM_SEED repeats a run. tools/campaign.sh makes the long form of the same tests by ALLUVIUM_KILLS and
ALLUVIUM_MINUTES, and gathers the rows in the file that ALLUVIUM_CAMPAIGN names.
"""
import json
import os
import random

import pytest

HEALED_WITHIN_S = 20  # Everything moves again so soon after the fault is gone.


class Campaign:
    def __init__(self, name):
        self.seed = int(os.environ.get("ALLUVIUM_SEED") or random.randrange(1 << 30))
        self.choice = random.Random(f"{self.seed} {name}")
        self.kills = int(os.environ.get("ALLUVIUM_KILLS") or 0)  # 0: the short form.
        self.minutes = float(os.environ.get("ALLUVIUM_MINUTES") or 0)
        print(f"ALLUVIUM_SEED={self.seed}")

    def record(self, fault, verdict, times, healed=()):
        """One row: `times` is how often the fault was there, `healed` how many seconds each took to progress again."""
        row = {"fault": fault, "seed": self.seed, "messages": verdict.messages, "times": times, "lost": verdict.lost,
               "doubled": verdict.doubled, "wrong": len(verdict.faults), "healed": [round(s, 2) for s in healed]}
        print(json.dumps(row))
        if os.environ.get("ALLUVIUM_CAMPAIGN"):
            with open(os.environ["ALLUVIUM_CAMPAIGN"], "a") as out:
                out.write(json.dumps(row) + "\n")
        assert verdict.good, verdict.faults
        assert max(healed, default=0) <= HEALED_WITHIN_S, healed


@pytest.fixture
def campaign(request):
    return Campaign(request.node.name)
