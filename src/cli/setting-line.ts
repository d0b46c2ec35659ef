import { withoutControls } from '../base/text.ts';

/** `NAME=value  # meaning` */
export function printSetting(setting: {
  readonly variable?: string | undefined;
  readonly value?: string | undefined;
  readonly meaning?: string | undefined;
}): string {
  const { variable = '', value = '', meaning = '' } = setting;
  return `${withoutControls(`${variable}=${value}  # ${meaning.replaceAll('`', '')}`)}\n`;
}
