/** `npm run docs`: writes the tables of options and errors into docs/configuration.md. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { withReference } from './reference.ts';

const page = join(import.meta.dirname, 'configuration.md');
writeFileSync(page, withReference(readFileSync(page, 'utf8')));
