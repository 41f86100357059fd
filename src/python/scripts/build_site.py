"""
The sitecustomize of an isolated build: what pip's build_env.py writes. Drops the interpreter's own
site-packages from sys.path and adds those of the prefixes `overlay` and `normal` beside its own
folder, with their .pth files. Python 2.7 and 3.6 to 3.14.
"""

import os
import site
import sys


def system_sites():
    if hasattr(site, 'getsitepackages'):
        return site.getsitepackages()
    # virtualenv before 20 has a site.py of its own.
    from distutils.sysconfig import get_python_lib

    return [get_python_lib(plat_specific=False), get_python_lib(plat_specific=True)]


def library_folders(prefix):
    """purelib and platlib under a prefix, by the scheme that pip's --prefix takes."""
    import sysconfig

    if hasattr(sysconfig, 'get_preferred_scheme'):
        scheme = sysconfig.get_preferred_scheme('prefix')
    else:
        name = getattr(getattr(sys, 'implementation', None), 'name', 'cpython')
        known = sysconfig.get_scheme_names()
        candidates = (name + '_' + os.name, name, os.name + '_prefix')
        scheme = next(candidate for candidate in candidates if candidate in known)
    variables = {'base': prefix, 'platbase': prefix}
    folders = []
    for key in ('purelib', 'platlib'):
        path = sysconfig.get_path(key, scheme, variables)
        if path not in folders:
            folders.append(path)
    return folders


def main():
    original = sys.path[:]
    known = set()
    for path in system_sites():
        site.addsitedir(os.path.normcase(path), known_paths=known)
    system = set(os.path.normcase(path) for path in sys.path[len(original):])
    sys.path = [path for path in original if os.path.normcase(path) not in system]
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    for prefix in ('overlay', 'normal'):
        for path in library_folders(os.path.join(root, prefix)):
            site.addsitedir(path)


main()
