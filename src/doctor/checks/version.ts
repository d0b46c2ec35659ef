import { type Found, ok, skip, warn } from '../finding.ts';
import type { Build, Subject } from '../subject.ts';

export function lookAtVersion({ own, service }: Subject): Found[] {
  if (service === undefined) return [skip(`no service answers; this command is ${describe(own)}`)];
  const { build } = service;
  if (build.version === own.version && build.commit === own.commit) {
    return [ok(`service and command are ${describe(own)}`)];
  }
  return [
    warn(
      `the service is ${describe(build)}, this command ${describe(own)}`,
      'the service is not restarted since an upgrade: `floxy upgrade`; or call the command that belongs to it',
    ),
  ];
}

function describe({ version, commit }: Build): string {
  return `${version} (${commit.slice(0, 7)})`;
}
