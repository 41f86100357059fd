import { posix } from 'node:path';
import { PipAccelError } from '../../../core/errors.ts';

/**
 * Refuses a member that would land outside of the folder that its archive is unpacked into.
 *
 * @throws PipAccelError `archive-invalid`
 */
export function checkMemberName(archive: string, name: string): void {
  if (leaves(name)) throw refusal(archive, name, 'lies outside of the archive');
}

/**
 * Refuses a hardlink to anything but a member, whose name it has to be.
 *
 * @throws PipAccelError `archive-invalid`
 */
export function checkHardlinkTarget(archive: string, link: string, target: string): void {
  if (leaves(target)) {
    throw refusal(archive, link, `is a link to ${target}, outside of the archive`);
  }
}

function leaves(name: string): boolean {
  return name.startsWith('/') || name.split('/').includes('..') || name.includes('\0');
}

/**
 * Refuses a symbolic link that leads out of its archive, by its words alone: where a part of the
 * target is itself a link, only a look at what was unpacked can tell.
 *
 * @throws PipAccelError `archive-invalid`
 */
export function checkLinkTarget(archive: string, link: string, target: string): void {
  const reached = posix.normalize(posix.join(posix.dirname(link), target));
  if (target.startsWith('/') || reached === '..' || reached.startsWith('../')) {
    throw refusal(archive, link, `is a link to ${target}, outside of the archive`);
  }
}

export function refusal(archive: string, member: string, reason: string): PipAccelError {
  return new PipAccelError('archive-invalid', `${archive}: its member ${member} ${reason}`, {
    hint: 'Nothing of it was used. Tell its authors, or those of the index that it came from.',
  });
}
