/**
 * The path of a `file:` URL, by `node:url`, which a start that meets none need not load.
 *
 * @throws TypeError where the URL names no local file.
 */
export function pathOfFileUrl(url: string | URL): string {
  return process.getBuiltinModule('node:url').fileURLToPath(url);
}
