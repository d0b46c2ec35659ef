/** Queries of dashboards and alerts. */

/** Names of the metrics that a query asks for. */
export function metricsIn(query: string): string[] {
  const withoutLabels = query.replaceAll(/\{[^}]*\}/g, '');
  const names = withoutLabels.match(/\b(?:floxy|process|nodejs|vflow)_\w+|\bup\b/g) ?? [];
  return [...new Set(names)];
}
