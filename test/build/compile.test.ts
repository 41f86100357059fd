import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { getPriority } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Interpreter } from '../../src/core/types.ts';
import { Compiler } from '../../src/obtain/cold/compile.ts';
import { AheadPlace, until } from '../gateway/ahead-run.ts';

let place: AheadPlace;
beforeAll(async () => {
  place = await AheadPlace.open();
});
afterAll(() => place[Symbol.dispose]());

/** The Pythons of this process that compile. */
function pythons(): readonly number[] {
  const tasks = '/proc/self/task';
  const children = readdirSync(tasks).flatMap((task) =>
    readFileSync(join(tasks, task, 'children'), 'utf8')
      .split(' ')
      .filter(Boolean)
      .map(Number),
  );
  const compiles = (pid: number) =>
    existsSync(`/proc/${pid}/cmdline`) &&
    readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('compile.py');
  return children.filter(compiles);
}

function sources(count: number) {
  const folder = join(place.root, 'sources');
  mkdirSync(join(folder, '__pycache__'), { recursive: true });
  return Array.from({ length: count }, (_, at) => {
    const source = join(folder, `module_${at}.py`);
    writeFileSync(
      source,
      Array.from({ length: 300 }, (_, line) => `x${line} = [${at}]\n`).join(''),
    );
    return { source, bytecode: join(folder, '__pycache__', `module_${at}.pyc`), name: source };
  });
}

test('what nobody waited for takes its turn as soon as somebody does', async () => {
  const interpreter: Interpreter = place.interpreter;
  const compiler = new Compiler(place.store(), interpreter, { PATH: process.env['PATH'] ?? '' });
  const jobs = sources(600);
  compiler.isAwaited = false;
  let batches = 0;
  const compiling = compiler.compile(jobs, () => void (batches += 1));
  await until(() => batches > 2);
  const patient = pythons();
  expect(patient.map((pid) => getPriority(pid))).toEqual(patient.map(() => getPriority() + 10));
  compiler.isAwaited = true;
  // Root's go on as any other, and who may not say so starts others.
  if (process.getuid?.() === 0) {
    expect(pythons()).toEqual(patient);
    expect(patient.map((pid) => getPriority(pid))).toEqual(patient.map(() => getPriority()));
  } else {
    await until(() => pythons().every((pid) => getPriority(pid) === getPriority()));
  }
  expect(await compiling).toEqual(jobs.map(() => 'yes'));
  expect(jobs.filter(({ bytecode }) => !existsSync(bytecode))).toEqual([]);
  await compiler.close();
  expect(pythons()).toEqual([]);
});
