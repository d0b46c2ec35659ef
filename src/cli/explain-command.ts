/** `floxy explain`: which rule fires for an exporter, and where its packets go. */
import { type Command, InvalidArgumentError } from 'commander';
import { parseExporterText } from '../config/exporter-text.ts';
import { exporterKey } from '../model/rules.ts';
import { readAccess } from './access-options.ts';
import { callApi } from './api-client.ts';
import { type EndpointJson, parseExporter } from './endpoint-argument.ts';
import { explainScreen } from './explain-screen.ts';
import { encodeMessage, findMethod, makeMessage, printMessage } from './messages.ts';
import { addOutputOption, type OutputOptions } from './output.ts';
import type { Terminal } from './terminal.ts';
import { WirePrinter } from './wire.ts';

interface Asked {
  readonly exporter: EndpointJson;
  readonly listeningPort?: number;
}

/** Adds `floxy explain`. */
export function addExplainCommand(program: Command, terminal: Terminal): void {
  const explain = program
    .command('explain')
    .description(
      'print which rule fires for packets of an exporter, why no other does, and how the copies get to their collectors',
    )
    .argument(
      '<exporter>',
      'its address, with the source port if that is known: 192.0.2.1, 192.0.2.1:1000, [2001:db8::1]:1000; @9995 behind it: what comes to that port of the proxy',
      parseAsked,
    );
  addOutputOption(explain, 'table').action(
    async (asked: Asked, { output }: OutputOptions, command: Command) => {
      const method = findMethod('floxy', 'collector.proto.View', 'ExplainExporter');
      const request = makeMessage(method.input, { ...asked });
      const { message } = await callApi(readAccess(command, terminal.env), method, request);
      if (output !== 'table') {
        await terminal.print(printMessage(method.output, message, output));
        return;
      }
      const wire = new WirePrinter(method.output);
      await terminal.print(explainScreen(wire.json(encodeMessage(method.output, message))));
    },
  );
}

function parseAsked(text: string): Asked {
  const exporter = parseExporterText(text);
  if (exporter?.prefixLength !== undefined) {
    throw new InvalidArgumentError(
      `${exporterKey(exporter)} is a prefix: give an address in it, such as that of an exporter.`,
    );
  }
  const { endpoint, listeningPort } = parseExporter(text);
  return { exporter: endpoint, ...(listeningPort !== undefined && { listeningPort }) };
}
