"""Runs commands one after the other and tells what each took.

A line of JSON on standard input: argv (the program by its path), env, cwd, output (a file that gets
what the command says). A line of JSON on standard output: exitCode, milliseconds of wall, user and
system time, peakMegabytes of the largest of its processes.

A small process of its own, because a new process inherits the peak of the one that started it
(Linux, `signal->maxrss`): what is reported is never less than this Python's own 10 MB.
"""
import json
import os
import sys
import time

for line in sys.stdin:
    job = json.loads(line)
    os.chdir(job["cwd"])
    actions = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, job["output"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600),
        (os.POSIX_SPAWN_DUP2, 1, 2),
    ]
    started = time.perf_counter_ns()
    child = os.posix_spawn(job["argv"][0], job["argv"], job["env"], file_actions=actions)
    _, status, usage = os.wait4(child, 0)
    ended = time.perf_counter_ns()
    told = {
        "exitCode": os.waitstatus_to_exitcode(status),
        "milliseconds": (ended - started) / 1e6,
        "userMilliseconds": usage.ru_utime * 1e3,
        "systemMilliseconds": usage.ru_stime * 1e3,
        # Linux counts in KiB, macOS in bytes.
        "peakMegabytes": usage.ru_maxrss / (1e6 if sys.platform == "darwin" else 1e6 / 1024),
    }
    print(json.dumps(told), flush=True)
