/** Documents of which a part follows from the code, and how that part is made anew. */
import { dashboard } from '../dashboard/dashboard.ts';
import { withSettings } from './settings.ts';
import { withTables } from './tables.ts';

export const DOCUMENTS: Readonly<Record<string, (document: string) => string>> = {
  'deploy/grafana/floxy.json': dashboard,
  'docs/collecting.md': withTables,
  'docs/metrics.md': withTables,
  'docs/settings.md': withSettings,
};
