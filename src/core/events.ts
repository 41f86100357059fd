/**
 * What the stages have to say while they work. A stage emits; `report/` alone renders.
 * Every event is rendered through a switch that the compiler checks for completeness.
 */
export type Event =
  | {
      readonly type: 'pip-line';
      readonly stream: 'stdout' | 'stderr';
      /** Or several, with line ends between, that are said at once. */
      readonly line: string;
      /** Nothing after a question of pip's. */
      readonly end: '\n' | '';
    }
  | { readonly type: 'decide-retry'; readonly attempt: number; readonly attempts: number }
  /** Somebody changed the environment since. */
  | { readonly type: 'decide-anew' }
  | { readonly type: 'download-start'; readonly filename: string; readonly url: string }
  | {
      readonly type: 'download-retry';
      readonly filename: string;
      readonly attempt: number;
      readonly attempts: number;
      readonly reason: string;
    }
  | {
      readonly type: 'download-end';
      readonly filename: string;
      readonly bytes: number;
      readonly milliseconds: number;
    }
  | {
      readonly type: 'build-start';
      readonly name: string;
      readonly version: string;
      readonly builder: string;
      readonly log: string;
    }
  | {
      readonly type: 'build-end';
      readonly name: string;
      readonly version: string;
      readonly milliseconds: number;
    }
  /** A build failed for lack of packages of the system. */
  | {
      readonly type: 'system-packages-missing';
      /** `lxml 5.3.0`. */
      readonly title: string;
      /** A line for each. */
      readonly explanation: readonly string[];
      /** What installs them. */
      readonly command: readonly string[];
    }
  | { readonly type: 'package-manager-line'; readonly line: string }
  | {
      readonly type: 'image-made';
      readonly name: string;
      readonly version: string;
      readonly milliseconds: number;
    }
  /** Somebody else holds what is needed; said once, after a second. */
  | { readonly type: 'waiting'; readonly what: string; readonly holder: string | null }
  /** Less than was asked for: files of images are not linked. */
  | { readonly type: 'copied'; readonly reason: string }
  /** pip does the whole line itself. */
  | { readonly type: 'handed-over'; readonly reason: string }
  /** The environment is as it was asked for; the direct ones were installed by pip. */
  | { readonly type: 'installed'; readonly linked: number; readonly direct: number }
  | { readonly type: 'uninstalled'; readonly name: string; readonly version: string }
  /** The store had become larger than `max-size`. */
  | { readonly type: 'pruned'; readonly entries: number; readonly bytes: number }
  | { readonly type: 'warning'; readonly message: string };

export type Emit = (event: Event) => void;
