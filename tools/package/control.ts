/** What dpkg is told of the package: deb-control(5) and maintainer scripts. */
import { createHash } from 'node:crypto';
import { chmodSync, lstatSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

export interface PackageFacts {
  /** With its revision: 0.2.0-1. */
  readonly version: string;
  readonly architecture: string;
  readonly description: string;
}

const SCRIPTS = ['postinst', 'prerm', 'postrm'];

const CONFIGURATION = ['/etc/floxy.env'];

const LONG_DESCRIPTION = ` Floxy hands each datagram of an exporter (NetFlow, IPFIX, sFlow or any other
 UDP), with the exporter's own source address and port, to as many collectors
 as its rules name, and decodes flow for Kafka, NATS, NSQ, files and others.
 .
 It brings the Node.js that it runs on. Upgrades lose no packet.`;

/** Writes DEBIAN/ of a tree. @param root the checkout */
export function describePackage(root: string, tree: string, facts: PackageFacts): void {
  const folder = path.join(tree, 'DEBIAN');
  const files = filesOf(tree);
  setModes(tree);
  mkdirSync(folder);
  writeFileSync(path.join(folder, 'control'), controlText(facts, kibibytes(tree, files)));
  writeFileSync(path.join(folder, 'conffiles'), CONFIGURATION.map((name) => `${name}\n`).join(''));
  writeFileSync(path.join(folder, 'md5sums'), sums(tree, files));
  for (const name of SCRIPTS) {
    const text = readFileSync(path.join(root, 'deploy/debian', name), 'utf8');
    const file = path.join(folder, name);
    writeFileSync(file, text.replaceAll('@VERSION@', facts.version));
    chmodSync(file, 0o755);
  }
}

function controlText({ version, architecture, description }: PackageFacts, size: number): string {
  return `Package: floxy
Version: ${version}
Architecture: ${architecture}
Maintainer: Floxy developers <floxy@localhost>
Installed-Size: ${size}
Depends: libc6 (>= 2.28), libgcc-s1, libstdc++6, init-system-helpers (>= 1.54), systemd | passwd, procps
Recommends: iproute2
Section: net
Priority: optional
Description: ${shortDescription(description)}
${LONG_DESCRIPTION}
`;
}

/** Up to the first colon: one line of at most 80 characters, without an article. */
function shortDescription(description: string): string {
  const [first = ''] = description.split(':');
  return `${first.trim()} and flow collector`;
}

function filesOf(tree: string): readonly string[] {
  return readdirSync(tree, { recursive: true, encoding: 'utf8' })
    .filter((name) => !lstatSync(path.join(tree, name)).isDirectory())
    .sort();
}

function kibibytes(tree: string, files: readonly string[]): number {
  return files.reduce(
    (sum, name) => sum + Math.ceil(lstatSync(path.join(tree, name)).size / 1024),
    0,
  );
}

/** As md5sum prints them; conffiles are dpkg's own matter. */
function sums(tree: string, files: readonly string[]): string {
  return files
    .filter(
      (name) => lstatSync(path.join(tree, name)).isFile() && !CONFIGURATION.includes(`/${name}`),
    )
    .map((name) => {
      const sum = createHash('md5')
        .update(readFileSync(path.join(tree, name)))
        .digest('hex');
      return `${sum}  ${name}\n`;
    })
    .join('');
}

/** Folders and programs 755, files 644, whoever builds; what is closed to others stays so. */
function setModes(tree: string): void {
  for (const name of readdirSync(tree, { recursive: true, encoding: 'utf8' })) {
    const file = path.join(tree, name);
    const status = lstatSync(file);
    if (status.isSymbolicLink()) continue;
    const isOpen = !CONFIGURATION.includes(`/${name}`);
    const mode = status.isDirectory() || (status.mode & 0o100) !== 0 ? 0o755 : 0o644;
    if (isOpen) chmodSync(file, mode);
  }
}
