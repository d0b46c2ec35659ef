import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';

/** What `promtool check metrics` says of an exposition: one problem a line. @throws Error without promtool */
export async function promtoolProblems(exposition: string): Promise<string[]> {
  const child = spawn('promtool', ['check', 'metrics'], { stdio: ['pipe', 'pipe', 'pipe'] });
  const failed = new Promise<never>((_, reject) => child.on('error', reject));
  child.stdin.end(exposition);
  const said = await Promise.race([Promise.all([text(child.stdout), text(child.stderr)]), failed]);
  return said
    .join('')
    .split('\n')
    .filter((line) => line !== '');
}
