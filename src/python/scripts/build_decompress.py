"""
Writes the plain tar of a .tar.bz2, .tar.xz or .tar.lzma.

    python build_decompress.py ARCHIVE TAR
"""

import bz2
import shutil
import sys

SOURCE, TARGET = sys.argv[1:3]

if SOURCE.endswith(('.xz', '.txz', '.tlz', '.lz', '.lzma')):
    import lzma

    opened = lzma.open(SOURCE)
else:
    opened = bz2.BZ2File(SOURCE)
with open(TARGET, 'wb') as target:
    shutil.copyfileobj(opened, target, 1 << 20)
