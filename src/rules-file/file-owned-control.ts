import { FloxyError } from '../base/errors.ts';
import type { ChangeResult, Control } from '../control/control.ts';
import { DelegatingControl } from '../control/delegating-control.ts';
import type { SubsystemStatus } from '../model/status.ts';
import type { SystemStatus } from '../telemetry/status.ts';
import type { FileRules } from './file-rules.ts';

type FilePart = Pick<FileRules, 'file' | 'problem' | 'isWaitingForFirstRules'>;

/** The control plane of a node whose rules are those of a file, as its API shows it: they are changed there alone. */
export class FileOwnedControl extends DelegatingControl {
  readonly #source: FilePart;

  constructor(control: Control, source: FilePart) {
    super(control);
    this.#source = source;
  }

  override rulesProblem(): string | undefined {
    if (this.#source.isWaitingForFirstRules) return this.#waiting();
    return super.rulesProblem();
  }

  override async change(): Promise<ChangeResult> {
    throw new FloxyError(
      'FILE_OWNED',
      `the rules of this node are those of ${this.#source.file} (COLLECTOR_FLOXY_RULES_FILE): change them there; it is read when it changes, and at SIGHUP`,
    );
  }

  override status(): SystemStatus {
    const status = super.status();
    return { ...status, proxy: this.#proxyStatus(status.proxy) };
  }

  /** A node without rules must not draw traffic that it would only drop. */
  #proxyStatus(proxy: SubsystemStatus): SubsystemStatus {
    if (proxy.state !== 'OK') return proxy;
    const { problem, isWaitingForFirstRules } = this.#source;
    if (isWaitingForFirstRules) return { state: 'NotConfigured', error: this.#waiting() };
    const errors = [problem, proxy.error].filter((error) => error !== undefined);
    return errors.length === 0 ? proxy : { ...proxy, error: errors.join('; ') };
  }

  #waiting(): string {
    const { file, problem } = this.#source;
    return problem ?? `the rules of ${file} are being read`;
  }
}
