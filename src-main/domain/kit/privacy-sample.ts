import type { KitFile } from './kit-file.ts';
import { jsonFile } from './kit-json.ts';

/** `local/privacy.json.sample`: two scopes to copy from; without effect until renamed (docs/reference/provisioning.md §4.6). */
export function renderPrivacySample(): KitFile {
  const scope = (name: string, noise: number, resultFilter: object, more: object) => ({
    name,
    properties: { train_dataset: `/data/${name}/train`, val_dataset: `/data/${name}/val` },
    task_result_filters: [
      { name: 'AddNoiseToMinMax', args: { min_noise_level: noise, max_noise_level: noise } },
      resultFilter,
    ],
    ...more,
  });
  return jsonFile('local/privacy.json.sample', {
    scopes: [
      scope(
        'public',
        0.2,
        { name: 'PercentilePrivacy', args: { percentile: 10, gamma: 0.02 } },
        { task_data_filters: [{ name: 'BadModelDetector' }] },
      ),
      scope('private', 0.1, { name: 'SVTPrivacy', args: { fraction: 0.1, epsilon: 0.2 } }, {}),
    ],
    default_scope: 'public',
  });
}
