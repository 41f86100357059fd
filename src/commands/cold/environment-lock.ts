import { errnoOf, hasErrno, PipAccelError } from '../../core/errors.ts';
import type { Interpreter } from '../../core/types.ts';
import { lockEnvironment } from '../../environment/lock.ts';
import { findJournals } from '../../install/journal.ts';
import { changeableRoots } from '../../install/transaction.ts';
import { repair } from '../../install/undo.ts';
import { type Holder, type Lock, type LockMode, nameHolder } from '../../process/lock.ts';
import type { Reporter } from '../../report/text.ts';

/** Seconds after which a reader goes on without the lock: what it reads may be about to change. */
const readersPatience = 5;

/** The lock of the environment that a run works on. Whoever gets it puts right first what a killed run left. */
export class EnvironmentLock {
  readonly #interpreter: Interpreter;
  readonly #reporter: Reporter;
  readonly #timeout: number;
  #held: { readonly mode: LockMode; readonly lock: Lock } | null = null;

  /** @param timeout seconds that a writer waits. */
  constructor(interpreter: Interpreter, reporter: Reporter, timeout: number) {
    this.#interpreter = interpreter;
    this.#reporter = reporter;
    this.#timeout = timeout;
  }

  get isHeld(): boolean {
    return this.#held !== null;
  }

  /** What programs have to inherit that work under the lock: it lasts as long as they do. */
  get descriptors(): readonly number[] {
    const descriptor = this.#held?.lock.descriptor ?? null;
    return descriptor === null ? [] : [descriptor];
  }

  /** True where the lock lasts only as long as this very process. */
  get isOwn(): boolean {
    return this.#held !== null && this.#held.lock.descriptor === null;
  }

  /**
   * For changing the environment.
   *
   * @throws PipAccelError `environment-locked`, `environment-unusable`
   */
  async exclusive(): Promise<void> {
    if (this.#held?.mode === 'exclusive') return;
    this.release();
    const { lock, holder } = await this.#lock('exclusive', this.#timeout);
    if (lock === 'busy') throw this.#lockedOut(holder);
    if (lock === null) return;
    this.#held = { mode: 'exclusive', lock };
    this.#repair();
  }

  /** For reading what is installed; after a few seconds without the lock, and with a warning. */
  async shared(): Promise<void> {
    if (this.#held) return;
    const timeout = Math.min(readersPatience, this.#timeout);
    const isLeft = findJournals(this.#interpreter.scheme).length > 0;
    if (isLeft && !(await this.#repairFirst(timeout))) return;
    const { lock } = await this.#lock('shared', isLeft ? 0 : timeout);
    if (lock === 'busy') this.#goOn('it is being changed by another process');
    else if (lock !== null) this.#held = { mode: 'shared', lock };
  }

  /**
   * For reading what is going to be changed.
   *
   * @throws as `exclusive` does.
   */
  async sharedByWriter(): Promise<void> {
    if (this.#held) return;
    await this.repairAny();
    const { lock, holder } = await this.#lock('shared', this.#timeout);
    if (lock === 'busy') throw this.#lockedOut(holder);
    if (lock !== null) this.#held = { mode: 'shared', lock };
  }

  /** Puts right what a killed run left; false where there was nothing of that. */
  async repairAny(): Promise<boolean> {
    if (findJournals(this.#interpreter.scheme).length === 0) return false;
    await this.exclusive();
    this.release();
    return true;
  }

  release(): void {
    this.#held?.lock.release();
    this.#held = null;
  }

  /** False where a reader has to go on with what there is. */
  async #repairFirst(timeout: number): Promise<boolean> {
    const { lock } = await this.#lock('exclusive', timeout);
    if (lock === null) return false;
    if (lock === 'busy') {
      this.#goOn('it is being changed by another process');
      return false;
    }
    try {
      this.#repair();
      return true;
    } catch (error) {
      if (!(error instanceof PipAccelError) && errnoOf(error) === null) throw error;
      this.#goOn((error as Error).message);
      return false;
    } finally {
      lock.release();
    }
  }

  /** @returns the lock; null, after a warning, where the file system or its permissions allow none. */
  async #lock(
    mode: LockMode,
    seconds: number,
  ): Promise<{ readonly lock: Lock | 'busy' | null; readonly holder: Holder | null }> {
    let holder: Holder | null = null;
    let isAnnounced = false;
    const onWait = (found: Holder | null): void => {
      holder = found;
      if (isAnnounced) return;
      isAnnounced = true;
      this.#reporter.emit({
        type: 'waiting',
        what: this.#interpreter.prefix,
        holder: nameHolder(found),
      });
    };
    try {
      const { scheme } = this.#interpreter;
      const lock = await lockEnvironment(scheme, mode, { timeout: seconds * 1000, onWait });
      return { lock: lock ?? 'busy', holder };
    } catch (error) {
      if (!hasErrno(error, 'EACCES', 'EPERM', 'EROFS')) throw error;
      this.#goOn(`it cannot be locked (${(error as Error).message})`);
      return { lock: null, holder };
    }
  }

  #repair(): void {
    const { prefix, scheme } = this.#interpreter;
    const roots = changeableRoots(this.#interpreter);
    try {
      const undone = findJournals(scheme).filter((name) => repair(name, scheme, roots));
      if (undone.length === 0) return;
    } catch (error) {
      if (error instanceof PipAccelError || errnoOf(error) === null) throw error;
      throw new PipAccelError(
        'environment-unusable',
        `${prefix} was left half-changed by a run that was cut off, and cannot be put right: ${(error as Error).message}`,
        { cause: error, hint: 'Run pip-accel as the user who ran it then, or as root.' },
      );
    }
    this.#reporter.warning(`put back what a run that was cut off had changed in ${prefix}`);
  }

  #goOn(reason: string): void {
    this.#reporter.warning(`${this.#interpreter.prefix}: ${reason}; going on all the same`);
  }

  #lockedOut(holder: Holder | null): PipAccelError {
    const by = nameHolder(holder) ?? 'other processes';
    return new PipAccelError(
      'environment-locked',
      `${this.#interpreter.prefix} was in use by ${by} for ${this.#timeout} seconds`,
      {
        hint: 'Wait for them to end, or set lock-timeout (PIP_ACCEL_LOCK_TIMEOUT) to more seconds.',
      },
    );
  }
}
