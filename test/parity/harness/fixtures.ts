import path from 'node:path';
import { interpreterAt } from './interpreters.ts';
import { succeed, type CommandOptions } from './command.ts';
import { settings } from './settings.ts';

const GENERATOR = path.join(import.meta.dirname, '../../../fixtures/make.py');

/**
 * Makes the project's own sdists and wheels in `folder`, with a setuptools that works on `python`,
 * and returns the variables by which pip looks for them there and nowhere else.
 */
export async function makeFixtures(
  folder: string,
  python: string,
  options: CommandOptions,
): Promise<Record<string, string>> {
  // The generator itself needs a current Python, whatever the fixtures are for.
  const generator = (await interpreterAt(settings.python))?.executable ?? settings.python;
  await succeed([generator, GENERATOR, folder, '--python', python], options);
  return { PIP_NO_INDEX: '1', PIP_FIND_LINKS: path.join(folder, 'index') };
}
