import { cpus, loadavg, release, totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import type { Form } from './contestants.ts';
import { pipVersion, type Place } from './place.ts';

/** What the numbers depend on, for those who compare. */
export async function describeMachine(
  place: Place,
  forms: readonly Form[],
): Promise<Readonly<Record<string, string>>> {
  const { length, 0: first } = cpus();
  const version = await place.say([place.python, '--version']);
  const commit = await place.say([
    'git',
    '-C',
    dirname(import.meta.dirname),
    'rev-parse',
    '--short',
    'HEAD',
  ]);
  return {
    processor: `${length} cores, ${first?.model ?? 'unknown'}`,
    memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
    kernel: `${process.platform} ${release()}`,
    'load average at the start': loadavg()
      .map((load) => load.toFixed(1))
      .join(', '),
    date: new Date().toISOString().slice(0, 10),
    'pip-accel': `${commit} (${forms.join(', ')})`,
    Node: process.version,
    Python: version.replace('Python ', ''),
    pip: pipVersion,
    uv: (await place.say([place.uv, '--version'])).replace(/^uv (\S+).*/, '$1'),
  };
}

/** `tmpfs`, `ext4`, … */
export async function fileSystemOf(place: Place, folder: string): Promise<string> {
  const said = await place.say(['df', '--output=fstype', folder]);
  return said.split('\n')[1]?.trim() ?? 'unknown';
}

/** The index that pip asks where nobody names one. */
export async function indexOfPip(place: Place): Promise<string> {
  const script = 'from pip._internal.models.index import PyPI; print(PyPI.simple_url)';
  const python = join(place.template, 'bin', 'python');
  return place.variables()['PIP_INDEX_URL'] ?? (await place.say([python, '-c', script])).trim();
}
