/** The end of the program's help, and a section of its manual page. */
export const EXIT_STATUS_HELP = `
Exit status:
  0  done
  1  the call or the service failed, or the output cannot be written; health: not serving, or not reachable;
     status: the node is not OK; rules diff: there is a difference
  2  wrong usage, input (also when the service finds what is wrong with it) or configuration
  3  the API could not be reached, or did not answer in time
130  interrupted while waiting (drain)`;
