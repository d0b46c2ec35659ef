import type { CommandShape } from './shape.ts';
import { type CommandWords, commandWords, namesWithValues, quote } from './words.ts';

/** Completion for zsh (zshcompsys(1)), a file `_floxy` of its function path. Where nothing is known, files are completed. */
export function zshCompletion(program: CommandShape): string {
  const all = commandWords(program);
  const places = all.flatMap(({ place }) => (place === '' ? [] : [quote(place)]));
  return `#compdef floxy
# Completion of floxy for zsh, made by: floxy completion zsh

_floxy() {
	local place= i before=\${words[CURRENT-1]} with_value=${quote(` ${namesWithValues(program).join(' ')} `)}
	local -a commands options choices
	for ((i = 2; i < CURRENT; i++)); do
		if [[ $with_value == *" $words[i] "* ]]; then
			((i++))
			continue
		fi
		case "$place $words[i]" in
		(${places.join('|')})
			place+=" $words[i]"
			;;
		esac
	done
	case $place in
${all.map(zshCase).join('')}	esac
	if [[ $with_value == *" $before "* ]]; then
		if (( $#choices )); then _describe value choices; else _files; fi
	elif [[ $PREFIX == -* ]]; then
		_describe option options
	elif (( $#commands )); then
		_describe command commands
	else
		_files
	fi
}

_floxy "$@"
`;
}

function zshCase({ place, shape, options }: CommandWords): string {
  const commands = shape.commands.map(({ path, description }) => item(path.at(-1), description));
  const choices = shape.arguments.flatMap((argument) =>
    argument.choices.map((choice) => item(choice, argument.description)),
  );
  const flags = options.flatMap(({ names, description }) =>
    names.map((name) => item(name, description)),
  );
  return `	(${quote(place)})
		commands=(${[...commands, ...choices].join(' ')})
		options=(${flags.join(' ')})
		case $before in
${options.flatMap(valueCase).join('')}		esac
		;;
`;
}

function valueCase({ names, choices }: CommandShape['options'][number]): string[] {
  if (choices.length === 0) return [];
  return [`\t\t(${names.join('|')}) choices=(${choices.map(quote).join(' ')}) ;;\n`];
}

/** A word and what it means, as _describe takes them. */
function item(word = '', description = ''): string {
  return quote(`${word.replaceAll(':', '\\:')}:${description}`);
}
