import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { setUp } from '../cli/set-up.ts';
import { executable } from '../cli/sandbox.ts';

const { fixtures, sandbox } = setUp();
const environment = { PIP_FIND_LINKS: fixtures.index };
let purelib: string;
beforeAll(() => {
  const path = 'import sysconfig; print(sysconfig.get_path("purelib"), end="")';
  purelib = sandbox.run([sandbox.python, '-c', path]).stdout;
});

test('a journal of another user is not followed', () => {
  const journal = join(purelib, '.pip-accel-0123456789ab');
  mkdirSync(journal);
  const placing = { format: 1, fresh: ['pip'], present: [], published: [] };
  writeFileSync(join(journal, 'placing.json'), JSON.stringify(placing));
  expect(sandbox.run(['chown', '-R', '12345', journal]).exitCode).toBe(0);
  const outcome = sandbox.accel(['install', 'fx-ns-a'], { environment });
  expect(outcome.exitCode).toBe(1);
  expect(outcome.stderr).toContain('belongs to another user');
  expect(outcome.stderr).toContain(journal);
  expect(existsSync(join(purelib, 'pip'))).toBe(true);
});

test('where flock does not work a lock file does', () => {
  const log = join(sandbox.root, 'trace');
  const inject = ['-e', 'trace=flock,mkdir,rmdir', '-e', 'inject=flock:error=ENOLCK'];
  const command = ['strace', '-f', '-o', log, ...inject, executable, 'install', 'fx-many'];
  expect(sandbox.run(command, { environment }).stdout).toContain('Successfully installed fx-many');
  expect(readFileSync(log, 'utf8')).toContain(`mkdir("${purelib}.lock"`);
  expect(existsSync(`${purelib}.lock`)).toBe(false);
});

test('a folder of the image below an overlay, which cannot be renamed, is replaced all the same', () => {
  sandbox.accel(['install', 'fx-many==3'], { environment });
  const folders = ['upper', 'work', 'merged'].map((name) => join(sandbox.root, name));
  for (const folder of folders) mkdirSync(folder);
  const [upper, work, merged] = folders;
  const options = `lowerdir=${sandbox.venv},upperdir=${upper},workdir=${work}`;
  const script = [
    `mount -t overlay overlay -o ${options} ${merged}`,
    `mount --move ${merged} ${sandbox.venv}`,
    `"$@"`,
  ].join(' && ');
  const line = [executable, 'install', 'fx-many==4'];
  const command = [
    'unshare',
    '--mount',
    'sh',
    '-c',
    `${script} && ${executable} freeze --all`,
    'sh',
  ];
  const outcome = sandbox.run([...command, ...line], { environment });
  expect(outcome.stderr).toBe('');
  expect(outcome.stdout).toContain('Successfully installed fx-many-4');
  expect(outcome.stdout).toContain('fx-many==4');
});
