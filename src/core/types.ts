/** The words that the stages share. Every type here is plain data: it can be written to JSON. */

declare const brand: unique symbol;
type Branded<Name extends string> = string & { readonly [brand]: Name };

/** A project's name after PEP 503 normalisation: lower case, runs of `-_.` as one `-`. */
export type NormalizedName = Branded<'NormalizedName'>;
/** A PEP 440 version as its distribution spells it. */
export type Version = Branded<'Version'>;
/** 64 lower-case hexadecimal digits. */
export type Sha256 = Branded<'Sha256'>;

/** Absolute folders that an interpreter installs into (pip's `locations.get_scheme`). */
export interface Scheme {
  readonly purelib: string;
  readonly platlib: string;
  /** Without the distribution's name, which is appended for each distribution. */
  readonly headers: string;
  readonly scripts: string;
  readonly data: string;
}

/** PEP 508 environment markers, `extra` left out: `python_version`, `sys_platform`, … */
export type MarkerEnvironment = Readonly<Record<string, string>>;

export interface Libc {
  readonly family: 'glibc' | 'musl' | 'unknown';
  /** `2.36`; empty where unknown. */
  readonly version: string;
}

/** What is known of a Python, asked once by running it (`python/facts.py`). */
export interface Interpreter {
  /** The path to start it by, as scripts name it in their first line: `sys.executable`. */
  readonly executable: string;
  readonly prefix: string;
  readonly basePrefix: string;
  /** `3.11.7`. */
  readonly version: string;
  /** `[3, 11]`. */
  readonly versionInfo: readonly [major: number, minor: number];
  /** `sys.implementation.name`: `cpython`, `pypy`. */
  readonly implementation: string;
  /** `cpython-311`; null where the implementation writes no bytecode or keeps it beside the source (2.7). */
  readonly cacheTag: string | null;
  /** Magic number of its bytecode, hexadecimal. */
  readonly bytecodeMagic: string;
  /** `cpython-311-x86_64-linux-gnu`; what tells binary compatible builds apart. */
  readonly soabi: string;
  /** `cp311`, `cp313t`, `cp27mu`, `pypy39_pp73`: the ABI tag of PEP 425. */
  readonly abi: string;
  /** `linux-x86_64` (`sysconfig.get_platform`). */
  readonly platform: string;
  readonly libc: Libc;
  /** Tags that it takes, most preferred first (PEP 425): `cp311-cp311-manylinux_2_36_x86_64`. */
  readonly tags: readonly string[];
  readonly markers: MarkerEnvironment;
  readonly scheme: Scheme;
  /** The folders of an installation with `--prefix`, relative to the prefix. */
  readonly prefixScheme: Scheme;
  /** Where `sys.path` finds distributions, in its order; absolute, existing or not. */
  readonly sitePackages: readonly string[];
  /** Its `site.getusersitepackages()`; null where user installs are off. */
  readonly userSite: string | null;
  readonly isVirtualEnvironment: boolean;
  /** Where the file lies that, once it exists, forbids pip to write here (PEP 668); null in a virtual environment. */
  readonly externallyManagedMarker: string | null;
  /** The pip that this interpreter imports; null where it has none. */
  readonly pip: Pip | null;
  /** pip's words for an installation as root outside a virtual environment; null where it has none. */
  readonly rootWarning: string | null;
}

export interface Pip {
  /** PEP 440: `23.2.1`. */
  readonly version: string;
  /** The environment's own `bin/pip`, by which pip names itself in its messages; null: `python -m pip`. */
  readonly script: string | null;
  /** Its `pip/__init__.py`, whose change tells that pip was replaced. */
  readonly module: string;
}

/** The part of a distribution's metadata that a plan looks at (core metadata, PEP 566 and later). */
export interface DistributionMetadata {
  readonly name: string;
  readonly version: Version;
  /** PEP 508 lines. */
  readonly requiresDist: readonly string[];
  /** PEP 440 specifier; null where there is none. */
  readonly requiresPython: string | null;
  readonly providesExtra: readonly string[];
}

/** A distribution that is installed in an environment. */
export interface InstalledDistribution {
  readonly name: string;
  readonly key: NormalizedName;
  readonly version: Version;
  /** The folder of `sys.path` that it lies in. */
  readonly location: string;
  /** Absolute path of its `.dist-info` or `.egg-info`, or of its `.egg-link`. */
  readonly metadataPath: string;
  /** Only `dist-info` with a RECORD can be replaced here; the others are pip's to remove. */
  readonly form: 'dist-info' | 'egg-info' | 'egg-link' | 'egg';
  /** Came from a path, a URL or a repository (PEP 610). */
  readonly direct: boolean;
  readonly editable: boolean;
}

/** An archive as an index or a folder offers it. */
export interface Source {
  /** https:, http: or file:, without credentials and without fragment. */
  readonly url: string;
  /** `Foo-1.0-py3-none-any.whl`, `foo-1.0.tar.gz`. */
  readonly filename: string;
  /** null where nobody said it (an index without hashes, a folder). */
  readonly sha256: Sha256 | null;
  /** A hash of another kind in its place, as the index writes it: `md5=…`. */
  readonly promise?: string;
}

/** One distribution of a decision: what pip would install. */
export interface Decided {
  readonly metadata: DistributionMetadata;
  readonly key: NormalizedName;
  /** As the requirement that pip followed spells it, where the answer tells. */
  readonly spelling?: string;
  readonly source: Source;
  /** Named by the user, so that it gets a REQUESTED file (PEP 376). */
  readonly requested: boolean;
  readonly extras: readonly string[];
  /** A path, a URL or a repository, which pip itself installs. */
  readonly direct: DirectSource | null;
}

/** How a direct requirement can be said to pip again. */
export interface DirectSource {
  /** As pip takes it: an absolute path, a URL, `git+https://…@ref`. */
  readonly location: string;
  readonly editable: boolean;
  readonly subdirectory: string | null;
}

/** A wheel, or a binary distribution that was built from an sdist, on this machine's disk and verified. */
export interface Archive {
  readonly kind: 'wheel' | 'binary';
  readonly key: NormalizedName;
  readonly version: Version;
  readonly path: string;
  readonly sha256: Sha256;
}
