"""Compiles the files that stdin names, as pip does while it installs.

Each line of stdin is a JSON list of [source, bytecode, name in tracebacks]; the
answer to it is one line of JSON: for each of them 1 where it compiled, 2 where a codec
had to be imported for it, a negative errno where the disk is to blame, else 0. A source
that does not compile gets no bytecode and no message, as with pip. Runs on Python 2.7
and every 3.
"""

import errno
import json
import py_compile
import re
import sys
import warnings

warnings.filterwarnings("ignore")

options = {}
if hasattr(py_compile, "PycInvalidationMode"):
    # Else SOURCE_DATE_EPOCH would decide.
    options["invalidation_mode"] = py_compile.PycInvalidationMode.TIMESTAMP


def native(text):
    return text.encode("utf-8") if sys.version_info[0] == 2 else text


# PEP 263. What the interpreter decodes by itself, and what pip has imported by then (for the names in archives).
cookie = re.compile(br"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")
built_in = re.compile(r"^(utf-8|latin-1|iso-8859-1|iso-latin-1)(-|$)|^(utf8|latin1|iso8859-1|ascii|us-ascii|cp437)$")


def needs_codec(source):
    with open(native(source), "rb") as stream:
        for line in (stream.readline(), stream.readline()):
            found = cookie.match(line)
            if found:
                name = found.group(1).decode("ascii", "replace").lower().replace("_", "-")
                return not built_in.match(name)
            if line.strip() and not line.lstrip().startswith(b"#"):
                return False
    return False


# What the names in a wheel can lead to, so that pip has no bytecode either.
by_name = (errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG)


def compile_one(source, bytecode, name):
    try:
        py_compile.compile(native(source), native(bytecode), native(name), True, **options)
        return 2 if needs_codec(source) else 1
    except EnvironmentError as error:
        return 0 if error.errno is None or error.errno in by_name else -error.errno
    except Exception:
        return 0


while True:
    line = sys.stdin.readline()
    if not line:
        break
    jobs = json.loads(line)
    sys.stdout.write(json.dumps([compile_one(*job) for job in jobs]) + "\n")
    sys.stdout.flush()
