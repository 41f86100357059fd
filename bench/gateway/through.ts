/** `node run.mjs bench/gateway/through.ts STORE INDEX PIP... `: a pip through what is fetched ahead of it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { openAhead } from '../../src/gateway/cold/ahead/ahead.ts';
import { askInterpreter } from '../../src/python/cold/ask.ts';
import { parseRequirement } from '../../src/python/pep508.ts';
import { openStore } from '../../src/store/layout.ts';
import { openNetwork, PlainProxy } from '../../test/gateway/plain-proxy.ts';

const [storePath = '', index = '', requirements = '', facts = '', ...command] =
  process.argv.slice(3);
const store = openStore(storePath);
const environment = Object.fromEntries(
  Object.entries(process.env).map(([name, value]) => [name, value ?? '']),
);
const interpreter = await askInterpreter(store, command[0] ?? '', environment);
if (facts === 'facts') process.exit(0);
const network = openNetwork();
const counted = { requests: 0 };
const log: string[] = [];
const start = performance.now();
const say = (text: string) => log.push(`${(performance.now() - start).toFixed(0)} ${text}`);
const ahead = openAhead({
  upstream: async (request) => {
    counted.requests += 1;
    say(
      `up ${request.url.pathname
        .split('/')
        .slice(-2)
        .join('/')
        .replace(/^.*\/(?=.)/, '')}`,
    );
    return await network.respond(request);
  },
  indexes: [index],
  rules: {
    interpreter,
    pip: interpreter.pip?.version ?? '',
    formats: { noBinary: new Set(), onlyBinary: new Set() },
    preferBinary: false,
    ignoreRequiresPython: false,
  },
  foresight: {
    prereleases: false,
    ignoreDependencies: false,
    constraints: new Map(),
    installed: new Map(),
  },
  downloads: { store, maxRetries: 3, trustModTimes: false, emit: () => {} },
  lookup: {
    store,
    target: { interpreter, umask: 0o22 },
    builder: 'auto' as never,
    trustModTimes: false,
    environment,
  },
});
const proxy = await PlainProxy.start(async (request) => {
  const name = request.url.pathname
    .split('/')
    .slice(-2)
    .join('/')
    .replace(/^.*\/(?=.)/, '');
  say(`pip asks ${name}`);
  const answer = await ahead.respond(request);
  say(`pip gets ${name} ${answer.status}`);
  return answer;
});
const lines = readFileSync(requirements, 'utf8').split('\n').filter(Boolean);
if (!process.env['NO_BEGIN']) ahead.begin(lines.flatMap((line) => parseRequirement(line) ?? []));
const [program = '', ...words] = command;
const child = spawn(program, words, {
  stdio: 'inherit',
  env: { ...environment, PIP_PROXY: proxy.url },
});
const [code] = (await once(child, 'exit')) as [number];
say('end');
if (process.env['LOG']) console.log(log.join('\n'));
console.log(
  JSON.stringify({
    code,
    ms: Math.round(performance.now() - start),
    ...counted,
    cpu: Math.round(process.cpuUsage().user / 1000),
    system: Math.round(process.cpuUsage().system / 1000),
  }),
);
await ahead.close();
await network.close();
proxy[Symbol.dispose]();
