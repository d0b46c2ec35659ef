/** What the defaults and checks of settings need to know of the system. */
export interface System {
  /** Relative paths start here. */
  readonly workingDirectory: string;
  availableCores(): number;
  /** The text of /etc/passwd; empty when there is none. */
  readPasswd(): string;
  /** The text of /etc/group; empty when there is none. */
  readGroups(): string;
  /** What is wrong with the file, or undefined when it can be read. */
  fileProblem(file: string): string | undefined;
  isDirectory(file: string): boolean;
  /** Why nothing can ever be made in this folder, whoever tries; undefined when it can, or might. */
  folderProblem(folder: string): string | undefined;
}
