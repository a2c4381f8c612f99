/** Where our decision may differ from `nvflare provision` (docs/reference/provisioning.md §12), as data. */
interface Refusal {
  /** Code of the finding that refuses what the reference takes. */
  code: string;
  /** Which field; missing = any. */
  path?: RegExp;
  why: string;
}

export const refusals: readonly Refusal[] = [
  {
    code: 'project_name_invalid',
    why: 'stricter project name: it becomes a folder, a DNS name and a JSON string',
  },
  { code: 'name_reserved', why: 'reserved names' },
  { code: 'name_invalid', why: 'a line end at the end of a name' },
  { code: 'org_invalid', why: 'a line end at the end of a name' },
  { code: 'role_invalid', why: 'a line end at the end of a name' },
  { code: 'host_name_invalid', why: 'a line end at the end of a name' },
  { code: 'type_unknown', why: 'unknown participant types get an empty kit from the reference' },
  { code: 'port_invalid', why: 'stricter ports' },
  {
    code: 'wrong_type',
    path: /\.(use_aio|allow_log_streaming|allow_error_sending)$/,
    why: 'stricter types: only true and false say what is meant',
  },
  { code: 'wrong_type', path: /host_names$/, why: 'stricter types, also where the reference does not look' },
  {
    code: 'wrong_type',
    path: /capacity/,
    why: 'stricter types: a client with such a capacity does not start',
  },
  { code: 'wrong_type', path: /(connect_to|listening_host)\./, why: 'stricter types' },
  { code: 'wrong_type', path: /parent$/, why: 'stricter types' },
  { code: 'builder_missing', why: 'kits without certificates or configuration are of no use' },
  { code: 'builder_order', why: 'files written after signing stay unsigned' },
  { code: 'builder_repeated', why: 'which of the two counts is open' },
];

/** What the reference stumbles over and we take, by what it says. */
export const acceptances: readonly { says: RegExp; why: string }[] = [
  {
    says: /_validate_host_name_against_listener/,
    why: 'connect_to without host: the host names of the server are compared with nothing',
  },
];
