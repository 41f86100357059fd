import { cpSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { installation, type Tool } from './contestants.ts';
import type { Entrant } from './measure.ts';
import type { Site } from './site.ts';

/** On PyPI a wheel of two modules, and a project that has nothing but an sdist with a setup.py. */
export const coldOnes = {
  'cold-wheel': 'iniconfig==2.1.0',
  'cold-sdist': 'docopt==0.6.2',
} as const;

/** One distribution into a fresh environment, every time with caches that are empty. */
export function cold(requirement: string, id: Tool, site: Site): Entrant {
  let environment = '';
  return {
    id,
    prepare: async () => {
      site.forget(id);
      environment = site.place.newPath('env');
      await site.place.makeFresh(environment);
      return installation(id, [requirement], { environment, site });
    },
    finish: () => {
      site.expectInstalled(environment);
      rmSync(environment, { recursive: true });
      return Promise.resolve();
    },
  };
}

/** A project of its own into a fresh environment; what builds it is in the caches. */
export function editable(id: Tool, site: Site): Entrant {
  let environment = '';
  const project = site.place.newPath('project');
  return {
    id,
    prepare: async () => {
      // A build leaves its egg-info beside the sources.
      rmSync(project, { recursive: true, force: true });
      mkdirSync(project);
      cpSync(join(import.meta.dirname, 'project'), project, { recursive: true });
      environment = site.place.newPath('env');
      await site.place.makeFresh(environment);
      return installation(id, ['-e', project], { environment, site });
    },
    finish: () => {
      site.expectInstalled(environment);
      rmSync(environment, { recursive: true });
      return Promise.resolve();
    },
  };
}
