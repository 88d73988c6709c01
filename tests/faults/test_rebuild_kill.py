# SPDX-License-Identifier: Apache-2.0
"""Death in the middle of a swap, and right after it: the store has the old set or the new one, and the command goes on."""
import json
import sqlite3

import pytest

from rebuild_runs import MOVES, PETS, TRIPS, Rebuilds, memories, write_config


@pytest.mark.parametrize("point", ["store.in_swap", "store.after_swap"])
def test_a_kill_around_a_swap_leaves_one_set_or_the_other(alluvium, tmp_path, point):
    if "failpoints" not in json.loads(alluvium.run("version", "--json").stdout)["build"]:
        pytest.skip("this build has no failpoints")
    rebuilds = Rebuilds(alluvium, tmp_path, (MOVES, PETS))
    before = memories(tmp_path)
    new = write_config(tmp_path, "new.yaml", [TRIPS])
    rebuilds.run("-c", new, "--all")
    killed = alluvium.run("rebuild", "-c", new, "--swap", environment={"ALLUVIUM_FAILPOINT": f"{point}=kill:1"})
    assert killed.returncode == -9
    rebuilds.verify()
    after = memories(tmp_path)
    if point == "store.in_swap":
        assert after == before and rebuilds.shadow().exists()
    else:
        assert {row[1].split()[0] for row in after} == {"trip"} and rebuilds.shadow().exists()
    again = rebuilds.rows("-c", new, "--swap")[0]
    assert (again["removed"], again["stored"]) == ((6, 3) if point == "store.in_swap" else (0, 0))
    assert {row[1].split()[0] for row in memories(tmp_path)} == {"trip"}
    assert not rebuilds.shadow().exists()
    rebuilds.verify()
    with sqlite3.connect(tmp_path / "store.db") as db:
        assert db.execute("select count(*) from partitions where rebuilt <> 0").fetchall() == [(1,)]
