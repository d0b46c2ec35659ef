import type { ControlPlane } from '../control/control-plane.ts';
import type { EventSink } from '../model/events.ts';
import type { Revision } from '../model/rules.ts';

/** Tells that other rules are in force, with who wanted them. */
export class RulesEvents {
  readonly #control: Pick<ControlPlane, 'onChange' | 'presentRules'>;
  readonly #events: EventSink;
  #known = 0;
  #end: () => void = () => undefined;

  constructor(control: Pick<ControlPlane, 'onChange' | 'presentRules'>, events: EventSink) {
    this.#control = control;
    this.#events = events;
  }

  /** What is in force then is no news. */
  start(): void {
    this.#known = this.#control.presentRules().revision.number;
    this.#end = this.#control.onChange(() => this.#look());
  }

  stop(): void {
    this.#end();
  }

  #look(): void {
    const { revision } = this.#control.presentRules();
    // Rules are put in force again when the addresses of this host change.
    if (revision.number === this.#known) return;
    this.#known = revision.number;
    const cause = causeOf(revision);
    this.#events.emit({ kind: 'RulesChanged', subject: `revision ${revision.number}`, cause });
  }
}

/** `UpdateProxyRules by alice (192.0.2.1:50000): new routers` */
function causeOf({ call, author, from, message }: Revision): string | undefined {
  if (call === undefined) return undefined;
  const who = author === undefined ? '' : ` by ${author}`;
  const where = from === undefined ? '' : ` (${from})`;
  return `${call}${who}${where}${message === undefined ? '' : `: ${message}`}`;
}
