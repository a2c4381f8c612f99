/**
 * Where this product decides otherwise than `nvflare provision`, on purpose (docs/reference/provisioning.md §12).
 * Key = case id of project-validation-matrix.json. `accepts` is our decision per line where it differs.
 */
export interface Deviation {
  why: string;
  lines: readonly ('2.7.2' | '2.8.1')[];
  accepts: boolean;
  /** The finding that carries the refusal. */
  code: string;
}

const both = ['2.7.2', '2.8.1'] as const;

export const deviations: Record<string, Deviation> = {
  name_with_quote: {
    why: 'stricter project name: nvflare writes it unescaped into JSON',
    lines: both,
    accepts: false,
    code: 'project_name_invalid',
  },
  client_name_server: {
    why: 'reserved name: the cell name of every server',
    lines: both,
    accepts: false,
    code: 'name_reserved',
  },
  fed_learn_port_bad_str: { why: 'stricter ports', lines: both, accepts: false, code: 'port_invalid' },
  fed_learn_port_neg: { why: 'stricter ports', lines: both, accepts: false, code: 'port_invalid' },
  type_upper: {
    why: 'unknown participant types are refused: nvflare makes an empty kit',
    lines: both,
    accepts: false,
    code: 'type_unknown',
  },
  client_capacity_str: {
    why: 'stricter types: a client with such a capacity does not start',
    lines: ['2.8.1'],
    accepts: false,
    code: 'wrong_type',
  },
  cc_missing_file: {
    why: 'confidential-computing errors are fatal',
    lines: both,
    accepts: false,
    code: 'file_missing',
  },
  cc_bad_env: {
    why: 'confidential-computing errors are fatal',
    lines: both,
    accepts: false,
    code: 'cc_compute_env',
  },
  cc_allow_list_str: {
    why: 'confidential-computing errors are fatal; 2.7 does not read the key',
    lines: ['2.7.2'],
    accepts: false,
    code: 'cc_config_invalid',
  },
  cc_inline_dict: {
    why: 'confidential-computing errors are fatal',
    lines: both,
    accepts: false,
    code: 'wrong_type',
  },
  cc_no_builder: {
    why: 'confidential-computing errors are fatal: the kit would not be protected',
    lines: both,
    accepts: false,
    code: 'cc_builder_missing',
  },
};
