/** What the arguments of the server's commands are (docs/reference/admin-protocol.md §8). */

export type ArgumentSource = 'job' | 'site' | 'study' | 'folder' | 'file' | 'target' | 'new';

/** In order; the last one repeats. `new`: a name or text that nobody can know. */
const argumentsOf: Readonly<Record<string, readonly ArgumentSource[]>> = {
  submit_job: ['folder'],
  list_jobs: ['job'],
  get_job_meta: ['job'],
  get_job_log: ['job', 'site'],
  abort_job: ['job'],
  delete_job: ['job'],
  clone_job: ['job'],
  download_job: ['job', 'new'],
  download_job_components: ['job'],
  list_job: ['job'],
  configure_job_log: ['job', 'target', 'site'],
  app_command: ['job', 'new'],
  show_stats: ['job', 'target', 'site'],
  show_errors: ['job', 'target', 'site'],
  reset_errors: ['job', 'target', 'site'],
  check_status: ['target', 'site'],
  show_scopes: ['target', 'site'],
  shutdown: ['target', 'site'],
  restart: ['target', 'site'],
  remove_client: ['site'],
  disable_client: ['site'],
  enable_client: ['site'],
  sys_info: ['target', 'site'],
  report_resources: ['target', 'site'],
  report_env: ['site'],
  report_version: ['target', 'site'],
  configure_site_log: ['target', 'site'],
  pwd: ['site'],
  ls: ['site', 'file'],
  cat: ['site', 'file'],
  head: ['site', 'file'],
  tail: ['site', 'file'],
  grep: ['site', 'new', 'file'],
  register_study: ['new'],
  list_studies: [],
  show_study: ['study'],
  remove_study: ['study'],
  add_study_site: ['study', 'new'],
  remove_study_site: ['study', 'new'],
  add_study_user: ['study', 'new'],
  remove_study_user: ['study', 'new'],
};

/** True for every command whose arguments are told apart. */
export const knowsArguments = (command: string): boolean => Object.hasOwn(argumentsOf, command);

/** What the argument at `position` (from 0) of a command is; options before it are not counted. */
export function argumentAt(command: string, position: number): ArgumentSource | undefined {
  const sources = knowsArguments(command) ? (argumentsOf[command] ?? []) : [];
  return sources[Math.min(position, sources.length - 1)];
}
