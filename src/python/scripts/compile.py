"""Compiles the files that stdin names, as pip does while it installs.

Each line of stdin is a JSON list of [source, bytecode, name in tracebacks]; the
answer to it is one line of JSON: for each of them 1 where it compiled, 2 where a codec
had to be imported for it, a negative errno where the disk is to blame, else 0. A source
that does not compile gets no bytecode and no message, as with pip. Runs on Python 2.7
and every 3.
"""

import errno
import gc
import json
import marshal
import os
import py_compile
import re
import sys
import warnings

warnings.filterwarnings("ignore")
# What it compiles has no cycles, and there is much of it to look through.
gc.disable()

options = {}
if hasattr(py_compile, "PycInvalidationMode"):
    # Else SOURCE_DATE_EPOCH would decide.
    options["invalidation_mode"] = py_compile.PycInvalidationMode.TIMESTAMP


def native(text):
    return text.encode("utf-8") if sys.version_info[0] == 2 else text


# PEP 263. What the interpreter decodes by itself, and what pip has imported by then (for the names in archives).
cookie = re.compile(br"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")
built_in = re.compile(r"^(utf-8|latin-1|iso-8859-1|iso-latin-1)(-|$)|^(utf8|latin1|iso8859-1|ascii|us-ascii|cp437)$")


def needs_codec(content):
    for line in content.split(b"\n", 2)[:2]:
        found = cookie.match(line)
        if found:
            name = found.group(1).decode("ascii", "replace").lower().replace("_", "-")
            return not built_in.match(name)
        if line.strip() and not line.lstrip().startswith(b"#"):
            return False
    return False


def read(source):
    with open(source, "rb") as stream:
        return stream.read()


def write_all(source, bytecode, name):
    """What `py_compile.compile` does, through a temporary file which nobody here has a need of (PEP 552)."""
    state = os.stat(source)
    content = read(source)
    code = SourceFileLoader("<py_compile>", source).source_to_code(content, name)
    numbers = (0, int(state.st_mtime), len(content))
    header = MAGIC_NUMBER + b"".join((number & 0xFFFFFFFF).to_bytes(4, "little") for number in numbers)
    folder = os.path.dirname(bytecode)
    if folder not in made:
        os.makedirs(folder, exist_ok=True)
        made.add(folder)
    data = header + marshal.dumps(code)
    descriptor = os.open(bytecode, os.O_WRONLY | os.O_CREAT | os.O_EXCL, state.st_mode & 0o666 | 0o200)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(data)
    return content


made = set()
if sys.version_info >= (3, 7) and sys.implementation.name == "cpython":
    from importlib.machinery import SourceFileLoader
    from importlib.util import MAGIC_NUMBER
else:
    write_all = None


def compile_file(source, bytecode, name):
    if write_all and not os.path.lexists(bytecode):
        return write_all(source, bytecode, name)
    # A wheel may ship its own, which pip replaces.
    py_compile.compile(native(source), native(bytecode), native(name), True, **options)
    return read(native(source))


# What the names in a wheel can lead to, so that pip has no bytecode either.
by_name = (errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG)


def compile_one(source, bytecode, name):
    try:
        return 2 if needs_codec(compile_file(source, bytecode, name)) else 1
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
