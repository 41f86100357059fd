import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { loadPipConfiguration } from '../../src/config/pip-config.ts';
import { addFormatControl, type FormatControl } from '../../src/plan/pinned/format-control.ts';

const root = mkdtempSync(join(tmpdir(), 'pip-accel-config-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const script = `import json
from pip._internal.commands import create_command
control = create_command("install").parser.parse_args(["x"])[0].format_control
print(json.dumps({"noBinary": sorted(control.no_binary), "onlyBinary": sorted(control.only_binary)}))`;

test.each([
  ['[global]\nno-binary = foo', {}, true],
  ['[global]\nno-binary = foo\n[install]\nno-binary = bar', {}, true],
  ['[global]\nno-binary = foo,:none:\n[install]\nno-binary = bar', { PIP_NO_BINARY: 'more' }, true],
  ['[install]\nonly-binary = foo', { PIP_NO_BINARY: 'foo,bar' }, true],
  ['[global]\nno-binary = foo', { PIP_NO_BINARY: '' }, true],
  ['[global]\nno-binary = foo\n[install]\nonly-binary = foo', { PIP_NO_BINARY: 'bar' }, false],
] as const)('the formats that %j and %j allow are pip’s (told: %s)', (text, variables, isTold) => {
  const file = join(root, 'pip.conf');
  writeFileSync(file, text);
  const environment = {
    PATH: process.env['PATH'] ?? '',
    HOME: root,
    PIP_CONFIG_FILE: file,
    ...variables,
  };
  const configuration = loadPipConfiguration(environment, root);
  expect(configuration !== null).toBe(isTold);
  if (!configuration) return;
  const formats: FormatControl = { noBinary: new Set(), onlyBinary: new Set() };
  for (const [name, value] of configuration) {
    if (name === 'no-binary' || name === 'only-binary') addFormatControl(formats, name, value);
  }
  const output = execFileSync(process.env['PYTHON'] ?? 'python3', ['-c', script], {
    env: environment,
  });
  const ours = {
    noBinary: [...formats.noBinary].sort(),
    onlyBinary: [...formats.onlyBinary].sort(),
  };
  expect(ours).toEqual(JSON.parse(output.toString()));
});
