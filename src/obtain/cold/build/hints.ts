interface Lesson {
  readonly pattern: RegExp;
  /** @param words the groups of the pattern; @param python `3.12`. */
  readonly hint: (words: readonly string[], python: string) => string;
}

/** What builds die of that are older than the Python or the tools that build them, the surest first. */
const lessons: readonly Lesson[] = [
  {
    pattern: /No module named '?distutils/,
    hint: (_, python) =>
      `Python ${python} has no distutils any more (it left with 3.12). Take a version of the project that knows this Python, or Python 3.11.`,
  },
  {
    pattern: /No module named '?pkg_resources/,
    hint: () => `It needs pkg_resources, which setuptools 82 left out: ${olderSetuptools('82')}`,
  },
  {
    pattern: /use_2to3 is invalid/,
    hint: () =>
      `It is made for setuptools before 58, which could turn Python 2 into 3: ${olderSetuptools('58')}`,
  },
  {
    pattern: /\bInvalidVersion: Invalid version: '([^']*)'/,
    hint: ([version]) =>
      `Its version ${version} is none by PEP 440, which setuptools insists on since 66: ${olderSetuptools('66')}`,
  },
  {
    pattern:
      /has no attribute '(?:ImpImporter|readfp|SafeConfigParser)'|cannot import name 'SafeConfigParser'/,
    hint: (_, python) =>
      `It, or a build requirement that it pins, uses what Python 3.12 removed. Take a version of it that knows Python ${python}, or Python 3.11.`,
  },
  {
    pattern:
      /\blongintrepr\.h\b|\bhas no member named .(?:ob_digit|tp_print|exc_type|curexc_type|use_tracing|f_code|cframe)\b|incomplete typedef .PyFrameObject|_PyUnicode_get_wstr/,
    hint: (_, python) =>
      `Its C code was made by a Cython that is older than Python ${python}. Take a newer version of it, or an older Python.`,
  },
  {
    pattern:
      /SyntaxError: (?:Missing parentheses in call to 'print'|multiple exception types must be parenthesized)|except \w+, \w+:$|NameError: name '(?:unicode|xrange|execfile|raw_input)' is not defined/m,
    hint: (_, python) => `It is written for Python 2, and this is Python ${python}.`,
  },
  {
    pattern:
      /Cannot install on Python version|(?:requires|needs|supports only|only supports|must be using) (?:at least )?Python ?(?:version )?[<>=~]*\s*[23]|Python (?:version )?[<>=]*\s*[23](?:\.\d+)+ (?:or \w+ )?(?:is )?required|Unsupported Python version/i,
    hint: (_, python) =>
      `It refuses Python ${python}. Take a version of it that supports this Python, or another Python.`,
  },
  {
    pattern: /Killed signal terminated program|fatal error: Killed\b|signal: 9, SIGKILL/,
    hint: () =>
      'The system ended the compiler, most likely for want of memory. Build with fewer jobs (MAKEFLAGS=-j1).',
  },
  {
    pattern: /No space left on device/,
    hint: () =>
      'A disk is full: builds take place in the data directory, and compilers write to TMPDIR.',
  },
  {
    pattern: /^(?:ModuleNotFoundError|ImportError): No module named '?([A-Za-z_]\w*)/m,
    hint: ([module = '']) =>
      `Its build needs the module ${module} and does not say so. Install what brings it, with the other build requirements, and add --no-build-isolation.`,
  },
];

/** What can be done about a failed build, by what its output says; undefined where that is unknown. */
export function hintOf(output: string, python: string): string | undefined {
  for (const { pattern, hint } of lessons) {
    const match = pattern.exec(output);
    if (match) return hint(match.slice(1), python);
  }
  return undefined;
}

/** `--build-constraint` since pip 25.3; before, PIP_CONSTRAINT reached builds as well. */
function olderSetuptools(limit: string): string {
  return `put the line setuptools<${limit} into a file, and name it by --build-constraint (PIP_CONSTRAINT with a pip before 25.3).`;
}
