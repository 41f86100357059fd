import type { ContestantId, Form, Tool } from './contestants.ts';
import type { Entrant } from './measure.ts';
import type { Scenario } from './results.ts';
import type { Site } from './site.ts';

/** Who and where, for the scenarios that need a set. */
export interface Field {
  readonly forms: readonly Form[];
  /** Whom pip-accel is measured against. */
  readonly peers: readonly ContestantId[];
  /** A folder on another volume. */
  readonly elsewhere: string;
}

type EntrantsOf = (site: Site, field: Field) => Promise<readonly Entrant[]>;

/** Before an upgrade this one of the sets is there in another version; all sets of PyPI have it. */
const olderOne = 'idna==3.10';

/** The scenarios that need a set whose caches are filled, in the order in which they are run. */
export const setScenarios = {
  warm: fresh(['uv', 'uv-compile', 'pip', 'cp'], { path: 'new' }, ['', '-no-compile']),
  'same-path': fresh(['uv'], { path: 'same' }),
  copy: (site, field) => fresh(['uv-copy'], { path: 'new', parent: field.elsewhere })(site, field),
  noop: async (site, field) => await each(tools(field), (id) => site.noop(id)),
  upgrade: async (site, field) =>
    site.set.kind === 'pypi' ? await each(tools(field), (id) => site.upgrade(id, olderOne)) : [],
  online: fresh(['uv-online'], { path: 'new' }),
} satisfies Partial<Record<Scenario, EntrantsOf>>;

function fresh(
  peers: readonly ContestantId[],
  where: Parameters<Site['fresh']>[1],
  modes: readonly ('' | '-no-compile')[] = [''],
): EntrantsOf {
  return (site, field) => {
    const ours = field.forms.flatMap((form) => modes.map((mode) => `${form}${mode}` as const));
    const ids = [...ours, ...peers.filter((id) => field.peers.includes(id))];
    return Promise.resolve(ids.map((id) => site.fresh(id, where)));
  };
}

function tools({ forms, peers }: Field): readonly Tool[] {
  return [...forms, ...(['uv', 'pip'] as const).filter((id) => peers.includes(id))];
}

async function each<Item, Made>(
  items: readonly Item[],
  make: (item: Item) => Promise<Made>,
): Promise<readonly Made[]> {
  const made: Made[] = [];
  for (const item of items) made.push(await make(item));
  return made;
}
