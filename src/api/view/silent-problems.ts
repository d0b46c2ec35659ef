import { SILENCE_ADVICE, silenceOf } from '../../control/silence.ts';
import { described } from '../../model/described.ts';
import type { SilentExporter } from '../../model/exporter-status.ts';
import type { ProblemMessage } from '../../protocol/view-messages.ts';

interface Found extends ProblemMessage {
  /** The node is well. */
  readonly isGrave?: false;
}

/** More are counted, not named. */
const MAX_NAMED = 5;

/** Exporters that are expected to send and do not, the longest silence first. */
export function silentProblems(silent: readonly SilentExporter[], now: Date): Found[] {
  const longest = silent.toSorted((one, other) => +one.silentSince - +other.silentSince);
  const named = longest.slice(0, MAX_NAMED).map((one) => ({
    what: `exporter ${described(one.exporter, one.description)}: ${silenceOf(one, now.getTime())}`,
    advice: SILENCE_ADVICE,
  }));
  const more = silent.length - named.length;
  if (more <= 0) return named;
  return [
    ...named,
    { what: `${more} more exporters are silent: \`floxy exporters --silent\` names them` },
  ];
}
