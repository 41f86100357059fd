import type { Sha256, Source } from '../../core/types.ts';
import type { Candidate } from './candidates.ts';

/** What is to be downloaded of a file that was chosen. */
export function sourceOf({ file, filename }: Pick<Candidate, 'file' | 'filename'>): Source {
  const { url, hashes } = file;
  const sha256 = (hashes['sha256']?.toLowerCase() as Sha256 | undefined) ?? null;
  const [first] = Object.entries(hashes);
  return {
    url,
    filename,
    sha256,
    ...(sha256 === null && first ? { promise: first.join('=') } : {}),
  };
}
