const MINIMUM_NODE_MAJOR = 24;

// Comes before any import: on older versions the native parts of dependencies crash without a message.
if (Number.parseInt(process.versions.node, 10) < MINIMUM_NODE_MAJOR) {
  process.stderr.write(
    `floxy needs Node.js ${MINIMUM_NODE_MAJOR} or newer; this is ${process.versions.node} (${process.execPath}).\n`,
  );
  process.exit(1);
}

const { runCommandLine } = await import('./cli/run.ts');
const { processTerminal } = await import('./cli/terminal.ts');
process.exitCode = await runCommandLine(process.argv.slice(2), processTerminal());

/** What keeps the process for longer when all is done is no work of its own. */
const STRAY_MS = 500;

// A connection to an address that does not answer is given up by the kernel after two minutes, and by nobody before.
setInterval(() => {
  if (process.stdout.writableLength + process.stderr.writableLength === 0) process.exit();
}, STRAY_MS).unref();
