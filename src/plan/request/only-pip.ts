import type { InstallRequest } from './request.ts';

/** True where a requirement has options for its build, which pip itself has to carry out. */
export function hasBuildOptions(request: InstallRequest): boolean {
  return request.entries.some((entry) => {
    if (entry.kind !== 'named' && entry.kind !== 'direct') return false;
    const { configSettings, globalOptions, installOptions } = entry.options;
    return Object.keys(configSettings).length + globalOptions.length + installOptions.length > 0;
  });
}

/**
 * True where a URL holds what pip's report leaves out, so that it cannot be said to pip again:
 * a user's name and password, a hash.
 */
export function hasUnrepeatableUrl(request: InstallRequest): boolean {
  return request.entries.some(
    (entry) =>
      entry.kind === 'direct' &&
      entry.form !== 'path' &&
      /:\/\/[^/\s]*@|#(.*&)?(sha\d+|md5)=/.test(entry.origin.text),
  );
}
