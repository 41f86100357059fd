import type { ScriptTarget } from '../python/entry-points.ts';
import type { Pip } from '../core/types.ts';
import { atLeast } from '../python/pip.ts';

/**
 * What differs between the pips that could have done an installation. Each line names the
 * version that brought it; found by reading 18.1 to 26.3 (`operations/install/wheel.py`,
 * `req/req_uninstall.py`, `_vendor/distlib/scripts.py`).
 */
export interface PipBehaviour {
  /** The text of an entry point's script, below its first line. */
  scriptBody(target: ScriptTarget): string;
  /** Versioned aliases of two digits (`pip3.11`) are recognised as aliases. */
  readonly knowsLongVersions: boolean;
  readonly writesRequested: boolean;
  readonly writesDirectUrl: boolean;
  /** RECORD holds the hash of a script after its first line was rewritten. */
  readonly rehashesScripts: boolean;
  /**
   * A source in a rare encoding gets bytecode. pip 26.3 imports nothing once it installs, the
   * codec neither (`commands/install.py`, `_check_import`).
   */
  readonly importsCodecs: boolean;
  /** How folders are compared with PATH. */
  readonly pathComparison: 'literal' | 'normalised' | 'resolved';
  /** The warning about PATH mentions entries that begin with `~`. */
  readonly notesTilde: boolean;
  /** Uninstalling moves a folder of which nothing remains as a whole, and leaves its parent. */
  readonly movesWholeFolders: boolean;
}

/** The behaviour of an environment's pip; of the newest where it has none. */
export function pipBehaviour(pip: Pip | null): PipBehaviour {
  const since = (major: number, minor: number): boolean =>
    pip === null || atLeast(pip.version, major, minor);
  return {
    scriptBody: scriptBody(since),
    knowsLongVersions: since(22, 3),
    writesRequested: since(20, 2),
    writesDirectUrl: since(20, 1),
    rehashesScripts: since(22, 2),
    importsCodecs: !since(26, 3),
    pathComparison: since(26, 2) ? 'resolved' : since(23, 1) ? 'normalised' : 'literal',
    notesTilde: since(20, 0),
    movesWholeFolders: since(19, 0),
  };
}

function scriptBody(since: (major: number, minor: number) => boolean): PipBehaviour['scriptBody'] {
  if (since(26, 0)) {
    return ({ module, importName, callable }) => `import sys
from ${module} import ${importName}
if __name__ == '__main__':
    sys.argv[0] = sys.argv[0].removesuffix('.exe')
    sys.exit(${callable}())
`;
  }
  if (since(25, 2)) {
    return ({ module, importName, callable }) => `import sys
from ${module} import ${importName}
if __name__ == '__main__':
    if sys.argv[0].endswith('.exe'):
        sys.argv[0] = sys.argv[0][:-4]
    sys.exit(${callable}())
`;
  }
  if (since(19, 3)) {
    return ({ module, importName, callable }) => `# -*- coding: utf-8 -*-
import re
import sys
from ${module} import ${importName}
if __name__ == '__main__':
    sys.argv[0] = re.sub(r'(-script\\.pyw|\\.exe)?$', '', sys.argv[0])
    sys.exit(${callable}())
`;
  }
  const gap = since(19, 0) ? '' : '\n';
  return ({ module, importName, callable }) => `${gap}# -*- coding: utf-8 -*-
import re
import sys

from ${module} import ${importName}

if __name__ == '__main__':
    sys.argv[0] = re.sub(r'(-script\\.pyw?|\\.exe)?$', '', sys.argv[0])
    sys.exit(${callable}())
`;
}
