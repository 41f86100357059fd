/** The kinds of things that a build looks for on the system, as the tables of platforms name them. */
export const kinds = ['header', 'library', 'program', 'pkg-config', 'cmake'] as const;

export type Kind = (typeof kinds)[number];

/** Something that a build did not find on the system. */
export interface Lack {
  readonly kind: Kind;
  /** Any one of them would have done; the likeliest first. */
  readonly names: readonly [string, ...string[]];
  /** The line of the build's output that tells. */
  readonly line: string;
}

interface Sign {
  readonly kind: Kind;
  /** Its groups, those that took part, are the names; `names` where the line has none, or others. */
  readonly pattern: RegExp;
  readonly names?: (found: string) => readonly string[];
}

/** What tools and scripts say of what they do not find. Read from logs: `fixtures/build-logs`. */
const signs: readonly Sign[] = [
  // Compilers: GCC; Clang.
  { kind: 'header', pattern: /(?:fatal )?error: '?([\w+./-]+\.h(?:pp|xx|h)?)'?: No such file/ },
  { kind: 'header', pattern: /(?:fatal )?error: '([\w+./-]+)' file not found/ },
  // Linkers: GNU ld and gold; lld; mold; Apple's, new and old.
  { kind: 'library', pattern: /\bcannot find -l([\w+.-]+?)(?::|$|\s)/ },
  { kind: 'library', pattern: /\bunable to find library -l([\w+.-]+)/ },
  { kind: 'library', pattern: /\bmold: fatal: library not found: ([\w+.-]+)/ },
  {
    kind: 'library',
    pattern: /\bld: library (?:not found for -l([\w+.-]+)|'([\w+.-]+)' not found)/,
  },
  { kind: 'library', pattern: /\bcannot find (?:S?crt[1in]\.o)\b/, names: () => ['c'] },
  {
    kind: 'library',
    pattern: /\blib([\w+-]+)\.(?:so|dylib)[\d.]*: cannot open shared object file/,
  },
  // Shells, of Debian, Alpine and others; GCC's own parts; Python.
  {
    kind: 'program',
    pattern:
      /(?:^|[\s/])(?:sh|dash|ash|bash)(?:: line)?:(?: \d+:)? ([\w+.-]+): (?:command )?not found/,
  },
  { kind: 'program', pattern: /\bcommand not found: ([\w+.-]+)/ },
  {
    kind: 'program',
    pattern: /(?:unable to execute|command) '([\w+.-]+)'(?: failed)?: No such file/,
    names: compiler,
  },
  { kind: 'program', pattern: /\bcannot execute [‘'`]?(cc1plus)/, names: () => ['g++'] },
  {
    kind: 'program',
    pattern:
      /^(?!Running ).*No such file or directory: [bu]?'([\w.+-]+[-_]config|pkgconf|cmake|ninja|make|swig|(?:[\w.]+-)*(?:gcc|g\+\+|cc|c\+\+|clang|clang\+\+|gfortran)|cargo|rustc|bison|flex|autoconf|automake|autoreconf|libtool|patch|perl|nasm|git|hg|svn|protoc|java|javac|go)'/,
    names: compiler,
  },
  {
    kind: 'program',
    pattern: /^(?:Error: |.*\b)?([\w.+-]+[-_]config)(?: executable)? (?:was )?not found\b/,
  },
  {
    kind: 'program',
    pattern:
      /\b(?:Could not|Unable to|Failed to) (?:run|find|locate|execute) [`'"]?([\w.+-]+[-_]config)\b/i,
  },
  {
    kind: 'program',
    pattern:
      /\bPkg-config for machine .* not found|pkg-config command could not be (?:run|found)|[Uu]nable to invoke pkg-config|pkg-config (?:binary )?(?:is not installed|is required|probably not installed|not found|not installed)|requires pkg-config\b/i,
    names: () => ['pkg-config'],
  },
  {
    kind: 'program',
    pattern: /pkg-config .*returned non-zero exit status 127/,
    names: () => ['pkg-config'],
  },
  {
    kind: 'program',
    pattern:
      /^(?:.*: )?(?:error: )?can't find Rust compiler|Cargo, the Rust package manager, is not installed|\bcargo.* not found\b/,
    names: () => ['cargo'],
  },
  { kind: 'program', pattern: /\berror: linker `([\w+.-]+)` not found/ },
  { kind: 'program', pattern: /\bProgram '([\w+.-]+)' not found or not executable/ },
  { kind: 'program', pattern: /\bUnknown compiler\(s\): \[\['?([\w+.-]+)/, names: compiler },
  {
    kind: 'program',
    pattern:
      /no acceptable C compiler found|you need a C compiler|No CMAKE_C_COMPILER could be found/,
    names: () => ['cc'],
  },
  { kind: 'program', pattern: /No CMAKE_CXX_COMPILER could be found/, names: () => ['c++'] },
  {
    kind: 'program',
    pattern: /CMake must be installed|Could not find CMake with version|CMake is not installed/i,
    names: () => ['cmake'],
  },
  {
    kind: 'program',
    pattern: /unable to find a build program corresponding to "Ninja"|Could not detect Ninja/,
    names: () => ['ninja'],
  },
  {
    kind: 'program',
    pattern: /unable to find a build program corresponding to "Unix Makefiles"/,
    names: () => ['make'],
  },
  {
    kind: 'program',
    pattern: /\bThe '([\w+.-]+)' (?:utility|program|command) is missing from PATH/,
  },
  // pkg-config and pkgconf, Meson, Rust's crate, Python's pkgconfig.
  {
    kind: 'pkg-config',
    pattern: /\bPackage '?([\w+.-]+?)'?(?:, required by '[^']*',)? (?:was )?not found/,
  },
  { kind: 'pkg-config', pattern: /\bNo package '([\w+.-]+)' found/ },
  {
    kind: 'pkg-config',
    pattern:
      /\bERROR: Dependency (?:lookup for )?"?([\w+.-]+?)"? (?:not found|with method .* failed)/,
  },
  { kind: 'pkg-config', pattern: /The system library `([\w+.-]+)` required by crate/ },
  { kind: 'pkg-config', pattern: /\berror: ([\w+.-]+) is not installed or not in path/ },
  { kind: 'pkg-config', pattern: /PackageNotFoundError: ([\w+.-]+) not found/ },
  {
    kind: 'pkg-config',
    pattern: /Command 'pkg-config --exists ([\w+.-]+)' returned non-zero exit status/,
  },
  {
    kind: 'pkg-config',
    pattern: /Could not find directory of OpenSSL installation/,
    names: () => ['openssl'],
  },
  // CMake, of what it requires: what it could do without stands behind `-- `.
  { kind: 'cmake', pattern: /^\s+Could NOT find (\w+) \(missing/ },
  {
    kind: 'cmake',
    pattern: /Could not find a package configuration file provided by "([\w+.-]+)"/,
  },
  // Meson's search for a library without pkg-config.
  {
    kind: 'library',
    pattern: /\bERROR: C(?:\+\+)? (?:shared or static )?library '([\w+.-]+)' not found/,
  },
  // Setup scripts: Pillow, h5py, lxml and those that say it like one of them.
  { kind: 'library', pattern: /headers or library files could not be found for ([\w+.-]+?),/ },
  { kind: 'library', pattern: /\b[Uu]nable to load dependency (\w+), make sure/, names: lowerCase },
  {
    kind: 'library',
    pattern:
      /make sure the (?:lib)?([\w+.-]+?)(?: and (?:lib)?([\w+.-]+?))? development packages? (?:are|is) installed/,
  },
];

/** Cython's C code of another time than this Python: no package would help. */
const ofThePast = /\b(?:longintrepr|frameobject|internal\/pycore_\w+)\.h\b/;

/**
 * What the output of a failed build says that the system lacks, in its order; nothing twice.
 * Knows no project: only what tools, and the scripts of many projects, say.
 */
export function diagnose(output: string): readonly Lack[] {
  const found = new Map<string, Lack>();
  let isWarning = false;
  for (const raw of output.split(/\r?\n/)) {
    const line = raw.trim();
    // CMake's message follows on the lines after its severity.
    const severity = /^CMake (Error|Warning)/.exec(line);
    if (severity) isWarning = severity[1] === 'Warning';
    if (line === '' || ofThePast.test(line)) continue;
    for (const { kind, pattern, names } of signs) {
      if (kind === 'cmake' && isWarning) continue;
      const match = pattern.exec(raw);
      if (!match) continue;
      const groups = match.slice(1).filter((group) => group !== undefined);
      for (const group of groups.length > 0 ? groups : ['']) {
        const [first, ...others] = names ? names(group) : [group];
        const key = `${kind} ${first}`;
        if (first && !found.has(key)) found.set(key, { kind, names: [first, ...others], line });
      }
    }
  }
  return withPkgConfig(alternatives([...found.values()]), output);
}

/** Meson says in passing that there is no pkg-config, and fails only where it would have needed it. */
function withPkgConfig(lacks: readonly Lack[], output: string): readonly Lack[] {
  const line = /^.*(?:Did not find pkg-config|Found pkg-config: NO).*$/m.exec(output)?.[0].trim();
  if (line === undefined || !lacks.some(({ kind }) => kind === 'pkg-config')) return lacks;
  if (lacks.some(({ names }) => names[0] === 'pkg-config')) return lacks;
  return [{ kind: 'program', names: ['pkg-config'], line }, ...lacks];
}

/** A compiler by the name that the table knows: Debian's Python calls it `x86_64-linux-gnu-gcc`. */
function compiler(name: string): readonly string[] {
  return [name.replace(/^.*-(?=(?:gcc|g\+\+|cc|c\+\+|clang|gfortran)(?:-\d+)?$)/, '')];
}

function lowerCase(name: string): readonly string[] {
  return [name.toLowerCase()];
}

/** A script that goes from one name to the next would have taken any of them. */
function alternatives(lacks: readonly Lack[]): readonly Lack[] {
  const tried = lacks.filter(({ line }) => line.startsWith("Command 'pkg-config --exists"));
  const [first] = tried;
  if (!first || tried.length === 1) return lacks;
  const names = tried.flatMap((lack) => lack.names) as unknown as Lack['names'];
  return lacks
    .filter((lack) => lack === first || !tried.includes(lack))
    .map((lack) => (lack === first ? { ...first, names } : lack));
}
