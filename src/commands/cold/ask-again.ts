import type { Emit } from '../../core/events.ts';
import { missingText, provideSystemPackages } from '../../obtain/cold/system-packages/provide.ts';
import type { OldPipAnswer } from '../../plan/cold/ask-old-pip.ts';
import type { InstallJob } from '../job.ts';
import { ask } from './ask.ts';
import { assistanceOf } from './assistance.ts';
import { interruptible } from './interruption.ts';

/**
 * pip's answer to a line. Where a project's metadata cannot be built for lack of packages of the
 * system, these are provided as for a build of our own, and pip is asked again.
 */
export async function askUntilProvided(job: InstallJob): Promise<OldPipAnswer> {
  for (;;) {
    const started = Date.now();
    const said: string[] = [];
    const emit: Emit = (event) => {
      if (event.type === 'pip-line') said.push(event.line);
      job.reporter.emit(event);
    };
    const answer = await ask({ ...job, reporter: { ...job.reporter, emit } });
    if (answer.outcome !== 'refused' || answer.transient) return answer;
    const output = said.join('\n');
    if (!ofFailedBuild.test(output)) return answer;
    job.context.timings?.enter('prepare');
    const remedy = await interruptible((signal) => {
      const python = job.context.interpreter.versionInfo.join('.');
      const build = {
        project: null,
        title: 'The build',
        isUnderstood: false,
        output,
        python,
        started,
      };
      return provideSystemPackages(build, assistanceOf(job, signal));
    });
    if (remedy.outcome === 'installed') continue;
    if (remedy.outcome === 'missing') job.reporter.error(missingText(remedy), remedy.hint);
    return answer;
  }
}

/** pip's words on a command that failed, since 21.3 and before. */
const ofFailedBuild =
  /subprocess-exited-with-error|[Cc]ommand errored out|metadata-generation-failed/;
