# SPDX-License-Identifier: Apache-2.0
"""Runs a command to its end and writes what it took, as JSON: measured.py USAGE_FILE COMMAND [ARGUMENT]...

A process of its own, so that nothing else is counted: on Linux a child's peak of resident memory starts at that of the
process it was forked from, and this one stays small. SIGTERM ends the command.
"""
import json
import os
import signal
import sys
import time


def main():
    usage_file, *command = sys.argv[1:]
    start = time.monotonic()
    process = os.posix_spawnp(command[0], command, os.environ)
    signal.signal(signal.SIGTERM, lambda *_: os.kill(process, signal.SIGKILL))
    _, status, used = os.wait4(process, 0)
    wall = time.monotonic() - start
    with open(usage_file, "w", encoding="utf-8") as out:
        json.dump({"wall_s": round(wall, 3), "cpu_s": round(used.ru_utime + used.ru_stime, 3),
                   "user_s": round(used.ru_utime, 3), "system_s": round(used.ru_stime, 3),
                   "peak_rss_bytes": used.ru_maxrss * 1024, "exit_code": os.waitstatus_to_exitcode(status)}, out)


main()
