/** Reference values and resources of the key broker for tests, as each release answers for them. */

export interface Reply {
  status: number;
  type?: string;
  body?: string;
  cookie?: string;
}

export const problem = (variant: string, detail: string, status = 401): Reply => ({
  status,
  type: 'application/problem+json',
  body: JSON.stringify({ type: `https://github.com/confidential-containers/kbs/errors/${variant}`, detail }),
});

/** JSON of a body; undefined when it is no object. */
export function jsonOf(body: Buffer): Record<string, unknown> | undefined {
  try {
    const value = JSON.parse(body.toString('utf8')) as unknown;
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

/** Name → value. GET gives all up to v0.15, from v0.16 the one whose name stands in the path. */
export function answerReference(
  values: Map<string, unknown>,
  { method, name, body, minor }: { method: string; name: string; body: Buffer; minor: number },
): Reply {
  const failed = (what: string, why: string): Reply => problem('RvpsError', `RVPS Error: ${what}: ${why}`);
  if (method === 'GET') {
    const answered = (value: unknown): Reply => ({
      status: 200,
      type: 'application/json',
      body: JSON.stringify(value),
    });
    if (minor < 16) return answered(Object.fromEntries(values));
    return values.has(name)
      ? answered(values.get(name))
      : failed('Failed to get reference_values', `No reference value found for the given id: ${name}`);
  }
  const register = 'Failed to register reference value';
  const message = jsonOf(body);
  if (!message || message['version'] !== '0.1.0') return failed(register, 'parse message');
  if (message['type'] !== 'sample') return failed(register, 'unknown extractor');
  const payload = message['payload'];
  if (typeof payload !== 'string' || Buffer.from(payload, 'base64').toString('base64') !== payload) {
    return failed(register, 'payload is not base64');
  }
  const given = jsonOf(Buffer.from(payload, 'base64'));
  if (!given) return failed(register, 'payload is no JSON map');
  for (const [key, value] of Object.entries(given)) values.set(key, value);
  return { status: 200, type: 'application/json' };
}

const part = '[A-Za-z0-9_-][A-Za-z0-9_.-]*';
const resourceForm = new RegExp(`^${part}/${part}/${part}$`);

/** `repository/type/tag` → bytes. The caller has looked at the token. */
export function answerResource(
  resources: Map<string, Buffer>,
  { method, path, body }: { method: string; path: string; body: Buffer },
): Reply {
  const failed = (why: string): Reply => problem('PluginInternalError', `Plugin internal error: ${why}`);
  if (!resourceForm.test(path)) return failed('illegal ResourceDesc format.');
  if (method === 'POST') {
    resources.set(path, body);
    return { status: 200, type: 'text/xml' };
  }
  return resources.delete(path) ? { status: 200, type: 'text/xml' } : failed(`resource not found: ${path}`);
}
