import type { DecodedField } from './decoded-records.ts';
import type { TsharkField } from './tshark.ts';

/** Whether tshark shows what our JSON has; undefined when it shows something that cannot be compared. */
export function agrees({ json, octets }: DecodedField, theirs: TsharkField): boolean | undefined {
  const { show } = theirs;
  const label = LABEL.exec(show);
  if (label) return labelOf(label) === Number.parseInt(octets, 16);
  if (/^([0-9a-f]{2}:)+[0-9a-f]{2}$/.test(show) && show.length === octets.length * 1.5 - 1) {
    return show.replaceAll(':', '') === octets;
  }
  if (typeof json === 'boolean') return json === (show === '1' || show === 'True');
  if (typeof json !== 'string') return undefined;
  if (json.startsWith('#')) return numberAgrees(json.slice(1), theirs);
  if (json.startsWith('0x')) return show === json || show === octets ? true : undefined;
  return textAgrees(json, show);
}

/** `MPLS-Label1: 16065 exp-bits: 0 bottom-of-stack` */
const LABEL = /^MPLS-Label\d+: (\d+) exp-bits: (\d) (bottom)?/;

function labelOf([, label, bits, bottom]: RegExpExecArray): number {
  return Number(label) * 16 + Number(bits) * 2 + (bottom ? 1 : 0);
}

function numberAgrees(text: string, { name, show }: TsharkField): boolean | undefined {
  if (/[.E]/.test(text) && !/^(0x|\w{3} )/.test(show)) {
    // tshark shows six digits.
    return Math.abs(Number(text) - Number(show)) <= Math.abs(Number(text)) * 1e-5;
  }
  if (/^-?\d+$|^0x[0-9a-f]+$/i.test(show)) return BigInt(text) === BigInt(show);
  if (/^\d+\.\d+$/.test(show)) return secondsAgree(text, show, name);
  const ms = Date.parse(show.replace(/(\.\d{3})\d+/, '$1'));
  if (Number.isNaN(ms)) return undefined;
  return BigInt(text) === BigInt(ms) || BigInt(text) * 1000n === BigInt(ms) || ntpMs(text) === ms;
}

/** Times relative to the exporter's start are milliseconds here, seconds there. */
function secondsAgree(text: string, show: string, name: string): boolean | undefined {
  const ms = Math.round(Number(show) * 1000);
  return name.startsWith('cflow.time') ? BigInt(text) === BigInt(ms) : undefined;
}

/** NTP's 64 bits as milliseconds of the Unix epoch. */
function ntpMs(text: string): number {
  const value = BigInt(text);
  const seconds = Number(value >> 32n) - 2_208_988_800;
  return seconds * 1000 + Number(((value & 0xffff_ffffn) * 1000n) >> 32n);
}

function textAgrees(json: string, show: string): boolean {
  return json === show || json === show.replace(/^::ffff:(?=\d+\.)/, '');
}
