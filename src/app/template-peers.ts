import type { Logger } from 'pino';
import type { FollowTls } from '../config/config.ts';
import type { TemplatePeerStats } from '../flow/pipeline/stats.ts';
import type { TemplateDesk } from '../flow/pipeline/supervisor/template-desk.ts';
import { checkPage } from '../flow/templates/check-page.ts';
import { type TemplateKeeper, TemplatePull } from '../follower/template-pull.ts';
import type {
  TemplateChangeMessage,
  TemplateChangesMessage,
} from '../protocol/template-messages.ts';

export interface TemplatePeersOptions {
  /** The node whose rules this one follows, which is asked as well. */
  readonly leader: string | undefined;
  readonly tls: FollowTls | undefined;
  /** File with the token to send. Without TLS nobody but the leader gets it: anybody could be a peer. */
  readonly tokenPath: string | undefined;
  readonly desk: TemplateDesk;
  readonly log: Logger;
}

/** The nodes that are asked for templates. What they tell goes to a worker, which keeps it. */
export class TemplatePeers {
  readonly #options: TemplatePeersOptions;
  readonly #keeper: TemplateKeeper;
  #pulls: readonly TemplatePull[] = [];

  constructor(options: TemplatePeersOptions) {
    this.#options = options;
    this.#keeper = keeperAt(options.desk);
  }

  /** Asks these nodes, and the leader, and no others. @param peers `host:port` */
  configure(peers: readonly string[]): void {
    const { leader, tls, tokenPath, log } = this.#options;
    const wanted = new Set([...(leader === undefined ? [] : [leader]), ...peers]);
    const kept = this.#pulls.filter(({ peer }) => wanted.has(peer));
    for (const pull of this.#pulls) if (!kept.includes(pull)) pull.stop();
    const known = new Set(kept.map(({ peer }) => peer));
    const fresh = [...wanted]
      .filter((peer) => !known.has(peer))
      .map((peer) => {
        const mayHaveToken = tls !== undefined || peer === leader;
        const token = mayHaveToken ? tokenPath : undefined;
        return new TemplatePull({ peer, tls, tokenPath: token, keeper: this.#keeper, log });
      });
    this.#pulls = [...kept, ...fresh];
  }

  stats(): TemplatePeerStats[] {
    return this.#pulls.map((pull) => pull.status());
  }

  stop(): void {
    for (const pull of this.#pulls) pull.stop();
    this.#pulls = [];
  }
}

function keeperAt(desk: TemplateDesk): TemplateKeeper {
  return {
    get isOpen() {
      return desk.isOpen;
    },
    epoch: () => desk.epoch(),
    take: async (message) => {
      const { changes, refused } = checkPage(toPage(message));
      if (changes.length > 0) await desk.apply(changes);
      return { taken: changes.length, refused };
    },
  };
}

/** As pages are inside, as far as it is one. */
function toPage({ epoch, next = '0', hasMore = false, changes = [] }: TemplateChangesMessage) {
  return { epoch, next: Number(next), hasMore, changes: changes.map(toChange) };
}

function toChange(message: TemplateChangeMessage): unknown {
  const { address, seenMs = '0', trusted = false, template, samplingRate, interfaceName } = message;
  const base = { address, seenMs: Number(seenMs), trusted };
  if (template) {
    const { port = 0, version, domain = 0, id, options = false, record } = template;
    const kind = options ? 'options' : 'data';
    const rest = { version, domain, templateId: id, kind, record: record ?? new Uint8Array(0) };
    return { ...base, what: 'template', port, ...rest };
  }
  if (samplingRate) {
    const { sampler = 0, rate = 0 } = samplingRate;
    return { ...base, what: 'rate', key: sampler, value: String(rate) };
  }
  const { index = 0, name = '' } = interfaceName ?? {};
  return { ...base, what: 'interface', key: index, value: name };
}
