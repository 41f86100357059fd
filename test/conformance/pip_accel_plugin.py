"""Lets pip's own functional tests install through pip-accel.

A pytest plug-in (``-p pip_accel_plugin``). Every ``install`` that a test asks of pip runs
``bin/pip-accel --python <the test's python> install ...``; everything else stays pip's.

The tests spare themselves isolated builds: their helper adds ``--no-build-isolation``, which
pip-accel leaves to pip as a whole. So that it does the work itself, that option is taken out, and
the wheels of setuptools and flit_core are offered as ``--find-links``; with pip alone, too.

CONFORMANCE_EXECUTABLE  the bin/pip-accel to run; unset, pip does everything
CONFORMANCE_LOG         where the runs are noted, and where pip-accel tells what it did
                        (PIP_ACCEL_LOG_FILE), which is what ``run.mjs`` counts
PIP_ACCEL_CACHE         the store, one for all tests, though each has a HOME of its own
"""

from __future__ import annotations

import json
import os
import time


def pytest_configure(config) -> None:
    from tests.lib import DATA_DIR, PipTestEnvironment

    executable = os.environ.get("CONFORMANCE_EXECUTABLE")
    log = os.environ.get("CONFORMANCE_LOG")
    common_wheels = os.path.join(DATA_DIR, "common_wheels")
    run_pip = PipTestEnvironment.pip

    def pip(self, *arguments, use_module=True, **keywords):
        __tracebackhide__ = True
        words = [os.fspath(argument) for argument in arguments]
        if self.zipapp or command_of(words) != "install":
            return run_pip(self, *words, use_module=use_module, **keywords)
        words = isolated(words, common_wheels)
        if not executable:
            return run_pip(self, *words, use_module=use_module, **keywords)
        if self.pip_expect_warning:
            keywords["allow_stderr_warning"] = True
        note(log, words)
        python = os.fspath(self.bin_path / "python")
        return self.run(executable, "--python", python, *words, **keywords)

    PipTestEnvironment.pip = pip


def command_of(words: list[str]) -> str | None:
    """The command of a command line; the tests give no option a value in front of it."""
    return next((word for word in words if not word.startswith("-")), None)


def isolated(words: list[str], common_wheels: str) -> list[str]:
    if not {"--no-index", "--no-build-isolation"}.issubset(words):
        return words
    if any(word.startswith(("--no-binary", "--only-binary")) for word in words):
        return words
    kept = [word for word in words if word != "--no-build-isolation"]
    after = kept.index("install") + 1
    return [*kept[:after], "--find-links", common_wheels, *kept[after:]]


def note(log: str, words: list[str]) -> None:
    test = os.environ.get("PYTEST_CURRENT_TEST", "").rpartition(" ")[0]
    run = {"time": int(time.time() * 1000), "type": "run", "test": test, "words": words}
    append(log, run)


def append(log: str, event: dict) -> None:
    with open(log, "a", encoding="utf-8") as file:
        file.write(json.dumps(event) + "\n")


def pytest_runtest_logreport(report) -> None:
    """Notes how each phase of a test ended, once: by the process that the workers report to."""
    if "PYTEST_XDIST_WORKER" in os.environ or (report.when != "call" and report.passed):
        return
    ended = {"type": "outcome", "test": report.nodeid, "outcome": report.outcome}
    if report.failed:
        ended["why"] = report.longreprtext
    append(os.environ["CONFORMANCE_LOG"], ended)
