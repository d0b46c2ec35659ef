import { type Exporter, exporterKey } from '../model/rules.ts';
import { isNoDifference } from '../rules/comparison.ts';
import type { ChangeResult } from './control.ts';

/** Of a change that names more exporters than this, only their number is told. */
const MAX_NAMED = 10;

/** What a change did to the rules, for the log (spec A43): fields by their names. */
export type ChangeReport = Readonly<Record<string, string | number>>;

/** @param rules how many there are by now; undefined when others have changed them since */
export function reportChange(
  { difference }: ChangeResult,
  rules: number | undefined,
): ChangeReport {
  const { added, removed, changed, areDefaultOutputsChanged, isReordered } = difference;
  return {
    added: added.length,
    removed: removed.length,
    changed: changed.length,
    ...(areDefaultOutputsChanged && { defaultOutputs: 'changed' }),
    ...(isReordered && { order: 'changed' }),
    ...nameExporters(difference),
    ...(rules !== undefined && { rules }),
  };
}

/** What the log says of a change, in words. */
export function titleOf({ difference }: ChangeResult): string {
  return isNoDifference(difference) ? 'rules changed by nothing' : 'rules changed';
}

/** `+192.0.2.1 -192.0.2.2 ~192.0.2.3:1000` */
function nameExporters({ added, removed, changed }: ChangeResult['difference']): ChangeReport {
  const count = added.length + removed.length + changed.length;
  if (count === 0 || count > MAX_NAMED) return {};
  const name = (sign: string) => (exporter: Exporter) => `${sign}${exporterKey(exporter)}`;
  const names = [...added.map(name('+')), ...removed.map(name('-')), ...changed.map(name('~'))];
  return { exporters: names.join(' ') };
}
