import type { CommandShape } from './shape.ts';
import { type CommandWords, commandWords, namesWithValues, quote } from './words.ts';

/** Completion for bash (bash(1), "Programmable Completion"). Where nothing is known, names of files are completed. */
export function bashCompletion(program: CommandShape): string {
  const all = commandWords(program);
  const places = all.flatMap(({ place }) => (place === '' ? [] : [quote(place)]));
  return `# Completion of floxy for bash, made by: floxy completion bash

_floxy() {
	local word=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD - 1]} place= i
	local with_value=${quote(` ${namesWithValues(program).join(' ')} `)} commands= options= values=
	COMPREPLY=()
	for ((i = 1; i < COMP_CWORD; i++)); do
		if [[ $with_value == *" \${COMP_WORDS[i]} "* ]]; then
			((i++))
			continue
		fi
		case "$place \${COMP_WORDS[i]}" in
		${places.join(' | ')})
			place+=" \${COMP_WORDS[i]}"
			;;
		esac
	done
	case $place in
${all.map(bashCase).join('')}	esac
	if [[ $with_value == *" $before "* ]]; then
		COMPREPLY=($(compgen -W "$values" -- "$word"))
	elif [[ $word == -* ]]; then
		COMPREPLY=($(compgen -W "$options" -- "$word"))
	else
		COMPREPLY=($(compgen -W "$commands" -- "$word"))
	fi
}

complete -o bashdefault -o default -F _floxy floxy
`;
}

function bashCase({ place, shape, options }: CommandWords): string {
  const names = shape.commands.map(({ path }) => path.at(-1));
  const words = [...names, ...shape.arguments.flatMap(({ choices }) => choices)].join(' ');
  const flags = options.flatMap((option) => option.names).join(' ');
  return `	${quote(place)})
		commands=${quote(words)}
		options=${quote(flags)}
		case $before in
${options.flatMap(valueCase).join('')}		esac
		;;
`;
}

function valueCase({ names, choices }: CommandShape['options'][number]): string[] {
  if (choices.length === 0) return [];
  return [`\t\t${names.join(' | ')}) values=${quote(choices.join(' '))} ;;\n`];
}
