"""
Calls one hook of a PEP 517 build backend, in the current folder.

    python build_hook.py CALL RESULT

CALL is a JSON file {"backend", "backendPath", "hook", "arguments"}; RESULT becomes
    {"outcome": "returned", "value": ...}
    {"outcome": "missing"}                      the backend has no such hook
    {"outcome": "unavailable", "reason": ...}   the backend cannot be imported
An exception of the hook itself ends as a traceback. Python 2.7 and 3.6 to 3.14.
"""

import importlib
import io
import json
import os
import sys
import traceback

CALL, RESULT = sys.argv[1:3]

if sys.path and os.path.abspath(sys.path[0]) == os.path.dirname(os.path.abspath(__file__)):
    del sys.path[0]


def finish(**result):
    with io.open(RESULT, 'w', encoding='utf-8') as stream:
        stream.write(json.dumps(result) + u'')


def main():
    with io.open(CALL, encoding='utf-8') as stream:
        call = json.load(stream)
    try:
        backend = load_backend(call['backend'], call['backendPath'])
    except ImportError:
        traceback.print_exc()
        return finish(outcome='unavailable', reason=traceback.format_exc().splitlines()[-1])
    hook = getattr(backend, call['hook'], None)
    if hook is None:
        return finish(outcome='missing')
    finish(outcome='returned', value=hook(**call['arguments']))


def load_backend(name, backend_path):
    """PEP 517: a backend that `backend-path` names must come from there, not from the environment."""
    folders = [os.path.abspath(folder) for folder in backend_path]
    sys.path[:0] = folders
    module, _, attributes = name.partition(':')
    backend = importlib.import_module(module)
    if folders:
        origin = os.path.normcase(os.path.abspath(getattr(backend, '__file__', None) or ''))
        if not any(origin.startswith(os.path.normcase(folder) + os.sep) for folder in folders):
            raise ImportError('%s was not found in backend-path, but in %s' % (module, origin))
    for attribute in attributes.split('.') if attributes else ():
        backend = getattr(backend, attribute)
    return backend


if __name__ == '__main__':
    main()
