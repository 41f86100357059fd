"""Compiles the files that stdin names, as pip does while it installs.

Each line of stdin is a JSON list of [source, bytecode, name in tracebacks]; the
answer to it is one line, the JSON list of the positions that compiled. A source
that does not compile gets no bytecode and no message, as with pip. Runs on
Python 2.7 and every 3.
"""

import json
import py_compile
import sys
import warnings

warnings.filterwarnings("ignore")

options = {}
if hasattr(py_compile, "PycInvalidationMode"):
    # Else SOURCE_DATE_EPOCH would decide.
    options["invalidation_mode"] = py_compile.PycInvalidationMode.TIMESTAMP


def native(text):
    return text.encode("utf-8") if sys.version_info[0] == 2 else text


def compile_one(source, bytecode, name):
    try:
        py_compile.compile(native(source), native(bytecode), native(name), True, **options)
    except Exception:
        return False
    return True


while True:
    line = sys.stdin.readline()
    if not line:
        break
    jobs = json.loads(line)
    compiled = [at for at, job in enumerate(jobs) if compile_one(*job)]
    sys.stdout.write(json.dumps(compiled) + "\n")
    sys.stdout.flush()
