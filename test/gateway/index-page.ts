/** A file as the page of its project lists it. */
export interface ListedFile {
  readonly filename: string;
  readonly url: string;
  /** The sha256; empty where the page promises none. */
  readonly hash: string;
  /** Its metadata lies beside it (PEP 658). */
  readonly hasMetadata: boolean;
  readonly requiresPython: string | undefined;
  /** The reason, which may be empty. */
  readonly yanked: string | undefined;
}

export const pageTypes = { json: 'application/vnd.pypi.simple.v1+json', html: 'text/html' };

/** A project's page as PEP 691 or PEP 503 have it. */
export function writePage(
  form: 'json' | 'html',
  name: string,
  files: readonly ListedFile[],
): string {
  switch (form) {
    case 'json':
      return JSON.stringify({ meta: { 'api-version': '1.0' }, name, files: files.map(entryOf) });
    case 'html':
      return `<!DOCTYPE html><html><body>${files.map(linkTo).join('\n')}</body></html>`;
    default:
      return form satisfies never;
  }
}

function entryOf({ filename, url, hash, hasMetadata, requiresPython, yanked }: ListedFile) {
  return {
    filename,
    url,
    hashes: hash === '' ? {} : { sha256: hash },
    'requires-python': requiresPython,
    ...(hasMetadata ? { 'core-metadata': true } : {}),
    ...(yanked === undefined ? {} : { yanked: yanked || true }),
  };
}

function linkTo({ filename, url, hash, hasMetadata, requiresPython, yanked }: ListedFile): string {
  const fragment = hash === '' ? '' : `#sha256=${hash}`;
  const attributes = [
    hasMetadata ? ' data-core-metadata="true"' : '',
    requiresPython === undefined ? '' : ` data-requires-python="${escaped(requiresPython)}"`,
    yanked === undefined ? '' : ` data-yanked="${escaped(yanked)}"`,
  ];
  // From the project's page to the root.
  return `<a href="../..${url}${fragment}"${attributes.join('')}>${filename}</a>`;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}
