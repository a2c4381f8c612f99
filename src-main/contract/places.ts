/** Places on this machine, for callers that may not name a path themselves: picked by a person, held as an opaque token. */
import { z } from 'zod';
import { placeField } from './fields.ts';
import { defineCall } from './kernel.ts';

export const placePurposes = [
  'project_file',
  'project_folder',
  'new_project_folder',
  'admin_kit',
  'job_folder',
  'download_folder',
  'csv_file',
  'app_folder',
  'app_archive',
  'bundle_archive',
  'bundle_folder',
  'bundle_record',
  'drive_file',
  'data_folder',
  'data_file',
  'resource_content',
  'save_file',
] as const;

export type PlacePurpose = (typeof placePurposes)[number];

/** `token` goes where a call wants a path; `label` is the path as text, for reading only. */
export const placeSchema = z.strictObject({ token: z.string(), label: z.string() });

export const places = {
  /** A person picks a file or folder with the host's own dialog. `null`: they changed their mind. */
  pick: defineCall({
    name: 'places.pick',
    effect: 'read',
    deadlineMs: 600_000,
    input: z.strictObject({ purpose: z.enum(placePurposes), suggested_name: z.string().max(255).optional() }),
    output: z.strictObject({ place: placeSchema.nullable() }),
  }),
  /** Shows a place this program made (a result, a kit) in the file manager. */
  reveal: defineCall({
    name: 'places.reveal',
    effect: 'read',
    deadlineMs: 10_000,
    places: ['place'],
    input: z.strictObject({ place: placeField }),
    output: z.strictObject({ shown: z.boolean() }),
  }),
};
